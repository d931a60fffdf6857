//! Hashes of passwords and the server's own log.

use crate::support::{Database, Tool};

const PASSWORD: &str = "correct horse battery staple\n";

/// A database whose every statement is logged in every way a server can, and read from its log.
fn logged() -> Database {
    let database = Database::migrated();
    for setting in [
        "log_statement = 'all'",
        "log_min_duration_statement = 0",
        "log_duration = on",
        "log_error_verbosity = 'verbose'",
        "log_parameter_max_length_on_error = -1",
        "debug_print_plan = on",
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_verbose = on",
        "auto_explain.log_nested_statements = on",
    ] {
        database.sql(&format!("alter database {} set {setting}", database.name));
    }
    database
}

fn log(database: &Database) -> String {
    let bytes = std::fs::read(database.server.socket.join("log")).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hash(database: &Database, email: &str) -> String {
    let hash = database.value(&format!(
        "select password_hash from public.users where email = '{email}'"
    ));
    assert!(hash.starts_with("$2a$12$") && hash.len() == 60, "{hash}");
    hash
}

/// A role that may do everything with the platform's tables and is no superuser.
fn operator(database: &Database) -> String {
    let role = format!("{}_operator", database.name);
    database.sql(&format!(
        "create role {role} login bypassrls;
         grant usage on schema public, app, toysoldiers to {role};
         grant all on all tables in schema public, toysoldiers to {role};
         grant all on all sequences in schema public, toysoldiers to {role}"
    ));
    role
}

#[test]
fn a_superuser_leaves_no_hash_in_a_log_of_everything() {
    let database = logged();
    let tool = Tool::new().on(&database).input(PASSWORD);
    tool.run(&["user", "create", "a@example.com", "--password-stdin"])
        .ok();
    tool.run(&["creator", "create", "b@example.com", "--password-stdin"])
        .ok();
    let log = log(&database);
    for email in ["a@example.com", "b@example.com"] {
        let hash = hash(&database, email);
        assert!(!log.contains(&hash), "{email}");
    }
    // It was logged, and so was what is no secret on the way.
    assert!(log.contains("insert into public.users (email, password_hash, role)"));
    assert!(log.contains("'{a@example.com}'"));
    // Nothing of it lasts.
    let lasting = database.value("select current_setting('log_parameter_max_length')");
    assert_eq!(lasting, "-1");
}

#[test]
fn a_row_that_is_refused_is_not_shown_with_its_hash() {
    let database = logged();
    database.sql(
        "alter table public.users add constraint nobody check (email <> 'refused@example.com')",
    );
    let tool = Tool::new().on(&database).input(PASSWORD);
    for command in ["user", "creator"] {
        let refused = tool
            .run(&[command, "create", "refused@example.com", "--password-stdin"])
            .code(1);
        assert!(refused.stderr.contains("nobody"), "{refused}");
        assert!(!refused.stderr.contains("$2a$"), "{refused}");
        assert!(!refused.stderr.contains("Failing row"), "{refused}");
    }
    let log = log(&database);
    let mine = log
        .lines()
        .filter(|line| line.contains("refused@example.com") || line.contains("Failing row"));
    for line in mine {
        assert!(!line.contains("$2a$12$"), "{line}");
    }
    assert_eq!(database.value("select count(*) from public.users"), "0");
}

#[test]
fn whoever_may_not_change_what_is_logged_still_makes_users() {
    let database = logged();
    let role = operator(&database);
    let tool = Tool::new().on_as(&database, &role).input(PASSWORD);
    tool.run(&["user", "create", "a@example.com", "--password-stdin"])
        .ok();
    // The configuration of the server decides, as the documentation says.
    assert!(log(&database).contains(&hash(&database, "a@example.com")));
    // A right that can be granted since PostgreSQL 15 is used.
    let version: u32 = database.value("show server_version_num").parse().unwrap();
    if version >= 150_000 {
        database.sql(&format!(
            "grant set on parameter log_parameter_max_length, log_parameter_max_length_on_error,
                 auto_explain.log_parameter_max_length to {role}"
        ));
        tool.run(&["user", "create", "b@example.com", "--password-stdin"])
            .ok();
        assert!(!log(&database).contains(&hash(&database, "b@example.com")));
    }
    let postgres = database.server.database("postgres");
    postgres.sql(&format!("drop database {} with (force)", database.name));
    postgres.sql(&format!("drop owned by {role}; drop role {role}"));
}
