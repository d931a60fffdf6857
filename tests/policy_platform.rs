//! The platform's own policies: the files mean the same whoever owns the tables and however the request says who asks,
//! and the functions tell what the policies cannot.

use std::path::Path;

use insta::assert_snapshot;

use crate::support::{Database, Tool};

/// The files, as a person would run them.
fn files() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("database/policies");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "sql"))
        .collect();
    paths.sort();
    assert_eq!(paths.len(), 8);
    let texts = paths.iter().map(std::fs::read_to_string);
    texts.collect::<Result<Vec<_>, _>>().unwrap().concat()
}

/// The platform's schema with its policies, owned by a superuser.
fn protected() -> Database {
    let database = Database::migrated();
    database.sql(&files());
    database
}

/// A database that somebody else than a superuser owns; it and its owner are gone in the end.
struct Owned {
    database: Database,
    owner: String,
}

impl Owned {
    /// As on Supabase: the owner is bound by no policy, and whatever it makes is everybody's.
    fn as_on_supabase() -> Self {
        let owned = Self::by("bypassrls");
        owned.sql(
            "alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
             alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
             alter default privileges grant all on functions to anon, authenticated, service_role",
        );
        owned.protect();
        owned
    }

    /// An owner with no right but to its own tables.
    fn by_a_plain_role() -> Self {
        let owned = Self::by("");
        owned.protect();
        owned
    }

    fn by(attributes: &str) -> Self {
        // Makes the roles of the requests, if no test has yet.
        Database::migrated();
        let database = Database::empty();
        let owner = format!("{}_owner", database.name);
        database.sql(&format!(
            "create role {owner} login {attributes};
             grant anon, authenticated, service_role to {owner};
             alter database {} owner to {owner}",
            database.name
        ));
        Self { database, owner }
    }

    fn protect(&self) {
        self.tool().run(&["migrate", "up"]).ok();
        self.tool().run(&["policy", "apply"]).ok();
        self.tool().run(&["policy", "status", "--check"]).ok();
    }

    fn tool(&self) -> Tool {
        Tool::new().on_as(&self.database, &self.owner)
    }

    fn sql(&self, text: &str) -> Vec<String> {
        let owner = &self.owner;
        self.database
            .sql(&format!("set session authorization {owner}; {text}"))
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let postgres = self.database.server.database("postgres");
        let name = &self.database.name;
        let _ = postgres.try_sql(&format!("drop database {name} with (force)"));
        let _ = postgres.try_sql(&format!("drop role {}", self.owner));
    }
}

/// Every right on what the platform has, but those of owners.
const RIGHTS: &str = "
    with rights as (
        select oid::regclass::text as what, relowner as owner, relacl as acl
        from pg_class where relnamespace = 'public'::regnamespace
        union all
        select attrelid::regclass || '.' || attname, relowner, attacl
        from pg_attribute join pg_class on pg_class.oid = attrelid where relnamespace = 'public'::regnamespace
        union all
        select oid::regprocedure::text, proowner, coalesce(proacl, acldefault('f', proowner))
        from pg_proc where pronamespace = 'app'::regnamespace
    )
    select what || ' ' || grantee::regrole || ' ' || string_agg(lower(privilege_type), ' ' order by privilege_type)
    from rights, aclexplode(acl)
    where grantee <> owner
    group by what, grantee
    order by what, grantee::regrole::text";

