//! The schema that the migrations make: name by name, type by type, and the rules behind it.

use insta::assert_snapshot;

use crate::support::Database;

/// Table, column, type, whether it may be null, default: what the platform's documentation gives.
const COLUMNS: &str = "\
analytics_views.id integer not null nextval('analytics_views_id_seq'::regclass)
analytics_views.date date not null
analytics_views.user_id uuid
analytics_views.content_id uuid not null
analytics_views.view_count integer not null 1
analytics_views.duration numeric not null 0
analytics_views.device_type text
analytics_views.referrer text
comments.id uuid not null gen_random_uuid()
comments.content_id uuid not null
comments.user_id uuid not null
comments.parent_id uuid
comments.text text not null
comments.created_at timestamp with time zone not null now()
content.id uuid not null gen_random_uuid()
content.creator_id uuid not null
content.title text not null
content.description text
content.media_url text
content.stream_url text
content.thumbnail_url text
content.tags text[] not null '{}'::text[]
content.visibility text not null 'private'::text
content.duration integer
content.file_size bigint
content.created_at timestamp with time zone not null now()
content.updated_at timestamp with time zone not null now()
creators.id uuid not null gen_random_uuid()
creators.user_id uuid not null
creators.payout_account text
creators.bio text
creators.tiers jsonb not null '[]'::jsonb
creators.verified boolean not null false
dashboard_creator.creator_id uuid
dashboard_creator.total_content bigint
dashboard_creator.total_views bigint
dashboard_creator.total_watch_time numeric
dashboard_creator.total_tips numeric
dashboard_creator.total_comments bigint
tips.id uuid not null gen_random_uuid()
tips.from_user uuid
tips.to_creator uuid not null
tips.amount numeric not null
tips.stripe_txn text
tips.status text not null 'pending'::text
tips.created_at timestamp with time zone not null now()
users.id uuid not null gen_random_uuid()
users.email text not null
users.password_hash text not null
users.role text not null 'fan'::text
users.created_at timestamp with time zone not null now()
users.updated_at timestamp with time zone not null now()";

#[test]
fn columns_are_those_of_the_documentation() {
    let database = Database::migrated();
    let columns = database.sql(
        "select rtrim(c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
             || case when a.attnotnull then ' not null' else '' end
             || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), ''))
         from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'p', 'm')
         order by c.relname, a.attnum",
    );
    assert_eq!(columns.join("\n"), COLUMNS);
}

#[test]
fn constraints_keep_what_makes_no_sense_out() {
    let database = Database::migrated();
    let constraints = database.sql(
        "select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
         from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n'
         order by conrelid::regclass::text, contype, conname",
    );
    assert_snapshot!(constraints.join("\n"), @"
    analytics_views analytics_views_duration_check CHECK (((duration >= (0)::numeric) AND (duration < 'Infinity'::numeric)))
    analytics_views analytics_views_view_count_check CHECK ((view_count >= 0))
    analytics_views analytics_views_content_id_fkey FOREIGN KEY (content_id) REFERENCES content(id) ON DELETE CASCADE
    analytics_views analytics_views_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE SET NULL
    analytics_views analytics_views_pkey PRIMARY KEY (id)
    comments comments_content_id_fkey FOREIGN KEY (content_id) REFERENCES content(id) ON DELETE CASCADE
    comments comments_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES comments(id) ON DELETE CASCADE
    comments comments_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
    comments comments_pkey PRIMARY KEY (id)
    content content_visibility_check CHECK ((visibility = ANY (ARRAY['public'::text, 'unlisted'::text, 'private'::text])))
    content content_creator_id_fkey FOREIGN KEY (creator_id) REFERENCES creators(id) ON DELETE CASCADE
    content content_pkey PRIMARY KEY (id)
    creators creators_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
    creators creators_pkey PRIMARY KEY (id)
    creators creators_user_id_key UNIQUE (user_id)
    tips tips_amount_check CHECK (((amount > (0)::numeric) AND (amount < 'Infinity'::numeric)))
    tips tips_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'completed'::text, 'failed'::text, 'refunded'::text])))
    tips tips_from_user_fkey FOREIGN KEY (from_user) REFERENCES users(id) ON DELETE SET NULL
    tips tips_to_creator_fkey FOREIGN KEY (to_creator) REFERENCES creators(id) ON DELETE RESTRICT
    tips tips_pkey PRIMARY KEY (id)
    users users_role_check CHECK ((role = ANY (ARRAY['creator'::text, 'fan'::text, 'admin'::text])))
    users users_pkey PRIMARY KEY (id)
    users users_email_key UNIQUE (email)
    ");
}

