-- Writes down who changes an index, before it is changed: the change itself wants no transaction around it.
-- $1: who, $2: version of the tool, $3: what it is a part of, $4: what is done, as JSON
insert into toysoldiers.audit_log (actor, tool_version, action, details)
values ($1, $2, $3, $4)
returning id
