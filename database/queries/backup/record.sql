-- Writes down in a restored database that it is one.
-- $1: name of the backup, $2: environment the backup is of, $3: who restores it, $4: version of the tool
insert into toysoldiers.audit_log (actor, tool_version, action, details)
values ($3, $4, 'backup restore', jsonb_build_object('backup', $1::text, 'environment', $2::text))
returning id