#[test]
fn every_table_is_closed_from_the_moment_it_is_made() {
    let database = Database::migrated();
    assert_eq!(
        database.value("select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and not relrowsecurity"),
        "0"
    );
    for role in ["anon", "authenticated"] {
        for table in [
            "users",
            "creators",
            "content",
            "comments",
            "tips",
            "analytics_views",
        ] {
            assert_eq!(
                database.refusal(&format!("set role {role}; select * from {table}")),
                format!("permission denied for table {table}")
            );
            assert_eq!(
                database.refusal(&format!("set role {role}; truncate {table}")),
                format!("permission denied for table {table}")
            );
        }
        assert_eq!(
            database.refusal(&format!(
                "set role {role}; select * from toysoldiers.history"
            )),
            "permission denied for schema toysoldiers"
        );
    }
}

#[test]
fn every_migration_that_makes_a_table_closes_it_in_the_same_file() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("database/migrations");
    let mut tables = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("create table ") {
                let name = rest.split_whitespace().next().unwrap();
                assert!(
                    text.contains(&format!("alter table {name} enable row level security")),
                    "{name}"
                );
                tables += 1;
            }
        }
    }
    assert_eq!(tables, 6);
}

#[test]
fn functions_with_the_rights_of_their_owner_have_a_fixed_path_and_are_not_everybodys() {
    let database = Database::migrated();
    let functions = database.sql(
        "select p.oid::regprocedure || ' ' || array_to_string(p.proconfig, ' ')
             || case when exists (
                 select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) where grantee = 0
             ) then ' public' else '' end
         from pg_proc p
         where p.prosecdef
         order by 1",
    );
    assert_snapshot!(functions.join("\n"), @"
    app.current_creator_id() search_path=pg_catalog, pg_temp
    app.get_comments(uuid) search_path=pg_catalog, pg_temp
    app.get_content(uuid) search_path=pg_catalog, pg_temp
    app.may_comment(uuid) search_path=pg_catalog, pg_temp
    app.my_payout_account() search_path=pg_catalog, pg_temp
    app.search_content(text[],integer,timestamp with time zone,uuid) search_path=pg_catalog, pg_temp
    ");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let database = Database::seeded();
    let tip = "insert into tips (to_creator, amount) select id, {} from creators limit 1";
    for (statement, reason) in [
        (
            "insert into users (email, password_hash) select upper(email), 'x' from users limit 1"
                .to_owned(),
            "users_email_lower_key",
        ),
        (
            "insert into users (email, password_hash, role) values ('x@example.com', 'x', 'king')"
                .to_owned(),
            "users_role_check",
        ),
        (
            "insert into creators (user_id) select user_id from creators limit 1".to_owned(),
            "creators_user_id_key",
        ),
        (
            "update content set visibility = 'secret'".to_owned(),
            "content_visibility_check",
        ),
        (tip.replace("{}", "0"), "tips_amount_check"),
        (tip.replace("{}", "-1"), "tips_amount_check"),
        (tip.replace("{}", "'NaN'"), "tips_amount_check"),
        (tip.replace("{}", "'Infinity'"), "tips_amount_check"),
        (
            "update tips set status = 'lost'".to_owned(),
            "tips_status_check",
        ),
        (
            "update analytics_views set view_count = -1".to_owned(),
            "analytics_views_view_count_check",
        ),
        (
            "update analytics_views set duration = 'NaN'".to_owned(),
            "analytics_views_duration_check",
        ),
        ("delete from creators".to_owned(), "tips_to_creator_fkey"),
    ] {
        assert!(
            database.refusal(&statement).contains(reason),
            "{statement}: {}",
            database.refusal(&statement)
        );
    }
}

#[test]
fn erasing_a_fan_keeps_the_money_and_forgets_the_fan() {
    let database = Database::seeded();
    let sums = "select count(*), sum(amount) from tips";
    let before = database.value(sums);
    let fan = database.value("select from_user from tips where from_user not in (select user_id from creators) group by 1 order by count(*) desc limit 1");
    let tips = database.value(&format!(
        "select count(*) from tips where from_user = '{fan}'"
    ));
    database.sql(&format!("delete from users where id = '{fan}'"));
    assert_eq!(database.value(sums), before);
    assert_ne!(tips, "0");
    assert_eq!(
        database.value(&format!(
            "select count(*) from comments where user_id = '{fan}'"
        )),
        "0"
    );
}

