insert into toysoldiers.audit_log (actor, tool_version, action, subject, details)
select
    nullif(current_setting('toysoldiers.actor', true), ''),
    nullif(current_setting('toysoldiers.tool_version', true), ''),
    action,
    subject,
    details
from entry
returning id