#[test]
fn the_rights_are_these_whatever_default_privileges_say() {
    let rights = protected().sql(RIGHTS);
    assert_snapshot!(rights.join("\n"), @"
    analytics_views authenticated select
    analytics_views service_role delete insert select update
    analytics_views_id_seq service_role usage
    app.current_creator_id() anon execute
    app.current_creator_id() authenticated execute
    app.current_creator_id() service_role execute
    app.current_user_id() anon execute
    app.current_user_id() authenticated execute
    app.current_user_id() service_role execute
    app.get_comments(uuid) anon execute
    app.get_comments(uuid) authenticated execute
    app.get_content(uuid) anon execute
    app.get_content(uuid) authenticated execute
    app.may_comment(uuid) authenticated execute
    app.my_payout_account() authenticated execute
    app.search_content(text[],integer,timestamp with time zone,uuid) anon execute
    app.search_content(text[],integer,timestamp with time zone,uuid) authenticated execute
    comments anon select
    comments authenticated delete select
    comments service_role delete insert select update
    comments.content_id authenticated insert
    comments.parent_id authenticated insert
    comments.text authenticated insert update
    comments.user_id authenticated insert
    content anon select
    content authenticated delete insert select update
    content service_role delete insert select update
    creators service_role delete insert select update
    creators.bio anon select
    creators.bio authenticated select update
    creators.id anon select
    creators.id authenticated select
    creators.tiers anon select
    creators.tiers authenticated select update
    creators.verified anon select
    creators.verified authenticated select
    dashboard_creator authenticated select
    dashboard_creator service_role select
    tips authenticated select
    tips service_role delete insert select update
    tips.amount authenticated insert
    tips.from_user authenticated insert
    tips.status authenticated insert
    tips.to_creator authenticated insert
    users service_role delete insert select update
    users.created_at authenticated select
    users.email authenticated select update
    users.id authenticated select
    users.role authenticated select
    users.updated_at authenticated select
    ");
    assert_eq!(Owned::as_on_supabase().sql(RIGHTS), rights);
    assert_eq!(Owned::by_a_plain_role().sql(RIGHTS), rights);
}

#[test]
fn everybody_comes_to_the_same_on_every_server_and_however_they_say_who_they_are() {
    // Each cell is asked with both identities, and is right only if both come to what it says.
    let cells = |tool: Tool| {
        let json = tool.run(&["policy", "test", "-o", "json"]).ok().json();
        assert_eq!(json["wrong"], 0);
        json["cells"].as_array().unwrap().clone()
    };
    let plain = cells(Tool::new().on(&protected()));
    assert!(plain.len() > 600, "{}", plain.len());
    assert!(plain.iter().all(|cell| cell["identity"] == "both"));
    assert_eq!(cells(Owned::as_on_supabase().tool()), plain);
    assert_eq!(cells(Owned::by_a_plain_role().tool()), plain);
}

#[test]
fn nothing_is_untested_and_no_weaker_policy_goes_unnoticed() {
    let tool = Tool::new().on(&protected());
    let test = tool.run(&["policy", "test", "--mutate", "-o", "json"]).ok();
    let json = test.json();
    assert_eq!(json["untested"], serde_json::json!([]));
    let mutants = json["mutants"].as_array().unwrap();
    assert!(mutants.len() > 30, "{}", mutants.len());
    assert!(mutants.iter().all(|mutant| mutant["caught"] == true));
}

/// The files are plain SQL: whoever runs them with psql has what `policy apply` makes.
#[test]
fn files_that_a_person_has_run_leave_nothing_to_apply() {
    let tool = Tool::new().on(&protected());
    tool.run(&["policy", "status", "--check"]).ok();
}

#[test]
fn the_files_need_no_search_path() {
    let database = Database::migrated();
    database.sql(&format!("set search_path = ''; {}", files()));
    assert_eq!(database.sql(RIGHTS), protected().sql(RIGHTS));
}

/// Runs SQL as somebody signed in, who is known by an e-mail address.
fn ask(database: &Database, email: &str, sql: &str) -> Vec<String> {
    let user = database.value(&format!("select id from users where email = '{email}'"));
    database.sql(&format!(
        "set role authenticated; set app.user_id = '{user}'; {sql}"
    ))
}

/// Two creators, a fan, and content of the first.
fn people() -> Database {
    let database = protected();
    database.sql(
        "insert into users (email, password_hash, role)
         values ('nina@example.com', 'x', 'creator'), ('otto@example.com', 'x', 'creator'), ('fay@example.com', 'x', 'fan');
         insert into creators (user_id, payout_account)
         select id, 'acct_' || split_part(email, '@', 1) from users where role = 'creator';
         insert into content (creator_id, title, visibility, tags)
         select creators.id, visibility, visibility, array['brass', visibility]
         from creators join users on users.id = user_id, unnest(array['public', 'unlisted', 'private']) as visibility
         where email = 'nina@example.com';
         insert into comments (content_id, user_id, text)
         select content.id, users.id, 'under ' || visibility
         from content, users where email = 'fay@example.com'",
    );
    database
}

#[test]
fn a_link_shows_what_no_listing_does() {
    let database = people();
    let everything = |question: &str| {
        // Ids are known to whoever has a link, and to nobody who only asks.
        let ids = database.sql("select id from content order by title");
        let questions = ids.iter().map(|id| question.replace("ID", id));
        questions.collect::<Vec<_>>().join(" union all ")
    };
    let content = everything("select title from app.get_content('ID')");
    let comments = everything("select text from app.get_comments('ID')");
    let may = everything("select app.may_comment('ID')::text");
    let fan = |sql: &str| ask(&database, "fay@example.com", sql).join(", ");
    let creator = |sql: &str| ask(&database, "nina@example.com", sql).join(", ");
    let anon = |sql: &str| database.sql(&format!("set role anon; {sql}")).join(", ");

    assert_eq!(fan("select title from content"), "public");
    assert_eq!(fan(&content), "public, unlisted");
    assert_eq!(fan(&comments), "under public, under unlisted");
    assert_eq!(fan(&may), "false, true, true");
    assert_eq!(creator(&content), "private, public, unlisted");
    assert_eq!(
        creator(&comments),
        "under private, under public, under unlisted"
    );
    assert_eq!(creator(&may), "true, true, true");
    assert_eq!(anon(&content), "public, unlisted");
    assert_eq!(anon(&comments), "under public, under unlisted");
    // What is not there gives no other answer than what may not be seen.
    for question in [
        "select title from app.get_content(gen_random_uuid())",
        "select title from app.get_content(null)",
        "select text from app.get_comments(gen_random_uuid())",
        "select text from app.get_comments(null)",
    ] {
        assert_eq!(fan(question), "", "{question}");
    }
    assert_eq!(fan("select app.may_comment(null)"), "f");
}

#[test]
fn creators_read_their_own_account_only() {
    let database = people();
    let account = |email| ask(&database, email, "select app.my_payout_account()").concat();
    assert_eq!(account("nina@example.com"), "acct_nina");
    assert_eq!(account("otto@example.com"), "acct_otto");
    assert_eq!(account("fay@example.com"), "");
    assert_eq!(account("nobody@example.com"), "");
    assert_eq!(
        database.refusal("set role authenticated; select payout_account from creators"),
        "permission denied for table creators"
    );
    assert_eq!(
        database.refusal("set role anon; select app.my_payout_account()"),
        "permission denied for function my_payout_account"
    );
}

#[test]
fn what_one_said_can_be_taken_back_wherever_it_was() {
    let database = people();
    let deleted = ask(
        &database,
        "fay@example.com",
        "update comments set text = text || '!'; delete from comments returning text",
    );
    assert_eq!(
        deleted,
        ["under public!", "under unlisted!", "under private!"]
    );
}

/// Conditions take being able to read, so policies for reading hide what those for changing would let through: only
/// a change without any condition shows what they say.
#[test]
fn a_change_without_a_condition_changes_ones_own() {
    let database = people();
    let fan = |sql: &str| ask(&database, "fay@example.com", sql);
    fan("update users set email = 'fay2@example.com'");
    database.sql("update users set email = 'fay@example.com' where email = 'fay2@example.com'");
    assert_eq!(
        database.value("select count(*) from users where email = 'fay@example.com'"),
        "1"
    );
    fan(
        "update creators set bio = 'x'; update content set title = 'x'; update comments set text = 'x'; delete from content",
    );
    let changed = "select (select count(*) from creators where bio = 'x'), (select count(*) from content where title = 'x'),
        (select count(*) from comments where text = 'x'), (select count(*) from content)";
    assert_eq!(database.value(changed), "0|0|3|3");
    ask(
        &database,
        "nina@example.com",
        "update creators set bio = 'x'; update content set title = 'x'; delete from comments",
    );
    assert_eq!(database.value(changed), "1|3|3|3");
}

#[test]
fn search_shows_what_is_public_page_by_page() {
    let database = people();
    database.sql(
        "insert into content (id, creator_id, title, visibility, tags, created_at)
         select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, creators.id, n, 'public', array['many'],
             timestamptz '2026-01-01' + (n / 2) * interval '1 day'
         from creators join users on users.id = user_id, generate_series(1, 150) n
         where email = 'nina@example.com'",
    );
    let search = |arguments: &str| {
        let question = format!("select title from app.search_content({arguments})");
        ask(&database, "fay@example.com", &question).join(" ")
    };
    assert_eq!(search("array['brass']"), "public");
    assert_eq!(search("array['brass', 'public']"), "public");
    assert_eq!(search("array['brass', 'many']"), "");
    assert_eq!(search("array['private']"), "");
    assert_eq!(search("null"), "");
    assert_eq!(search("array['many'], 3"), "150 149 148");
    // Two of one day, of which the page before had the first.
    assert_eq!(
        search("array['many'], 3, '2026-03-16', '00000000-0000-0000-0000-000000000149'"),
        "148 147 146"
    );
    assert_eq!(
        search("array['many'], 3, '2026-03-16'"),
        "147 146 145",
        "without an id, only what is older"
    );
    let count = |arguments: &str| search(arguments).split_whitespace().count();
    assert_eq!(count("array['many']"), 20);
    assert_eq!(count("array['many'], null, null, null"), 20);
    assert_eq!(count("array['many'], 1000000"), 100);
    assert_eq!(count("array['many'], -1"), 0);
    // The creator has a listing of their own for the rest.
    let own = "select title from app.search_content(array['brass'])";
    assert_eq!(ask(&database, "nina@example.com", own), ["public"]);
}

#[test]
fn search_uses_the_index_that_policies_keep_from_everybody() {
    let database = protected();
    database.sql("create index content_tags on content using gin (tags)");
    let scans = |question: &str| {
        database.sql(&format!(
            "begin; set local enable_seqscan = off; set local enable_indexscan = off; set local role anon; {question};
             reset role; select pg_stat_get_xact_numscans('content_tags'::regclass)"
        ))
    };
    assert_eq!(
        scans("select id from content where tags @> array['brass']"),
        ["0"]
    );
    assert_eq!(
        scans("select id from app.search_content(array['brass'])"),
        ["1"]
    );
}

#[test]
fn nothing_a_caller_makes_is_mistaken_for_what_a_function_means() {
    let database = people();
    let public = database.value("select id from content where visibility = 'public'");
    let private = database.value("select id from content where visibility = 'private'");
    database.sql(&format!(
        "grant temporary on database {} to authenticated",
        database.name
    ));
    let found = ask(
        &database,
        "fay@example.com",
        &format!(
            "create temp table content (id uuid, visibility text);
             create domain pg_temp.uuid as text;
             create function pg_temp.coalesce_any(text[], text[]) returns boolean language sql as 'select true';
             create operator pg_temp.@> (leftarg = text[], rightarg = text[], function = pg_temp.coalesce_any);
             set search_path = pg_temp, public;
             select title from app.get_content('{public}');
             select title from app.get_content('{private}');
             select title from app.search_content(array['nothing has this tag'])"
        ),
    );
    assert_eq!(found, ["public"]);
}
