-- Whose database this is. A configured environment claims the database it migrates, and from then on no other one works on it.

alter table toysoldiers.installation add column environment text;

comment on column toysoldiers.installation.environment is 'the environment this database belongs to; null until one has claimed it';