#[test]
fn updated_at_is_kept() {
    let database = Database::seeded();
    database.sql("update users set role = role; update content set title = title || '!'");
    assert_eq!(
        database.value("select bool_and(updated_at > now() - interval '1 minute') from users"),
        "t"
    );
    assert_eq!(
        database.value("select bool_and(updated_at > now() - interval '1 minute') from content"),
        "t"
    );
}

#[test]
fn who_asks_is_told_by_the_request_or_by_the_application() {
    let database = Database::migrated();
    let id = "7b0c9f3e-5d0f-4c8e-9a5b-0d9c2d1f6a3b";
    let ask = |settings: &str| {
        database
            .sql(&format!("{settings}; select app.current_user_id()"))
            .concat()
    };
    assert_eq!(ask("select"), "");
    assert_eq!(ask(&format!("set app.user_id = '{id}'")), id);
    assert_eq!(
        ask(&format!("set request.jwt.claims = '{{\"sub\": \"{id}\"}}'")),
        id
    );
    assert_eq!(ask("set app.user_id = ''; set request.jwt.claims = ''"), "");
    assert_eq!(ask("set app.user_id = 'garbage'"), "");
}

#[test]
fn once_there_are_claims_nothing_else_says_who_asks() {
    let database = Database::migrated();
    let (id, other) = (
        "7b0c9f3e-5d0f-4c8e-9a5b-0d9c2d1f6a3b",
        "00000000-0000-0000-0000-000000000001",
    );
    let ask = |claims: &str| {
        let settings = format!("set app.user_id = '{other}'; set request.jwt.claims = '{claims}'");
        database.try_sql(&format!("{settings}; select app.current_user_id()"))
    };
    assert_eq!(ask(&format!("{{\"sub\": \"{id}\"}}")).unwrap().concat(), id);
    // No account, whatever was set before in this session.
    for claims in [
        "{}",
        "{\"sub\": null}",
        "{\"sub\": \"\"}",
        "{\"sub\": 7}",
        "{\"sub\": {\"sub\": \"x\"}}",
        "{\"role\": \"anon\"}",
        "null",
        "[]",
        "\"sub\"",
        "7",
    ] {
        assert_eq!(ask(claims).unwrap().concat(), "", "{claims}");
    }
    // None were given.
    assert_eq!(ask("").unwrap().concat(), other);
    // A broken server in front.
    for claims in ["{", "sub", " "] {
        assert!(ask(claims).is_err(), "{claims}");
    }
    let changed = database.value(
        "select proisstrict or prosecdef or provolatile <> 's' or proparallel <> 's'
             or proconfig <> array['search_path=pg_catalog, pg_temp']
         from pg_proc where oid = 'app.current_user_id()'::regprocedure",
    );
    assert_eq!(changed, "f");
}

#[test]
fn the_dashboard_shows_everyone_to_operators_oneself_to_a_creator_and_nothing_to_others() {
    let database = Database::seeded();
    let creator = "clockwork.fox@example.com";
    let count = |role: &str, email: &str| {
        let user = database.value(&format!("select id from users where email = '{email}'"));
        database.sql(&format!("set role {role}; set app.user_id = '{user}'; select count(*), min(total_tips) from dashboard_creator")).concat()
    };
    let truth = database.value(&format!(
        "select total_tips from dashboard_creator d join creators c on c.id = d.creator_id join users u on u.id = c.user_id where email = '{creator}'"
    ));
    let all = database.value("select count(*) from creators");
    let fan = database.value("select email from users where role = 'fan' limit 1");
    assert_eq!(count("authenticated", creator), format!("1|{truth}"));
    assert_eq!(count("authenticated", &fan), "0|");
    assert_eq!(count("authenticated", "nobody"), "0|");
    assert!(count("service_role", &fan).starts_with(&format!("{all}|")));
    assert_eq!(
        database.value("select count(*) from dashboard_creator"),
        all
    );
    assert_eq!(
        database.refusal("set role anon; select * from dashboard_creator"),
        "permission denied for view dashboard_creator"
    );
}

