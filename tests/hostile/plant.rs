//! Functions and operators of somebody who is trusted with nothing, for every name in what the program asks: they fit
//! better than the catalog's wherever arguments are not exactly what the catalog's take, and as well where they are.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use crate::support::Database;

/// Every word in the program's SQL, and in the Rust that makes SQL.
fn words() -> BTreeSet<String> {
    fn read(folder: &Path, words: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, words);
            } else if path
                .extension()
                .is_some_and(|ending| ending == "sql" || ending == "rs")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                let parts =
                    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
                words.extend(parts.map(str::to_ascii_lowercase));
            }
        }
    }
    let mut words = BTreeSet::new();
    for folder in ["database", "src"] {
        read(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
            &mut words,
        );
    }
    words
}

/// What is planted: a call leaves a trace that no rollback takes back, and fails.
const PLANT: &str = r#"
set search_path = pg_catalog;
create sequence public.fired;
grant usage on sequence public.fired to public;
do $do$ begin create role WEB login; exception when duplicate_object or unique_violation then null; end $do$;
grant create on schema public to WEB;
create schema extensions authorization WEB;
create temporary table called as select unnest('WORDS'::text[]) as word;
-- What is taken for what, without a word.
create temporary table source as
    with known as (
        select unnest('{
            bool,"\"char\"",name,int2,int4,int8,text,varchar,bpchar,oid,regclass,regproc,regtype,numeric,float4,float8,uuid,timestamptz,
            timestamp,date,interval,jsonb,json,inet,pg_lsn,xid,bytea,aclitem,pg_node_tree,oidvector,int2vector,_bool,_text,_name,_int2,
            _int4,_int8,_oid,_uuid,_char,_aclitem
        }'::regtype[])::oid as type
    )
    select type as target, type as source
    from known
    union
    select casttarget, castsource
    from pg_cast
    where castcontext = 'i' and castsource in (select type from known) and casttarget in (select type from known)
    union
    select target, source
    from unnest('{"\"any\"",anyelement,anynonarray,anycompatible,anycompatiblenonarray}'::regtype[]) target
    cross join unnest('{text,name,bool,int4,int8,oid,numeric,uuid,timestamptz,jsonb,"\"char\""}'::regtype[]) source
    union
    select target, source
    from unnest('{anyarray,anycompatiblearray}'::regtype[]) target
    cross join unnest('{_text,_name,_int2,_int4,_int8,_oid,_uuid,_char,_aclitem,oidvector,int2vector}'::regtype[]) source;
create temporary table planted (kind text, name text, args oid[], result oid);
insert into planted
select distinct 'function', p.proname, signature.args, case when result.typtype = 'p' then 'text'::regtype else p.prorettype end
from pg_proc p
join pg_type result on result.oid = p.prorettype
join called on called.word = p.proname
cross join lateral (
    select p.proargtypes::oid[] as args
    union
    -- One argument after the other, and both of two.
    select array(
        select case when place = changed.place then changed.source else own end
        from unnest(p.proargtypes::oid[]) with ordinality as argument (own, place)
        order by place
    )
    from (
        select argument.place, source.source
        from unnest(p.proargtypes::oid[]) with ordinality as argument (own, place)
        join source on source.target = argument.own
    ) changed
    union
    select array[one.source, two.source]
    from source one, source two
    where p.pronargs = 2 and one.target = p.proargtypes[0] and two.target = p.proargtypes[1]
) signature
where p.pronamespace = 'pg_catalog'::regnamespace
  and p.prokind in ('f', 'a')
  and not exists (
    select
    from unnest(signature.args) argument
    join pg_type t on t.oid = argument
    where t.typtype = 'p' and t.typname <> 'record'
  );
insert into planted
select distinct 'operator', o.oprname, array[one.source, two.source], o.oprresult
from pg_operator o
join source one on one.target = o.oprleft
join source two on two.target = o.oprright
join pg_type result on result.oid = o.oprresult
where o.oprnamespace = 'pg_catalog'::regnamespace
  and result.typtype <> 'p';
grant select on planted to WEB;
set check_function_bodies = off;
set role WEB;
do $do$
declare
    one record;
    place text;
    body constant text := $$begin perform pg_catalog.nextval('public.fired'); raise exception 'planted code ran: %', TG; end$$;
begin
    for one in
        select kind, name, result, array_to_string(array(select format_type(argument, null) from unnest(args) argument), ',') as args
        from planted
    loop
        foreach place in array array['public', 'extensions'] loop
            begin
                if one.kind = 'function' then
                    execute format('create function %I.%I(%s) returns %s language plpgsql as %L', place, one.name, one.args,
                        format_type(one.result, null), replace(body, 'TG', quote_literal(one.name || '(' || one.args || ')')));
                else
                    execute format('create or replace function %I.%I(%s) returns %s language plpgsql as %L', place,
                        'planted_' || one.result, one.args, format_type(one.result, null),
                        replace(body, 'TG', quote_literal('operator(' || one.args || ')')));
                    execute format('create operator %I.%s (leftarg = %s, rightarg = %s, function = %I.%I)', place, one.name,
                        split_part(one.args, ',', 1), split_part(one.args, ',', 2), place, 'planted_' || one.result);
                end if;
            exception when others then null;
            end;
        end loop;
    end loop;
end $do$;
reset role;
"#;

/// Whose all of it is: a role that may make things in `public` and owns `extensions`, as on servers of old.
pub const WEB: &str = "hostile_web";

/// An empty database in which everything is planted.
pub fn planted() -> Database {
    static PLANTED: LazyLock<Database> = LazyLock::new(|| {
        let database = Database::empty();
        let is_name = |word: &String| word.starts_with(|letter: char| letter.is_ascii_lowercase());
        let words: Vec<String> = words().into_iter().filter(is_name).collect();
        let sql = PLANT
            .replace("WEB", WEB)
            .replace("WORDS", &format!("{{{}}}", words.join(",")));
        database.sql(&sql);
        database
    });
    PLANTED.twin()
}

/// What a role owns that something of somebody else relies on.
pub fn relied_on(database: &Database, role: &str) -> Vec<String> {
    database.sql(&format!(
        "set search_path = pg_catalog;
         select distinct pg_describe_object(d.classid, d.objid, d.objsubid) || ' -> ' || pg_describe_object(d.refclassid, d.refobjid, 0)
         from pg_depend d
         left join pg_proc p on d.refclassid = 'pg_proc'::regclass and p.oid = d.refobjid
         left join pg_operator o on d.refclassid = 'pg_operator'::regclass and o.oid = d.refobjid
         where coalesce(p.proowner, o.oprowner) = '{role}'::regrole
           and d.classid <> 'pg_operator'::regclass"
    ))
}

/// Whether any of it ever ran.
pub fn has_fired(database: &Database) -> bool {
    database.value("set search_path = pg_catalog; select is_called from public.fired") == "t"
}
