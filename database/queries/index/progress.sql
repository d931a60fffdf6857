-- How far the build of an index has come. What a phase counts: those who are waited for, tuples, or blocks.
-- $1: process id of the session that builds
select
    coalesce(phase, '') as phase,
    case
        when phase like 'waiting%' then lockers_total
        when phase like '%loading tuples%' then tuples_total
        else blocks_total
    end as total,
    case
        when phase like 'waiting%' then lockers_done
        when phase like '%loading tuples%' then tuples_done
        else blocks_done
    end as done
from pg_catalog.pg_stat_progress_create_index
where pid = $1
  and datname = current_database()
