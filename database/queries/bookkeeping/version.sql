-- The version of our own schema in this database.
select version
from toysoldiers.installation
