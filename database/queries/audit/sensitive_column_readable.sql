-- A column whose name says that it holds a secret is readable. Policies choose rows, not columns: whoever sees the row sees the
-- secret.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: warning
-- remedy: revoke the column, which takes a grant of the other columns in place of one on the table; let a function answer the
-- owner
-- splinter: 0023
select
    format('%I.%I.%I', n.nspname, c.relname, a.attname) as object,
    format('%s may read it', low.names) as detail,
    null as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select case when bool_or(role = 'public') then 'public' else string_agg(quote_ident(role), ', ' order by role) end as names
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    where has_schema_privilege(role, n.oid, 'usage')
      and has_column_privilege(role, c.oid, a.attnum, 'select')
) low
where a.attnum > 0
  and not a.attisdropped
  and c.relkind in ('r', 'p', 'v', 'm', 'f')
  and low.names is not null
  and replace(lower(regexp_replace(a.attname, '([a-z0-9])([A-Z])', '\1_\2', 'g')), '-', '_') ~
    '(^|_)('
    'password|passwd|pwd|passphrase|hash|salt|secret|secrets|token|tokens|jwt|otp|totp|mfa|credential|credentials|apikey'
    '|(api|auth|private|secret|session|signing|encryption|license|activation|access|ssh|pgp|gpg)_?key'
    '|recovery_code|backup_code|verification_code'
    '|payout|stripe|iban|bic|swift|cvv|cvc|card_number|bank_account|account_number|routing_number'
    '|ssn|social_security|tax_id|vat_id|national_id|passport|driver_?s?_license|date_of_birth|dob'
    '|medical|diagnosis|biometric'
    ')(_|$)'
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
