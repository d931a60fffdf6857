-- What tells this server from every other, made when its data was; a physical replica has the same.
select system_identifier::text as fingerprint
from pg_catalog.pg_control_system()
