//! `env list` and `env show`.

use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;

use crate::support::Tool;

/// Nothing is set, also where the tests run with programs that somebody chose: none are started here.
fn bare() -> Tool {
    Tool::new().without("TOYSOLDIERS_PG_BIN")
}

fn tool() -> Tool {
    let tool = bare().env("TOYSOLDIERS_LOCAL_DIR", "/nonexistent/local");
    tool.write(
        "toysoldiers.toml",
        "default_env = \"staging\"\n[migrations]\ndir = \"sql\"\n\
         [env.staging]\nurl = \"postgresql://app:hunter2@db.staging.example.com/app\"\n\
         [env.production]\nurl = \"postgresql://app@db.example.com:6000/app\"\npassword_env = \"SECRET\"\nprotected = true\n\
         [env.production.backup]\ndestination = \"/var/backups\"\n",
    );
    tool
}

#[test]
fn list_tells_every_name_without_touching_anything() {
    assert_snapshot!(Tool::new().run(&["env", "list"]), @"
    -- stdout
    NAME  TARGET  PROTECTED  CHOSEN  ORIGIN
    local  the private server  no  yes  built in
    demo  the private server  no  no  built in
    -- exit 0
    ");
    assert_snapshot!(tool().run(&["env", "list"]), @"
    -- stdout
    NAME  TARGET  PROTECTED  CHOSEN  ORIGIN
    local  the private server  no  no  built in
    demo  the private server  no  no  built in
    production  db.example.com:6000/app as app  yes  no  HERE/toysoldiers.toml
    staging  db.staging.example.com/app as app  no  yes  HERE/toysoldiers.toml
    -- exit 0
    ");
}

#[test]
fn show_tells_every_value_and_its_origin_but_no_secret() {
    let tool = tool().env("SECRET", "open sesame");
    let production = tool.run(&["--env", "production", "env", "show"]).ok();
    assert_snapshot!(production, @"
    -- stdout
    KEY  VALUE  ORIGIN
    environment  production  --env
    config  HERE/toysoldiers.toml  found from the current folder up
    host  db.example.com  HERE/toysoldiers.toml
    port  6000  HERE/toysoldiers.toml
    database  app  HERE/toysoldiers.toml
    user  app  HERE/toysoldiers.toml
    sslmode  verify-full  default
    sslrootcert  the system's certificates  default
    password  ****  SECRET
    password_command  -  default
    protected  true  HERE/toysoldiers.toml
    fingerprint  -  default
    deny  -  default
    replica.url  -  default
    replica.max_lag  -  default
    migrations  HERE/sql  HERE/toysoldiers.toml
    migrations.deny  -  default
    policies  embedded: there is no database/policies  default
    indexes  embedded: there is no database/indexes  default
    backup.destination  /var/backups  HERE/toysoldiers.toml
    backup.before_migrate  false  default
    lock_timeout  10s, in migrations 2s, for policies 100ms  default
    statement_timeout  5m, in migrations no limit  default
    local.folder  /nonexistent/local  TOYSOLDIERS_LOCAL_DIR
    postgresql.programs  -  default
    -- exit 0
    ");
    let staging = tool.run(&["env", "show"]).ok();
    assert_snapshot!(staging, @"
    -- stdout
    KEY  VALUE  ORIGIN
    environment  staging  HERE/toysoldiers.toml
    config  HERE/toysoldiers.toml  found from the current folder up
    host  db.staging.example.com  HERE/toysoldiers.toml
    port  5432  HERE/toysoldiers.toml
    database  app  HERE/toysoldiers.toml
    user  app  HERE/toysoldiers.toml
    sslmode  verify-full  default
    sslrootcert  the system's certificates  default
    password  ****  HERE/toysoldiers.toml
    password_command  -  default
    protected  false  default
    fingerprint  -  default
    deny  -  default
    replica.url  -  default
    replica.max_lag  -  default
    migrations  HERE/sql  HERE/toysoldiers.toml
    migrations.deny  -  default
    policies  embedded: there is no database/policies  default
    indexes  embedded: there is no database/indexes  default
    backup.destination  -  default
    backup.before_migrate  false  default
    lock_timeout  10s, in migrations 2s, for policies 100ms  default
    statement_timeout  5m, in migrations no limit  default
    local.folder  /nonexistent/local  TOYSOLDIERS_LOCAL_DIR
    postgresql.programs  -  default
    -- exit 0
    ");
    for outcome in [
        production,
        staging,
        tool.run(&["env", "show", "-o", "json"]),
        tool.run(&["env", "list", "-o", "csv"]),
    ] {
        let text = outcome.to_string();
        assert!(
            !text.contains("sesame") && !text.contains("hunter2"),
            "{text}"
        );
    }
}

#[test]
fn show_tells_which_flag_or_variable_won() {
    let bare = bare()
        .env("DATABASE_URL", "postgresql://me@localhost/shop")
        .env("PGPASSWORD", "hunter2");
    assert_snapshot!(bare.run(&["env", "show", "-o", "csv"]).stdout, @r#"
    key,value,origin
    environment,shop,DATABASE_URL
    config,,default
    host,localhost,DATABASE_URL
    port,5432,DATABASE_URL
    database,shop,DATABASE_URL
    user,me,DATABASE_URL
    sslmode,prefer,default
    sslrootcert,,default
    password,****,PGPASSWORD
    password_command,,default
    protected,false,default
    fingerprint,,default
    deny,,default
    migrations,embedded: there is no database/migrations,default
    migrations.deny,,default
    policies,embedded: there is no database/policies,default
    indexes,embedded: there is no database/indexes,default
    backup.destination,,default
    backup.before_migrate,false,default
    lock_timeout,"10s, in migrations 2s, for policies 100ms",default
    statement_timeout,"5m, in migrations no limit",default
    local.folder,/nonexistent/toysoldiers,TOYSOLDIERS_LOCAL_DIR
    postgresql.programs,,default
    "#);
    let variable = tool().env("TOYSOLDIERS_ENV", "production");
    assert_snapshot!(variable.run(&["env", "show", "-o", "csv"]).stdout.lines().take(3).collect::<Vec<_>>().join("\n"), @"
    key,value,origin
    environment,production,TOYSOLDIERS_ENV
    config,HERE/toysoldiers.toml,found from the current folder up
    ");
}

#[test]
fn json_keys_are_an_interface() {
    let tool = tool();
    let list = tool.run(&["env", "list", "-o", "json"]).ok().json();
    let keys: Vec<&String> = list[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["name", "target", "protected", "chosen", "origin"]);
    let show = tool.run(&["env", "show", "-o", "json"]).ok().json();
    let keys: Vec<&String> = show[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["key", "value", "origin"]);
}

#[test]
fn show_tells_who_guards_and_who_knows_the_password() {
    let tool = bare().env("PGUSER", "sam");
    tool.write(
        "toysoldiers.toml",
        "[env.shop]\nurl = \"postgresql://db.abc.supabase.co/app\"\n\
         password_command = [\"op\", \"read\", \"hunter2\"]\n\
         protected = true\nfingerprint = \"7710944152318583818\"\ndeny = [\"backup restore\", \"user\"]\n\
         [env.shop.replica]\nurl = \"postgresql://app:hunter2@db2.example.com/app?sslmode=require\"\nmax_lag = \"1m30s\"\n",
    );
    let shop = tool
        .run(&["--env", "shop", "--lock-timeout", "500ms", "env", "show"])
        .ok();
    assert_snapshot!(shop, @"
    -- stdout
    KEY  VALUE  ORIGIN
    environment  shop  --env
    config  HERE/toysoldiers.toml  found from the current folder up
    host  db.abc.supabase.co  HERE/toysoldiers.toml
    port  5432  HERE/toysoldiers.toml
    database  app  HERE/toysoldiers.toml
    user  sam  PGUSER
    sslmode  verify-full  default
    sslrootcert  Supabase's certificates  default
    password  printed by op  HERE/toysoldiers.toml
    password_command  op and 2 arguments  HERE/toysoldiers.toml
    protected  true  HERE/toysoldiers.toml
    fingerprint  7710944152318583818  HERE/toysoldiers.toml
    deny  backup restore, user  HERE/toysoldiers.toml
    replica.url  postgresql://app@db2.example.com:5432/app?sslmode=require  HERE/toysoldiers.toml
    replica.max_lag  1m 30s  HERE/toysoldiers.toml
    migrations  embedded: there is no database/migrations  default
    migrations.deny  -  default
    policies  embedded: there is no database/policies  default
    indexes  embedded: there is no database/indexes  default
    backup.destination  -  default
    backup.before_migrate  false  default
    lock_timeout  500ms  --lock-timeout
    statement_timeout  5m, in migrations no limit  default
    local.folder  /nonexistent/toysoldiers  TOYSOLDIERS_LOCAL_DIR
    postgresql.programs  -  default
    -- exit 0
    ");
    let bare = tool.run(&[
        "--database-url",
        "host=db.abc.supabase.co dbname=app user=x sslmode=verify-full sslrootcert=system",
        "env",
        "show",
    ]);
    assert_snapshot!(bare.ok(), @"
    -- stdout
    KEY  VALUE  ORIGIN
    environment  app  --database-url
    config  HERE/toysoldiers.toml  found from the current folder up
    host  db.abc.supabase.co  --database-url
    port  5432  --database-url
    database  app  --database-url
    user  x  --database-url
    sslmode  verify-full  --database-url
    sslrootcert  the system's certificates  --database-url
    password  -  default
    password_command  -  default
    protected  true  HERE/toysoldiers.toml
    fingerprint  7710944152318583818  HERE/toysoldiers.toml
    deny  backup restore, user  HERE/toysoldiers.toml
    migrations  embedded: there is no database/migrations  default
    migrations.deny  -  default
    policies  embedded: there is no database/policies  default
    indexes  embedded: there is no database/indexes  default
    backup.destination  -  default
    backup.before_migrate  false  default
    lock_timeout  10s, in migrations 2s, for policies 100ms  default
    statement_timeout  5m, in migrations no limit  default
    local.folder  /nonexistent/toysoldiers  TOYSOLDIERS_LOCAL_DIR
    postgresql.programs  -  default
    -- exit 0
    ");
}

#[test]
fn show_tells_which_file_knows_the_password() {
    let tool = Tool::new();
    let path = tool.write(".pgpass", "db.example.com:*:*:*:hunter2\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    tool.write(
        "toysoldiers.toml",
        "default_env = \"shop\"\n[env.shop]\nurl = \"postgresql://app@db.example.com/app\"\n",
    );
    let shown = tool.run(&["env", "show"]).ok().stdout;
    assert!(shown.contains("password  ****  HERE/.pgpass\n"), "{shown}");
    // Nobody names the user: it is whoever runs the program.
    tool.write(
        "toysoldiers.toml",
        "default_env = \"shop\"\n[env.shop]\nurl = \"postgresql://db.example.com/app\"\n",
    );
    let shown = tool.run(&["env", "show", "-o", "csv"]).ok().stdout;
    assert!(
        shown
            .lines()
            .any(|line| line.starts_with("user,") && line.ends_with(",the system")),
        "{shown}"
    );
}
