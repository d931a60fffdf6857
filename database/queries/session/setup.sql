-- Everything that decides how the questions to come are answered, whatever the role's own settings are.
--
-- $1 lock_timeout in milliseconds
-- $2 statement_timeout in milliseconds, 0 for ever
-- $3 search_path; null leaves it as the address has it
-- $4 whether until the end of the transaction only
select
    pg_catalog.set_config('lock_timeout', $1, $4) as lock_timeout,
    pg_catalog.set_config('statement_timeout', $2, $4) as statement_timeout,
    pg_catalog.set_config('idle_in_transaction_session_timeout', '60s', $4) as idle_in_transaction,
    pg_catalog.set_config('idle_session_timeout', '0', $4) as idle,
    -- A role that policies hide rows from gets an error, and not the rows that are left.
    pg_catalog.set_config('row_security', 'off', $4) as row_security,
    case when $3::text is not null then pg_catalog.set_config('search_path', $3, $4) end as search_path,
    -- The server ends what nobody waits for any more. Not every system can tell.
    case
        when pg_catalog.version() like '%linux%'
            then pg_catalog.set_config('client_connection_check_interval', '1s', $4)
    end as check_interval
