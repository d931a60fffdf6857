-- Keeps the values that travel with the rest of this transaction out of the server's log, as far as this role may.
-- Each setting by itself: most are for superusers and whom they granted it, and some come with an extension.
declare
    setting text[];
begin
    foreach setting slice 1 in array array[
        ['log_parameter_max_length', '0'],
        ['log_parameter_max_length_on_error', '0'],
        -- The detail of an error shows the row that was refused.
        ['log_error_verbosity', 'terse'],
        -- Then a plan that is logged shows parameters and not their values.
        ['plan_cache_mode', 'force_generic_plan'],
        ['auto_explain.log_parameter_max_length', '0'],
        ['pgaudit.log_parameter', 'off']
    ] loop
        -- Of an extension that is not there, or is older, there is nothing to set.
        continue when pg_catalog.current_setting(setting[1], true) is null;
        begin
            perform pg_catalog.set_config(setting[1], setting[2], true);
        exception
            when insufficient_privilege then null;
        end;
    end loop;
end
