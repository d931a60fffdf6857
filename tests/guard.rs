//! What must be true before a command works on a database: the stamp, the fingerprint, and what an environment
//! never runs.

use insta::assert_snapshot;

use crate::support::{Database, Server, Setup, Tool};

/// The program beside a toysoldiers.toml with these environments, each with lines of its own.
pub fn configured(environments: &[(&str, &Database, &str)]) -> Tool {
    let mut tool = Tool::new();
    let mut file = Vec::new();
    for (name, database, lines) in environments {
        file.push(format!(
            "[env.{name}]\nurl = \"{}\"\n{lines}\n",
            database.url()
        ));
        tool = tool.hiding(database);
    }
    tool.write("toysoldiers.toml", file.concat());
    tool.write("database/migrations/001_a.sql", "create table a();");
    tool
}

pub fn stamp(database: &Database) -> String {
    database.value("select environment from toysoldiers.installation")
}

/// Makes the bookkeeping that of the first version, which had no stamp.
pub fn first_version(database: &Database) {
    database.sql(
        "alter table toysoldiers.installation drop column environment; drop function toysoldiers.audit; drop view toysoldiers.runner, toysoldiers.deploy_runner, toysoldiers.index_runner; drop table toysoldiers.schema_hash; drop table toysoldiers.deploys, toysoldiers.detached, toysoldiers.runs, toysoldiers.steps;
         update toysoldiers.installation set version = 1",
    );
}

