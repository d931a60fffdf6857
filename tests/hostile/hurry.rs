//! Timeouts of a moment, set by whoever owns the database or the role: no command is stopped by them, and where nothing
//! can be done about one it is named.

use crate::support::{Bouncer, Database, Tool};

fn timeouts(database: &Database) -> Vec<&'static str> {
    let mut names = vec![
        "statement_timeout",
        "lock_timeout",
        "idle_session_timeout",
        "idle_in_transaction_session_timeout",
    ];
    let major = "select current_setting('server_version_num')::int / 10000 >= 17";
    if database.value(major) == "t" {
        names.push("transaction_timeout");
    }
    names
}

/// Sets a timeout where it does not stop the tests themselves: they come from another database.
fn hurry(database: &Database, names: &[&str], millis: u8) {
    let beside = database.server.database("postgres");
    for name in names {
        beside.sql(&format!(
            "alter database {} set {name} = {millis}",
            database.name
        ));
    }
}

#[test]
fn no_timeout_of_a_database_stops_a_command() {
    let database = Database::migrated();
    for name in timeouts(&database) {
        let database = Database::empty();
        hurry(&database, &[name], 1);
        let tool = Tool::new().on(&database);
        tool.run(&["env", "check"]);
        tool.run(&["migrate", "up"]).ok();
        tool.run(&["migrate", "status"]).ok();
    }
    hurry(&database, &timeouts(&database), 1);
    let tool = Tool::new().on(&database);
    for words in [
        &["status"][..],
        &["migrate", "up"],
        &["policy", "apply"],
        &["index", "apply"],
        &["index", "list"],
        &["user", "list"],
        &["migrate", "dump", "--file", "-"],
        &["backup", "create", "--to", "b"],
        &["backup", "restore", "latest", "--from", "b", "--into"],
    ] {
        let copy = format!("{}_copy", database.name);
        let into: &[&str] = if words.contains(&"--into") {
            &[&copy]
        } else {
            &[]
        };
        tool.run(&[words, into].concat()).ok();
    }
    let beside = database.server.database("postgres");
    beside.sql(&format!("drop database {}_copy", database.name));
}

#[test]
fn no_timeout_of_a_role_stops_a_command() {
    let database = Database::migrated();
    let role = format!("hurried_{}", database.name);
    database.sql(&format!("create role {role} superuser login"));
    for name in timeouts(&database) {
        database.sql(&format!("alter role {role} set {name} = '1ms'"));
    }
    let tool = Tool::new().on_as(&database, &role);
    tool.run(&["migrate", "status"]).ok();
    tool.run(&["policy", "apply"]).ok();
    // What limits a statement is what one says.
    let gate = database.session("begin; lock table tips in access exclusive mode");
    let refused = tool.run(&["creator", "list", "--statement-timeout", "50ms"]);
    assert!(refused.stderr.contains("statement timeout"), "{refused}");
    drop(gate);
    database.sql(&format!("drop owned by {role}; drop role {role}"));
}

#[test]
fn where_the_first_message_takes_no_settings_statements_are_given_time() {
    let database = Database::migrated();
    // The pooler itself needs some.
    hurry(&database, &["statement_timeout"], 5);
    for bouncer in [Bouncer::session(&database), Bouncer::transaction(&database)] {
        let tool = Tool::new().at(&bouncer.url());
        tool.run(&["user", "list"]).ok();
        tool.run(&["creator", "list"]).ok();
    }
    let bouncer = Bouncer::session(&database);
    let tool = Tool::new().at(&bouncer.url());
    tool.run(&["migrate", "status"]).ok();
    tool.run(&["policy", "apply"]).ok();
}

#[test]
fn a_timeout_that_cannot_be_lifted_is_named_with_what_undoes_it() {
    let database = Database::migrated();
    let bouncer = Bouncer::session(&database);
    let name = if timeouts(&database).contains(&"transaction_timeout") {
        "transaction_timeout"
    } else {
        "idle_session_timeout"
    };
    hurry(&database, &[name], 1);
    let refused = Tool::new().at(&bouncer.url()).run(&["user", "list"]);
    let reset = format!("`alter database {} reset {name}`", database.name);
    assert!(refused.stderr.contains(&reset), "{refused}");
    assert!(refused.stderr.contains(&format!("`{name}=1`")), "{refused}");
    refused.code(6);
}