#[test]
fn the_dashboard_does_not_multiply_what_it_joins() {
    let database = Database::seeded();
    let wrong = database.value(
        "select count(*)
         from dashboard_creator d
         cross join lateral (
            select
                (select count(*) from content where creator_id = d.creator_id) as content,
                (select coalesce(sum(view_count), 0) from analytics_views where content_id in (select id from content where creator_id = d.creator_id)) as views,
                (select coalesce(sum(duration), 0) from analytics_views where content_id in (select id from content where creator_id = d.creator_id)) as time,
                (select coalesce(sum(amount), 0) from tips where to_creator = d.creator_id and status = 'completed') as tips,
                (select count(*) from comments where content_id in (select id from content where creator_id = d.creator_id)) as comments
         ) t
         where (d.total_content, d.total_views, d.total_watch_time, d.total_tips, d.total_comments)
            is distinct from (t.content, t.views, t.time, t.tips, t.comments)",
    );
    assert_eq!(wrong, "0");
    assert!(
        database.value("select count(*) from dashboard_creator where total_content = 0") != "0",
        "also creators without activity"
    );
    let options =
        database.value("select reloptions from pg_class where relname = 'dashboard_creator'");
    assert_eq!(options, "{security_barrier=true}");
}

#[test]
fn one_creator_is_looked_up_by_index() {
    let database = Database::seeded();
    let plan = database.sql("set enable_seqscan = off; explain select * from dashboard_creator where creator_id = '00000000-0000-0000-0000-000000000000'");
    assert!(
        plan.iter()
            .any(|line| line.contains("Index") && line.contains("creators_pkey")),
        "{plan:#?}"
    );
    assert!(
        plan.iter()
            .any(|line| line.contains("(id = '00000000-0000-0000-0000-000000000000'::uuid)")),
        "{plan:#?}"
    );
}

#[test]
fn the_tools_own_schema_is_exactly_this() {
    let database = Database::migrated();
    let columns = database.sql(
        "select c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
         from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
         where c.relnamespace = 'toysoldiers'::regnamespace and c.relkind = 'r' order by c.relname, a.attnum",
    );
    assert_snapshot!(columns.join("\n"), @"
    audit_log.id bigint
    audit_log.at timestamp with time zone
    audit_log.actor text
    audit_log.role text
    audit_log.client inet
    audit_log.tool_version text
    audit_log.action text
    audit_log.subject uuid
    audit_log.details jsonb
    deploys.id bigint
    deploys.outcome text
    deploys.started_at timestamp with time zone
    deploys.finished_at timestamp with time zone
    deploys.duration_ms bigint
    deploys.actor text
    deploys.role text
    deploys.client inet
    deploys.tool_version text
    deploys.revision text
    deploys.dirty boolean
    deploys.stages jsonb
    deploys.message text
    detached.id bigint
    detached.because_schema text
    detached.because_name text
    detached.table_schema text
    detached.table_name text
    detached.policy text
    detached.command text
    detached.permissive boolean
    detached.roles text[]
    detached.using_expression text
    detached.check_expression text
    detached.comment text
    detached.detached_at timestamp with time zone
    detached.actor text
    detached.role text
    detached.client inet
    detached.tool_version text
    history.version bigint
    history.name character varying(255)
    history.applied_on character varying(255)
    history.checksum character varying(255)
    history.applied_at timestamp with time zone
    history.applied_by text
    history.actor text
    history.client inet
    history.tool_version text
    history.duration_ms bigint
    installation.singleton boolean
    installation.version integer
    installation.tool_version text
    installation.installed_at timestamp with time zone
    installation.environment text
    runs.id bigint
    runs.version bigint
    runs.name text
    runs.action text
    runs.outcome text
    runs.checksum text
    runs.sql text
    runs.statements integer
    runs.message text
    runs.sqlstate text
    runs.started_at timestamp with time zone
    runs.duration_ms bigint
    runs.actor text
    runs.role text
    runs.client inet
    runs.tool_version text
    schema_hash.singleton boolean
    schema_hash.hash text
    schema_hash.place text
    schema_hash.objects jsonb
    schema_hash.before jsonb
    schema_hash.taken_at timestamp with time zone
    schema_hash.actor text
    schema_hash.tool_version text
    schema_hash.unfinished text[]
    schema_hash.unfinished_since timestamp with time zone
    schema_hash.doubt text
    schema_hash.doubt_since timestamp with time zone
    steps.version bigint
    steps.number integer
    steps.hash text
    steps.sql text
    steps.started_at timestamp with time zone
    steps.finished_at timestamp with time zone
    ");
}
