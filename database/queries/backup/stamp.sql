-- Makes a restored database that of the environment it was restored for, or nobody's: its stamp came with the dump.
-- $1: environment, or null
update toysoldiers.installation
set environment = $1
returning environment
