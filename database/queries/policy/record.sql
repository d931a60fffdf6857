-- Writes down who changed the policies, in the transaction that changes them.
-- $1: who, $2: version of the tool, $3: what was done, as JSON
insert into toysoldiers.audit_log (actor, tool_version, action, details)
values ($1, $2, 'policy apply', $3)
returning id