#[test]
fn the_first_migrate_up_of_a_configured_environment_stamps_the_database() {
    let database = Database::empty();
    let tool = configured(&[("shop", &database, "")]);
    assert_snapshot!(tool.run(&["--env", "shop", "migrate", "up", "--dry-run"]), @"
    -- stdout
    plan: apply 1 migration
      stamp shop  (from now on the database belongs to this environment)
      apply database/migrations/001_a.sql
    -- stderr
    -> shop  SOCKET/DB as postgres
    dry run: nothing was changed
    warning: database/migrations/001_a.sql:1:14: the table a is made without row-level security (table-without-row-security)
    `toysoldiers --env shop migrate check` tells why, and what to write instead
    -- exit 0
    ");
    assert_eq!(
        database.value("select to_regnamespace('toysoldiers') is null"),
        "t"
    );
    assert_snapshot!(tool.run(&["--env", "shop", "migrate", "up"]), @"
    -- stdout
    applied 001_a (1 statement, DURATION)
    -- stderr
    -> shop  SOCKET/DB as postgres
    applied 1 migration in DURATION (database/migrations); the database is at 001_a; stamped the database as shop
    warning: database/migrations/001_a.sql:1:14: the table a is made without row-level security (table-without-row-security)
    `toysoldiers --env shop migrate check` tells why, and what to write instead
    -- exit 0
    ");
    assert_eq!(
        database.sql("select actor ~ '@', action, details from toysoldiers.audit_log"),
        [r#"t|migrate up|{"stamp": "shop", "before": null}"#]
    );
    assert_eq!(stamp(&database), "shop");
    assert_snapshot!(tool.run(&["--env", "shop", "migrate", "up"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    nothing to do: the database is at 001_a (1 migration, database/migrations)
    -- exit 0
    ");
    assert_eq!(
        database.value("select count(*) from toysoldiers.audit_log"),
        "1"
    );
}

#[test]
fn a_database_that_needs_nothing_else_is_stamped_too() {
    let database = Database::empty();
    let tool = configured(&[("shop", &database, "protected = true")]);
    let url = database.url();
    let bare = Tool::new().hiding(&database);
    bare.write("m/001_a.sql", "create table a();");
    bare.run(&["migrate", "up", "--migrations", "m", "--database-url", &url])
        .ok();
    assert_eq!(stamp(&database), "");
    assert_snapshot!(tool.run(&["--env", "shop", "migrate", "up", "--dry-run"]), @"
    -- stdout
    plan: stamp the database
      stamp shop  (from now on the database belongs to this environment)
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    dry run: nothing was changed
    -- exit 0
    ");
    assert_eq!(stamp(&database), "");
    assert_snapshot!(tool.run(&["--env", "shop", "migrate", "up"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    error: cannot stamp the database without a yes: there is no terminal to ask on
      hint: agree with `--yes`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["--env", "shop", "migrate", "up", "--yes"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    stamped the database as shop; no migration was pending: the database is at 001_a (1 migration, database/migrations)
    -- exit 0
    ");
    assert_eq!(stamp(&database), "shop");
    let up = tool
        .run(&["--env", "shop", "migrate", "up", "-o", "json"])
        .ok();
    let keys: Vec<String> = up.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        keys,
        [
            "source",
            "applied",
            "current",
            "total",
            "left",
            "stamped",
            "upgraded",
            "duration_ms"
        ]
    );
}

#[test]
fn a_bare_url_never_stamps() {
    let database = Database::empty();
    let tool = configured(&[("shop", &database, "")]).on(&database);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(stamp(&database), "");
}

#[test]
fn bookkeeping_of_the_first_version_is_brought_up_to_date() {
    let database = Database::empty();
    let tool = configured(&[("shop", &database, "")]);
    tool.run(&["--env", "shop", "migrate", "up"]).ok();
    first_version(&database);
    assert_snapshot!(tool.run(&["--env", "shop", "migrate", "up", "--dry-run"]), @"
    -- stdout
    plan: bring the bookkeeping up to date
      upgrade the schema toysoldiers to version 7
      stamp shop  (from now on the database belongs to this environment)
    -- stderr
    -> shop  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["--env", "shop", "migrate", "up"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    brought the bookkeeping up to date and stamped the database as shop; no migration was pending: the database is at 001_a (1 migration, database/migrations)
    -- exit 0
    ");
    assert_eq!(
        database.sql("select version, environment from toysoldiers.installation"),
        ["7|shop"]
    );
    // Without an environment that claims it, and with a migration to be applied.
    first_version(&database);
    tool.write("database/migrations/002_b.sql", "create table b();");
    assert_snapshot!(tool.run(&["--database-url", &database.url(), "migrate", "up"]), @"
    -- stdout
    applied 002_b (1 statement, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    applied 1 migration in DURATION (database/migrations); the database is at 002_b; brought the bookkeeping up to date
    warning: database/migrations/002_b.sql:1:14: the table b is made without row-level security (table-without-row-security)
    `toysoldiers --database-url 'postgresql://postgres@/DB?host=SOCKET' migrate check` tells why, and what to write instead
    -- exit 0
    ");
    assert_eq!(
        database.sql("select version, environment from toysoldiers.installation"),
        ["7|"]
    );
}

#[test]
fn what_fits_into_older_bookkeeping_does_not_wait_for_newer() {
    let database = Database::migrated();
    first_version(&database);
    let tool = configured(&[("shop", &database, "")]);
    tool.run(&[
        "--env",
        "shop",
        "creator",
        "create",
        "a@example.com",
        "--generate",
    ])
    .ok();
    tool.run(&[
        "--env",
        "shop",
        "creator",
        "verify",
        "a@example.com",
        "--without-payout",
        "--yes",
    ])
    .ok();
    tool.run(&[
        "--env",
        "shop",
        "user",
        "create",
        "b@example.com",
        "--generate",
    ])
    .ok();
    assert_eq!(
        database.value("select count(*) from toysoldiers.audit_log"),
        "4"
    );
    database.sql("update toysoldiers.installation set version = 99");
    assert_snapshot!(tool.run(&["--env", "shop", "user", "create", "c@example.com", "--generate"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: this database was served by a newer toysoldiers (its bookkeeping has version 99, this program knows 7)
      note: nothing was changed
      hint: update toysoldiers and try again
    -- exit 6
    ");
}

#[test]
fn a_restored_database_belongs_to_whom_it_was_restored_for() {
    let original = Database::migrated();
    original.sql("update toysoldiers.installation set environment = 'production'");
    let other = Database::empty();
    let tool = configured(&[("production", &original, ""), ("staging", &other, "")]);
    let words = ["backup", "create", "--to", "b"];
    tool.run(&[&["--env", "production"], &words[..]].concat())
        .ok();
    let restored = |words: &[&str], name: &str| {
        let restore = ["backup", "restore", "latest", "--from", "b", "--into", name];
        tool.run(&[words, &restore, &["-o", "json"]].concat()).ok()
    };
    let name = |suffix: &str| format!("{}_{suffix}", original.name);
    let staging = restored(&["--env", "staging"], &name("staging"));
    assert_eq!(staging.json()["stamp"], "staging");
    let database = original.server.database(&name("staging"));
    assert_eq!(stamp(&database), "staging");
    assert_eq!(
        database.value("select details ->> 'environment' from toysoldiers.audit_log where action = 'backup restore'"),
        "production"
    );
    let bare = restored(&["--database-url", &other.url()], &name("bare"));
    assert!(bare.json()["stamp"].is_null());
    assert_eq!(stamp(&original.server.database(&name("bare"))), "");
    // A dump of older bookkeeping has no place for a stamp.
    first_version(&original);
    tool.run(&["--env", "production", "backup", "create", "--to", "c"])
        .ok();
    let old = name("old");
    let words = [
        "--env", "staging", "backup", "restore", "latest", "--from", "c", "--into", &old,
    ];
    tool.run(&words).ok();
}

fn fingerprint(database: &Database) -> String {
    database.value("select system_identifier from pg_control_system()")
}

/// What it says, with the fingerprint by another name.
pub fn said(tool: &Tool, database: &Database, words: &[&str]) -> String {
    tool.run(words)
        .to_string()
        .replace(&fingerprint(database), "FINGERPRINT")
}

/// Makes a role that may connect and nothing else; in its own database of the shared server.
fn visitor(database: &Database, name: &str) -> String {
    database.sql(&format!("create role {name} login"));
    database.url_as(name)
}

#[test]
fn a_database_stamped_by_another_environment_is_refused() {
    let database = Database::migrated();
    let tool = configured(&[("staging", &database, ""), ("production", &database, "")]);
    database.sql("update toysoldiers.installation set environment = 'production'");
    for words in [
        &["migrate", "up", "--yes"][..],
        &["migrate", "status"],
        &["user", "create", "a@example.com", "--generate"],
        &["dashboard"],
        &["backup", "create", "--to", "b"],
    ] {
        let outcome = tool.run(&[&["--env", "staging"], words].concat()).code(6);
        assert!(
            outcome.stderr.contains("is stamped production"),
            "{outcome}"
        );
    }
    assert!(tool.folder().list("b").is_empty());
    assert_snapshot!(tool.run(&["--env", "staging", "migrate", "up"]), @"
    -- stderr
    -> staging  SOCKET/DB as postgres
    error: this is not the database of staging: it is stamped production
      note: nothing was changed
      note: production is an environment of toysoldiers.toml
      hint: mend the url of staging: it leads to the database of production
    -- exit 6
    ");
    let failure = tool
        .run(&["--env", "staging", "dashboard", "-o", "json"])
        .error_json();
    assert_eq!(failure["error"]["kind"], "refused");
    tool.run(&["--env", "production", "dashboard"]).ok();
    // A bare URL is nobody's, and the stamp does not matter to it.
    tool.run(&["--database-url", &database.url(), "dashboard"])
        .ok();
}

#[test]
fn a_server_that_is_not_the_pinned_one_is_refused() {
    let database = Database::migrated();
    let tool = configured(&[
        ("moved", &database, "fingerprint = \"7710944152318583818\""),
        (
            "shop",
            &database,
            &format!("fingerprint = \"{}\"", fingerprint(&database)),
        ),
    ]);
    assert_snapshot!(said(&tool, &database, &["--env", "moved", "dashboard"]), @"
    -- stderr
    -> moved  SOCKET/DB as postgres
    error: this is not the server of moved
      note: its fingerprint is FINGERPRINT, moved is pinned to 7710944152318583818
      note: nothing was changed
      hint: check the url of moved; if the server was replaced on purpose, pin the new one: `toysoldiers --env moved env pin`
    -- exit 6
    ");
    tool.run(&["--env", "shop", "dashboard"]).ok();
}

#[test]
fn a_bare_url_has_the_guards_of_the_environment_whose_address_it_is() {
    let database = Database::migrated();
    let tool = configured(&[(
        "production",
        &database,
        "protected = true\nfingerprint = \"7710944152318583818\"\ndeny = [\"backup restore\"]",
    )]);
    let url = database.url();
    let bare = |words: &[&str]| {
        said(
            &tool,
            &database,
            &[&["--database-url", &url], words].concat(),
        )
    };
    assert_snapshot!(bare(&["dashboard"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres  PROTECTED
    error: this is not the server of production
      note: its fingerprint is FINGERPRINT, production is pinned to 7710944152318583818
      note: nothing was changed
      hint: check the url of production; if the server was replaced on purpose, pin the new one: `toysoldiers --env production env pin`
    -- exit 6
    ");
    assert_snapshot!(bare(&["backup", "restore", "latest", "--into", "x"]), @"
    -- stderr
    error: production never runs `backup restore`
      note: `deny` of production in toysoldiers.toml has `backup restore`; nothing was changed
      hint: work on another environment, or have it taken out of `deny`
    -- exit 6
    ");
}

#[test]
fn a_pinned_server_that_does_not_tell_its_fingerprint_is_refused() {
    // Of its own, since what a role may run is taken from all.
    let server = Server::start(&Setup::new());
    let database = Database::on(&server);
    let visitor = visitor(&database, "visitor");
    database.sql("revoke execute on function pg_control_system() from public");
    let tool = configured(&[]).hiding(&database);
    let file = |lines: &str| {
        tool.write(
            "toysoldiers.toml",
            format!("[env.shop]\nurl = \"{visitor}\"\n{lines}"),
        );
    };
    file("fingerprint = \"7710944152318583818\"");
    assert_snapshot!(tool.run(&["--env", "shop", "migrate", "status"]), @"
    -- stderr
    -> shop  SOCKET/DB as visitor
    error: shop is pinned to 7710944152318583818, and the server does not tell its fingerprint
      note: permission denied for function pg_control_system
      note: nothing was changed
      hint: connect as a role that may run pg_control_system(), or take the fingerprint out
    -- exit 6
    ");
    // Nobody asks for what nobody pinned.
    file("");
    tool.run(&["--env", "shop", "migrate", "status"]).ok();
}

#[test]
fn what_an_environment_denies_is_never_run() {
    let database = Database::migrated();
    let tool = configured(&[("shop", &database, "deny = [\"user\", \"migrate up\"]")]);
    let shop = |words: &[&str]| tool.run(&[&["--env", "shop"], words].concat());
    assert_snapshot!(shop(&["migrate", "up", "--dry-run"]), @"
    -- stderr
    error: shop never runs `migrate up`
      note: `deny` of shop in toysoldiers.toml has `migrate up`; nothing was changed
      hint: work on another environment, or have it taken out of `deny`
    -- exit 6
    ");
    assert_snapshot!(shop(&["user", "create", "a@example.com", "--generate"]), @"
    -- stderr
    error: shop never runs `user create`
      note: `deny` of shop in toysoldiers.toml has `user`; nothing was changed
      hint: work on another environment, or have it taken out of `deny`
    -- exit 6
    ");
    shop(&["user", "list"]).code(6);
    for words in [
        &["migrate", "status"][..],
        &["creator", "list"],
        &["env", "show"],
    ] {
        shop(words).ok();
    }
    // Under another name too: by its address, and by its stamp.
    let url = database.url();
    let outcome = tool.run(&["--database-url", &url, "user", "list"]).code(6);
    assert!(
        outcome
            .stderr
            .contains("error: shop never runs `user list`"),
        "{outcome}"
    );
    database.sql("update toysoldiers.installation set environment = 'shop'");
    let tcp = database.tcp_url("postgres");
    assert_snapshot!(tool.run(&["--database-url", &tcp, "user", "list"]), @"
    -- stderr
    -> (url)  127.0.0.1:PORT/DB as postgres
    error: shop never runs `user list`
      note: `deny` of shop in toysoldiers.toml has `user`; nothing was changed
      hint: work on another environment, or have it taken out of `deny`
    -- exit 6
    ");
}

#[test]
fn what_is_no_command_cannot_be_denied() {
    let database = Database::migrated();
    let tool = configured(&[(
        "shop",
        &database,
        "deny = [\"user craete\", \"backup restore\", \"frobnicate\", \"dashboard\"]",
    )]);
    assert_snapshot!(tool.run(&["--env", "shop", "creator", "list"]), @"
    -- stderr
    warning: shop denies `user craete`, which is no command and denies nothing; did you mean `user create`?
    warning: shop denies `frobnicate`, which is no command and denies nothing; see `--help`
    -> shop  SOCKET/DB as postgres
    0 creators
    -- exit 0
    ");
    let outcome = tool.run(&["--env", "local", "env", "show"]).ok();
    assert!(!outcome.stderr.contains("warning"), "{outcome}");
}

#[test]
fn a_bare_url_by_another_name_is_protected_by_the_stamp() {
    let database = Database::migrated();
    // Where it is tells nothing: the address of the file leads to another database.
    let tool =
        configured(&[("production", &Database::empty(), "protected = true")]).hiding(&database);
    let tcp = database.tcp_url("postgres");
    let create = [
        "--database-url",
        &tcp,
        "user",
        "create",
        "a@example.com",
        "--generate",
    ];
    let outcome = tool.run(&[&create[..], &["--dry-run"]].concat()).ok();
    assert!(!outcome.stderr.contains("PROTECTED"), "{outcome}");
    database.sql("update toysoldiers.installation set environment = 'production'");
    assert_snapshot!(tool.run(&create), @"
    -- stderr
    -> (url)  127.0.0.1:PORT/DB as postgres
    this is the database of production, by its stamp: PROTECTED
    error: cannot create the user a@example.com without a yes: there is no terminal to ask on
      hint: agree with `--yes`
    -- exit 6
    ");
    tool.run(&[&create[..], &["--yes"]].concat()).ok();
}

#[test]
fn guards_that_cannot_be_read_have_their_line() {
    let tool = Tool::new();
    let refusal = |line: &str| {
        let text = format!("[env.x]\nurl = \"postgresql://a@b/c\"\n{line}\n");
        tool.write("toysoldiers.toml", text);
        let refused = tool.run(&["--env", "x", "env", "show"]).code(4).stderr;
        refused.replace("error: toysoldiers.toml cannot be read: ", "")
    };
    assert_snapshot!(refusal("fingerprint = 7710944152318583818"), @"
    a fingerprint is a number in quotes, as env pin writes it
      --> HERE/toysoldiers.toml:3:15
         |
       3 | fingerprint = 7710944152318583818
         |               ^^^^^^^^^^^^^^^^^^^
      hint: mend that line and try again
    ");
    assert_snapshot!(refusal("fingerprint = \"mine\""), @r#"
    a fingerprint is a number in quotes, as env pin writes it
      --> HERE/toysoldiers.toml:3:15
         |
       3 | fingerprint = "mine"
         |               ^^^^^^
      hint: mend that line and try again
    "#);
    assert_snapshot!(refusal("deny = \"user create\""), @r#"
    deny is a list of commands: ["backup restore"]
      --> HERE/toysoldiers.toml:3:8
         |
       3 | deny = "user create"
         |        ^^^^^^^^^^^^^
      hint: mend that line and try again
    "#);
    assert_snapshot!(refusal("deny = [\"user create\", \"\"]"), @r#"
    deny is a list of commands: ["backup restore"]
      --> HERE/toysoldiers.toml:3:8
         |
       3 | deny = ["user create", ""]
         |        ^^^^^^^^^^^^^^^^^^^
      hint: mend that line and try again
    "#);
    assert_snapshot!(refusal("password_command = []"), @r#"
    password_command is a list of a program and its arguments: ["pass", "show", "db"]
      --> HERE/toysoldiers.toml:3:20
         |
       3 | password_command = **
         |                    ^^
      hint: mend that line and try again
    "#);
    assert_snapshot!(refusal("password_command = \"op read x\""), @r#"
    password_command is a list of a program and its arguments: ["pass", "show", "db"]
      --> HERE/toysoldiers.toml:3:20
         |
       3 | password_command = ***********
         |                    ^^^^^^^^^^^
      hint: mend that line and try again
    "#);
    assert_snapshot!(refusal("password_env = \"hunter 2\""), @"
    password_env is the name of a variable, like PRODUCTION_PASSWORD
      --> HERE/toysoldiers.toml:3:16
         |
       3 | password_env = **********
         |                ^^^^^^^^^^
      hint: mend that line and try again
    ");
    assert_snapshot!(refusal("[env.x.replica]\nurl = \"postgresql://a@b/c\"\nmax_lag = \"soon\""), @r#"
    write a number with its unit: 500ms, 2s, 5m, 1h, or 0
      --> HERE/toysoldiers.toml:5:11
         |
       5 | max_lag = "soon"
         |           ^^^^^^
      hint: mend that line and try again
    "#);
    assert_snapshot!(refusal("[env.x.replica]\nmax_lag = \"1s\""), @"
    missing field url
      --> HERE/toysoldiers.toml:3:1
         |
       3 | [env.x.replica]
         | ^^^^^^^^^^^^^^^
      hint: mend that line and try again
    ");
}

#[test]
fn a_deploy_that_stamps_counts_no_stamp_among_the_migrations() {
    let database = Database::empty();
    let tool = configured(&[("shop", &database, "")]);
    tool.write(
        "database/policies/a.sql",
        "alter table a enable row level security;",
    );
    tool.write("database/indexes/a.sql", "-- none");
    let deploy = ["--env", "shop", "deploy", "--yes", "--no-proof"];
    let deployed = tool.run(&deploy).ok();
    assert!(
        deployed.stderr.contains("migrations (1), policies (1)\n"),
        "{deployed}"
    );
    assert!(
        deployed
            .stderr
            .contains("\nmigrations: stamped the database as shop\n"),
        "{deployed}"
    );
    let history = ["--env", "shop", "deploy", "--history", "-o", "csv"];
    let history = tool.run(&history).ok().stdout;
    assert!(
        history.contains("\"migrations (1), policies (1)\""),
        "{history}"
    );
}

#[test]
fn another_database_of_the_server_has_the_guards_of_the_environment_it_is() {
    let (one, other) = (Database::empty(), Database::empty());
    let tool = configured(&[
        ("dev", &one, ""),
        ("prod", &other, "protected = true\ndeny = [\"psql\"]"),
    ]);
    let write = ["psql", "-c", "create table g (x int)"];
    let by_name = ["--env", "dev", "--database", &other.name];
    assert_snapshot!(tool.run(&[&by_name[..], &write].concat()), @r"
    -- stderr
    error: prod never runs `psql`
      note: `deny` of prod in toysoldiers.toml has `psql`; nothing was changed
      hint: work on another environment, or have it taken out of `deny`
    -- exit 6
    ");
    let status = tool
        .run(&[&by_name[..], &["migrate", "status"]].concat())
        .ok();
    assert!(status.stderr.contains("PROTECTED"), "{status}");
    // A database that is nobody's has those of the environment that was named.
    let third = Database::empty();
    let by_name = ["--env", "prod", "--database", &third.name];
    tool.run(&[&by_name[..], &write].concat()).code(6);
}
