//! `deploy`: one change out of migrations, policies and indexes, stopped by the first failure and gone on with.

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::guard::configured;
use crate::migrate_race::{next, rounds};
use crate::support::tool::Outcome;
use crate::support::{Database, Proxy, Tool};

const ITEMS: &str = "create table items (id int primary key, owner text, price int);\n\
    alter table items enable row level security;\n";
const POLICY: &str = "alter table items enable row level security;\n\
    create policy read on items for select using (price > 0);\n\
    grant select on items to public;\n";
const INDEX: &str = "create index items_owner on items (owner);\n";

/// Nobody is at work.
const NO_LOCK: &str = "select not exists (select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database()))";

/// Files of a platform of one table, beside the program.
pub fn write(tool: &Tool) {
    tool.write("database/migrations/001_items.sql", ITEMS);
    tool.write("database/policies/items.sql", POLICY);
    tool.write("database/indexes/items.sql", INDEX);
}

/// A database with nothing in it, and files of a platform of one table.
fn fresh() -> (Database, Tool) {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    write(&tool);
    (database, tool)
}

/// The same, deployed.
fn deployed() -> (Database, Tool) {
    let (database, tool) = fresh();
    tool.run(&["deploy"]).ok();
    (database, tool)
}

/// A second step of the platform: a table, a view that tells of it, its policy and its index.
fn grow(tool: &Tool) {
    tool.write(
        "database/migrations/002_sales.sql",
        "create table sales (id int primary key, item int references items, amount int);\n\
         alter table sales enable row level security;\n",
    );
    tool.write(
        "database/policies/sales.sql",
        "alter table sales enable row level security;\n\
         create policy sold on sales for select using (amount > 0);\n",
    );
    tool.write(
        "database/indexes/sales.sql",
        "create index sales_item on sales (item);\n",
    );
}

/// All is as declared.
fn verify(tool: &Tool, database: &Database) {
    let server = database.server.database("postgres").url();
    tool.run(&["migrate", "verify", "--scratch-url", &server])
        .ok();
}

/// How each deploy ended, in order.
fn outcomes(database: &Database) -> Vec<String> {
    database.sql("select outcome from toysoldiers.deploys order by id")
}

/// Whether everything of the first step is there.
fn is_whole(database: &Database) -> bool {
    let question = "select exists (select from pg_policies where tablename = 'items' and policyname = 'read')
        and exists (select from pg_index i join pg_class c on c.oid = i.indexrelid where c.relname = 'items_owner' and i.indisvalid)";
    database.value(question) == "t"
}

#[test]
fn the_first_deploy_shows_all_of_it_and_does_it() {
    let (database, tool) = fresh();
    assert_snapshot!(tool.run(&["deploy", "--dry-run"]), @"
    -- stdout
    plan: deploy 1 migration, then policies and indexes
      apply database/migrations/001_items.sql
      apply policies of database/policies/items.sql  (after the migrations)
      apply indexes of database/indexes/items.sql  (after the migrations)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_eq!(
        database.value("select to_regnamespace('toysoldiers') is null"),
        "t"
    );
    assert_snapshot!(tool.run(&["deploy"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: deploy 1 migration, then policies and indexes
      apply database/migrations/001_items.sql
      apply policies of database/policies/items.sql  (after the migrations)
      apply indexes of database/indexes/items.sql  (after the migrations)
    applied 001_items (2 statements, DURATION)
    created policy read on items
    granted select to public on items
    created items_owner on items in DURATION
    deployed 4 changes in DURATION: migrations (1), policies (2), indexes (1)
    -- exit 0
    ");
    assert!(is_whole(&database));
    assert_snapshot!(tool.run(&["deploy"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to do: no migration is pending, and policies and indexes are as declared
    -- exit 0
    ");
    assert_eq!(outcomes(&database), ["done", "done"]);
    let audited = "select count(*) from toysoldiers.audit_log where action = 'deploy' and details ->> 'outcome' = 'done'";
    assert_eq!(database.value(audited), "1");
}

#[test]
fn what_can_be_compared_before_the_migrations_is_and_the_rest_is_told_to_come_after_them() {
    let (_database, tool) = deployed();
    grow(&tool);
    tool.write(
        "database/policies/items.sql",
        POLICY.replace("price > 0", "price > 1"),
    );
    assert_snapshot!(tool.run(&["deploy", "--dry-run"]), @"
    -- stdout
    plan: deploy 1 migration, then policies and indexes
      apply database/migrations/002_sales.sql
      alter policy read on items  (may let in more)
          - using (price > 0)
          + using (price > 1)
      apply policies of database/policies/sales.sql  (after the migrations)
      apply indexes of database/indexes/sales.sql  (after the migrations)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
}

#[test]
fn the_result_has_keys_programs_rely_on() {
    let (_database, tool) = deployed();
    grow(&tool);
    assert_snapshot!(tool.run(&["deploy", "-o", "json"]), @r#"
    -- stdout
    {
      "id": 2,
      "outcome": "done",
      "stages": [
        {
          "part": "migrations",
          "state": "done",
          "changes": [
            "002_sales"
          ],
          "duration_ms": 0
        },
        {
          "part": "policies",
          "state": "done",
          "changes": [
            "create policy sold on sales"
          ],
          "duration_ms": 0
        },
        {
          "part": "indexes",
          "state": "done",
          "changes": [
            "create sales_item on sales"
          ],
          "duration_ms": 0
        }
      ],
      "wrong": [],
      "duration_ms": 0
    }
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: deploy 1 migration, then policies and indexes
      apply database/migrations/002_sales.sql
      apply policies of database/policies/sales.sql  (after the migrations)
      apply indexes of database/indexes/sales.sql  (after the migrations)
    applied 002_sales (2 statements, DURATION)
    created policy sold on sales
    created sales_item on sales in DURATION
    -- exit 0
    "#);
}

#[test]
fn a_migration_that_fails_stops_it_and_the_next_deploy_goes_on() {
    let (database, tool) = fresh();
    tool.write("database/migrations/002_b.sql", "create table b ();\n");
    tool.write(
        "database/migrations/003_c.sql",
        "alter table nowhere add c int;\n",
    );
    assert_snapshot!(tool.run(&["deploy"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: deploy 3 migrations, then policies and indexes
      apply database/migrations/001_items.sql
      apply database/migrations/002_b.sql
      apply database/migrations/003_c.sql
      apply policies of database/policies/items.sql  (after the migrations)
      apply indexes of database/indexes/items.sql  (after the migrations)
    applied 001_items (2 statements, DURATION)
    applied 002_b (1 statement, DURATION)
    error: deploy stopped at the migrations
      caused by: migration 003_c.sql failed
      caused by: relation "nowhere" does not exist
      --> database/migrations/003_c.sql:1:1
         |
       1 | alter table nowhere add c int;
         | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      note: done: migrations: 001_items, 002_b
      note: not begun: policies, indexes
      note: nothing of 003_c was kept; 002_b is the last applied migration
      hint: fix the file and run `toysoldiers deploy` again
    -- exit 1
    "#);
    assert_eq!(outcomes(&database), ["failed"]);
    tool.write("database/migrations/003_c.sql", "create table c ();\n");
    assert_snapshot!(tool.run(&["deploy"]).ok(), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: deploy 1 migration, then policies and indexes
      apply database/migrations/003_c.sql
      create policy read on items
          + permissive for select to public
          + using (price > 0)
      grant select to public on items
      create items_owner on items
          + using btree (owner)
    applied 003_c (1 statement, DURATION)
    created policy read on items
    granted select to public on items
    created items_owner on items in DURATION
    deployed 4 changes in DURATION: migrations (1), policies (2), indexes (1)
    warning: database/migrations/003_c.sql:1:14: the table c is made without row-level security (table-without-row-security)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    assert_eq!(outcomes(&database), ["failed", "done"]);
    assert!(is_whole(&database));
    assert_snapshot!(tool.run(&["deploy", "--history"]), @r#"
    -- stdout
    ID  OUTCOME  STARTED AT  DURATION  ACTOR  CLIENT  TOOL VERSION  REVISION  DONE  MESSAGE
     1  failed  NOW DURATION  tester@HOST  -  0.1.0  -  migrations (2)  deploy stopped at the migrations: migration 003_c.sql failed: relation "nowhere" does not exist
     2  done  NOW DURATION  tester@HOST  -  0.1.0  -  migrations (1), policies (2), indexes (1)  -
    -- stderr
    -> (url)  SOCKET/DB as postgres
    2 deploys
    -- exit 0
    "#);
}

#[test]
fn a_policy_that_makes_no_sense_stops_it_and_the_next_deploy_goes_on() {
    let (database, tool) = fresh();
    tool.write(
        "database/policies/items.sql",
        POLICY.replace("price", "prize"),
    );
    assert_snapshot!(tool.run(&["deploy"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: deploy 1 migration, then policies and indexes
      apply database/migrations/001_items.sql
      apply policies of database/policies/items.sql  (after the migrations)
      apply indexes of database/indexes/items.sql  (after the migrations)
    applied 001_items (2 statements, DURATION)
    error: deploy stopped at the policies
      caused by: database/policies/items.sql cannot be applied
      caused by: column "prize" does not exist
      --> database/policies/items.sql:2:47
         |
       2 | create policy read on items for select using (prize > 0);
         |                                               ^^^^^
      note: done: migrations: 001_items
      note: not begun: indexes
      note: of the policies nothing was changed
      hint: Perhaps you meant to reference the column "items.price"; fix the file
      hint: run `toysoldiers deploy` again to go on
    -- exit 1
    "#);
    assert_eq!(outcomes(&database), ["failed"]);
    write(&tool);
    tool.run(&["deploy"]).ok();
    assert!(is_whole(&database));
}

#[test]
fn a_matrix_that_is_not_as_it_should_be_is_a_finding_and_no_policy_is_changed() {
    let (database, tool) = fresh();
    let role = format!("reader_{}", database.name);
    database.sql(&format!("create role {role}"));
    let tool = tool.hide(&role, "READER");
    tool.write(
        "database/policies/matrix.toml",
        format!(
            "[actors]\nreader = {{ role = \"{role}\" }}\n\n[rows.items]\ndear = {{ id = 1, price = 5 }}\n\n\
             [[probe]]\ntable = \"items\"\nselect = \"dear\"\nhidden = [\"reader\"]\n"
        ),
    );
    let outcome = tool.run(&["deploy"]);
    assert_snapshot!(outcome, @"
    -- stdout
    TABLE  COMMAND  ROW  ACTOR  EXPECTED  FOUND  MESSAGE
    items  select  dear  reader  hidden  allowed  -
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: deploy 1 migration, then policies and indexes
      apply database/migrations/001_items.sql
      apply policies of database/policies/items.sql  (after the migrations)
      prove database/policies/matrix.toml  (1 cell; one that is wrong undoes what was done about policies)
      apply indexes of database/indexes/items.sql  (after the migrations)
    applied 001_items (2 statements, DURATION)
    deploy stopped at the policies: 1 cell of the matrix would not be as declared, so no policy was changed
    note: done before: migrations (1)
    hint: fix the policies or the matrix, then run `toysoldiers deploy` again to go on
    -- exit 3
    ");
    assert_eq!(outcomes(&database), ["failed"]);
    assert_eq!(database.value("select count(*) from pg_policies"), "0");
    tool.run(&["deploy", "--no-proof"]).ok();
    assert!(is_whole(&database));
    database.sql(&format!("drop owned by {role}; drop role {role}"));
}

#[test]
fn an_index_that_cannot_be_built_stops_it_and_the_next_deploy_goes_on() {
    let (database, tool) = deployed();
    database.sql("insert into items values (1, 'a', 1), (2, 'a', 2)");
    tool.write(
        "database/indexes/items.sql",
        "create index items_owner on items (owner);\n\
         create unique index items_one on items (owner);\n",
    );
    let outcome = tool.run(&["deploy"]).code(1);
    assert!(
        outcome.stderr.contains("deploy stopped at the indexes"),
        "{outcome}"
    );
    assert_eq!(outcomes(&database), ["done", "failed"]);
    database.sql("delete from items where id = 2");
    tool.run(&["deploy"]).ok();
    assert_eq!(outcomes(&database), ["done", "failed", "done"]);
}

/// Makes a plan file.
#[test]
fn names_mean_the_same_after_migrations_as_before() {
    let (database, tool) = deployed();
    grow(&tool);
    // A migration leaves the session without any of its settings.
    tool.write(
        "database/policies/sales.sql",
        "alter table sales enable row level security;\n\
         create policy sold on sales for select using (exists (select from items where items.id = sales.item));\n",
    );
    tool.run(&["deploy"]).ok();
    tool.run(&["status", "--check"]).ok();
    tool.write("database/migrations/003_nothing.sql", "select 1;\n");
    let again = tool.run(&["deploy", "-o", "json"]).ok().json();
    assert_eq!(again["stages"][1]["state"], "nothing", "{again}");
    assert_eq!(outcomes(&database), ["done", "done", "done"]);
}

#[test]
fn an_index_that_was_not_built_is_not_among_what_was_done() {
    let (database, tool) = deployed();
    database.sql("insert into items values (1, 'a', 1), (2, 'a', 2)");
    tool.write(
        "database/indexes/items.sql",
        format!("{INDEX}create unique index items_one on items (owner, (0));\n"),
    );
    let outcome = tool.run(&["deploy"]).code(1);
    assert!(
        !outcome.stderr.contains("done: indexes: create items_one"),
        "{outcome}"
    );
    let done = "select stages::text ~ 'create items_one' from toysoldiers.deploys order by id desc limit 1";
    assert_eq!(database.value(done), "f");
}

#[test]
fn what_no_file_declares_is_told_where_there_is_nothing_to_do() {
    let (database, tool) = deployed();
    database.sql("create index by_hand on items (price)");
    let outcome = tool.run(&["deploy"]).ok();
    assert!(
        outcome
            .stderr
            .contains("1 thing that no file declares stays"),
        "{outcome}"
    );
}

fn planned(tool: &Tool) -> Outcome {
    tool.run(&["deploy", "--plan-file", "plan.json"]).ok()
}

#[test]
fn a_plan_in_a_file_is_applied_as_it_is() {
    let (database, tool) = deployed();
    grow(&tool);
    assert_snapshot!(planned(&tool), @"
    -- stdout
    file  plan.json
    title  deploy 1 migration, then policies and indexes
    steps  3
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: deploy 1 migration, then policies and indexes
      apply database/migrations/002_sales.sql
      apply policies of database/policies/sales.sql  (after the migrations)
      apply indexes of database/indexes/sales.sql  (after the migrations)
    nothing was changed; `toysoldiers deploy plan.json` does exactly this
    -- exit 0
    ");
    assert_eq!(outcomes(&database), ["done"]);
    let outcome = tool.run(&["deploy", "plan.json"]).ok();
    assert!(outcome.stderr.contains("deployed 3 changes"), "{outcome}");
    assert_snapshot!(tool.run(&["deploy", "plan.json"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: the plan in plan.json does not fit any more
      note: 002_sales was applied since
      note: nothing was changed
      hint: make it again with `toysoldiers deploy --plan-file plan.json`, and read it
    -- exit 6
    ");
}

#[test]
fn a_plan_is_refused_after_every_kind_of_change() {
    type Change = fn(&Database, &Tool);
    let changes: &[(&str, Change)] = &[
        ("policies/sales.sql has changed", |_, tool| {
            tool.write(
                "database/policies/sales.sql",
                "alter table sales enable row level security;\n",
            );
        }),
        ("indexes/sales.sql is gone", |_, tool| {
            std::fs::remove_file(tool.path().join("database/indexes/sales.sql")).unwrap();
        }),
        ("migrations/003_c.sql is new", |_, tool| {
            tool.write("database/migrations/003_c.sql", "select 1;\n");
        }),
        ("002_sales was applied since", |_, tool| {
            tool.run(&["migrate", "up"]).ok();
        }),
        (
            "001_items is another one, or was applied again",
            |database, _| {
                database.sql("update toysoldiers.history set applied_at = now()");
            },
        ),
        (
            "now there is also to alter policy read on items",
            |database, _| {
                database.sql("alter policy read on items using (price > 7)");
            },
        ),
        (
            "now there is also to create items_owner on items",
            |database, _| {
                database.sql("drop index items_owner");
            },
        ),
        (
            "it was made by toysoldiers 0.0.1, and this is",
            |_, tool| {
                let path = tool.path().join("plan.json");
                let text = std::fs::read_to_string(&path).unwrap();
                let ours = format!("\"tool_version\": \"{}\"", env!("CARGO_PKG_VERSION"));
                assert!(text.contains(&ours));
                std::fs::write(path, text.replace(&ours, "\"tool_version\": \"0.0.1\"")).unwrap();
            },
        ),
    ];
    for (told, change) in changes {
        let (database, tool) = deployed();
        grow(&tool);
        planned(&tool);
        change(&database, &tool);
        let outcome = tool.run(&["deploy", "plan.json"]).code(6);
        assert!(
            outcome.stderr.contains(&format!("  note: {told}")),
            "{told}\n{outcome}"
        );
        assert_eq!(outcomes(&database), ["done"], "{told}");
    }
}

#[test]
fn a_plan_for_another_database_or_of_no_sense_is_refused() {
    let (_database, tool) = fresh();
    planned(&tool);
    let other = Database::empty();
    let there = Tool::new().on(&other);
    write(&there);
    let plan = std::fs::read(tool.path().join("plan.json")).unwrap();
    there.write("plan.json", &plan);
    let outcome = there.run(&["deploy", "plan.json"]).code(6);
    assert!(outcome.stderr.contains("note: it is for "), "{outcome}");
    there.write("plan.json", "{ \"format\": 2, \"nonsense\": true }");
    assert_snapshot!(there.run(&["deploy", "plan.json"]), @r#"
    -- stderr
    error: plan.json is no plan of a deploy
      caused by: unknown field nonsense, expected one of format, tool_version, target, wish, files, history, title, risk, parts
      --> plan.json:1:25
         |
       1 | { "format": 2, "nonsense": true }
         |                         ^
      hint: make it again with `toysoldiers deploy --plan-file plan.json`, and read it
    -- exit 1
    "#);
    there.write("plan.json", "{ \"format\": 1 }");
    assert_snapshot!(there.run(&["deploy", "plan.json"]), @"
    -- stderr
    error: plan.json is a plan of another form (it has format 1, this program knows 2)
      note: nothing was changed
      hint: make it again with `toysoldiers deploy --plan-file plan.json`, and read it
    -- exit 6
    ");
    assert_snapshot!(there.run(&["deploy", "nowhere.json"]), @"
    -- stderr
    error: cannot read the plan nowhere.json
      caused by: no such file or directory
      hint: make one with `toysoldiers deploy --plan-file nowhere.json`
    -- exit 1
    ");
    assert_snapshot!(there.run(&["deploy", "--plan-file", "database/policies/items.sql"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/policies/items.sql is there, and is no plan of a deploy
      note: nothing was changed
      hint: name another file, or remove that one
    -- exit 6
    ");
}

/// An environment `shop` with these lines, and the files of the platform of one table.
fn shop(lines: &str) -> (Database, Tool) {
    let database = Database::empty();
    let tool = configured(&[("shop", &database, lines)]).env("TOYSOLDIERS_ENV", "shop");
    std::fs::remove_file(tool.path().join("database/migrations/001_a.sql")).unwrap();
    write(&tool);
    (database, tool)
}

#[test]
fn a_backup_is_taken_first_where_the_environment_wants_one() {
    let (database, tool) =
        shop("[env.shop.backup]\ndestination = \"backups\"\nbefore_migrate = true");
    let outcome = tool.run(&["deploy"]).ok();
    assert!(
        outcome
            .stderr
            .contains("back up to HERE/backups/shop-STAMP.dump"),
        "{outcome}"
    );
    assert_eq!(tool.folder().list("backups").len(), 2);
    let stages = "select stages -> 0 ->> 'part', stages -> 0 ->> 'state' from toysoldiers.deploys";
    assert_eq!(database.value(stages), "backup|done");
    // Nothing is pending any more.
    database.sql("drop policy read on items");
    tool.run(&["deploy"]).ok();
    assert_eq!(tool.folder().list("backups").len(), 2);
    database.sql("drop policy read on items");
    tool.run(&["deploy", "--backup"]).ok();
    assert_eq!(tool.folder().list("backups").len(), 4);
    tool.write("database/migrations/002_b.sql", "create table b ();\n");
    tool.run(&["deploy", "--no-backup"]).ok();
    assert_eq!(tool.folder().list("backups").len(), 4);
}

#[test]
fn a_backup_that_fails_stops_it_before_anything_is_changed() {
    let (database, tool) =
        shop("[env.shop.backup]\ndestination = \"backups\"\nbefore_migrate = true");
    tool.write("backups", "a file is in the way");
    assert_snapshot!(tool.run(&["deploy"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    plan: deploy 1 migration, then policies and indexes
      back up to HERE/backups/shop-STAMP.dump  (by pg_dump VERSION)
      stamp shop  (from now on the database belongs to this environment)
      apply database/migrations/001_items.sql
      apply policies of database/policies/items.sql  (after the migrations)
      apply indexes of database/indexes/items.sql  (after the migrations)
    error: deploy stopped at the backup
      caused by: cannot make the folder HERE/backups
      caused by: file exists
      note: not begun: migrations, policies, indexes
      hint: name a folder you may write to, with `--to` or as `destination` in `[env.NAME.backup]`
      hint: run `toysoldiers --env shop deploy` again to go on
    -- exit 4
    ");
    assert_eq!(database.value("select to_regclass('items') is null"), "t");
    assert_eq!(outcomes(&database), ["failed"]);
}

#[test]
fn a_protected_environment_wants_its_name_as_soon_as_policies_may_change() {
    let (database, tool) = shop("protected = true");
    assert_snapshot!(tool.run(&["deploy", "--yes"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    plan: deploy 1 migration, then policies and indexes
      stamp shop  (from now on the database belongs to this environment)
      apply database/migrations/001_items.sql
      apply policies of database/policies/items.sql  (after the migrations)
      apply indexes of database/indexes/items.sql  (after the migrations)
    error: cannot deploy 1 migration, then policies and indexes without a confirmation: there is no terminal to ask on
      hint: confirm with `--confirm shop`
    -- exit 6
    ");
    assert_eq!(database.value("select to_regclass('items') is null"), "t");
    tool.run(&["deploy", "--confirm", "shop"]).ok();
    assert!(is_whole(&database));
    // An index lets nobody in.
    database.sql("drop index items_owner");
    assert_snapshot!(tool.run(&["deploy", "--yes"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    plan: deploy 1 change of indexes
      create items_owner on items
          + using btree (owner)
    created items_owner on items in DURATION
    deployed 1 change in DURATION: indexes (1)
    -- exit 0
    ");
    // Nothing to do, nothing to ask.
    tool.run(&["deploy", "--no-input"]).ok();
}

#[test]
fn what_would_be_dropped_and_was_not_shown_stops_it() {
    let (database, tool) = deployed();
    // It is not there when the plan is made.
    tool.write(
        "database/migrations/002_b.sql",
        "create policy strange on items for delete using (true);\n",
    );
    assert_snapshot!(tool.run(&["deploy", "--prune"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: deploy 1 migration, then policies and indexes
      apply database/migrations/002_b.sql
    applied 002_b (1 statement, DURATION)
    error: deploy stopped at the policies
      caused by: more is to be done about policies than was shown: drop policy strange on items
      note: done: migrations: 002_b
      note: not begun: indexes
      note: of the policies nothing was changed
      hint: run the same command again: it shows the rest, and asks
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["deploy", "--prune", "--dry-run"]), @"
    -- stdout
    plan: deploy 1 change of policies and rights
      drop policy strange on items  (no file declares it)
          - permissive for delete to public
          - using true
      leave unproved what it comes to  (there is no matrix.toml among the files)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    let outcome = tool.run(&["deploy", "--prune"]).code(6);
    assert!(
        outcome.stderr.contains("without a confirmation"),
        "{outcome}"
    );
    tool.run(&["deploy", "--prune", "--confirm", &database.name])
        .ok();
    assert_eq!(database.value("select count(*) from pg_policies"), "1");
}

#[test]
fn whenever_it_is_killed_the_next_one_ends_clean() {
    let (_database, tool) = fresh();
    let start = Instant::now();
    tool.run(&["deploy"]).ok();
    let time = u64::try_from(start.elapsed().as_micros()).unwrap();
    let mut seed = 0x00de_b107;
    for round in 0..rounds() {
        let (database, tool) = fresh();
        let moment = Duration::from_micros(next(&mut seed) % time);
        let mut killed = tool.spawn(&["deploy"]);
        // The moment is what is tried, and nothing waits for it.
        std::thread::sleep(moment);
        killed.kill().unwrap();
        killed.wait().unwrap();
        let context = format!("round {round}, killed after {moment:?} of {time} microseconds");
        tool.run(&["deploy"]).ok();
        assert!(is_whole(&database), "{context}");
        let ended = outcomes(&database);
        assert_eq!(ended.last().map(String::as_str), Some("done"), "{context}");
        // What a killed run has left is looked into once.
        verify(&tool, &database);
        tool.run(&["status", "--check"]).ok();
        // The server may take a moment to notice that nobody listens any more.
        database.wait_until(NO_LOCK);
        let history = tool.run(&["deploy", "--history", "-o", "csv"]).ok();
        assert!(
            !history.stdout.contains(",running,"),
            "{context}: {history}"
        );
    }
}

#[test]
fn one_that_was_killed_can_be_seen() {
    let (database, tool) = fresh();
    tool.write("database/migrations/002_b.sql", "select pg_sleep(600);\n");
    let mut killed = tool.spawn(&["deploy"]);
    database.wait_until("select exists (select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep')");
    let running = tool.run(&["status", "-o", "json"]).ok().json();
    assert_eq!(running["deploy"]["outcome"], "running");
    killed.kill().unwrap();
    killed.wait().unwrap();
    database.sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'");
    database.wait_until(NO_LOCK);
    let lost = tool.run(&["status", "-o", "json"]).ok().json();
    assert_eq!(lost["deploy"]["outcome"], "lost");
    // How far it came is known.
    let stages = "select stages from toysoldiers.deploys";
    assert!(database.value(stages).contains("\"migrations\""));
    tool.write("database/migrations/002_b.sql", "select 1;\n");
    tool.run(&["deploy"]).ok();
    assert_eq!(outcomes(&database), ["lost", "done"]);
}

#[test]
fn two_at_once_do_it_once() {
    let (database, tool) = fresh();
    let runners: Vec<_> = (0..3).map(|_| tool.spawn(&["deploy"])).collect();
    for runner in runners {
        tool.outcome(runner).ok();
    }
    assert!(is_whole(&database));
    let changed = "select count(*) from toysoldiers.deploys where exists (select from jsonb_array_elements(stages) s where jsonb_array_length(s -> 'changes') > 0)";
    assert_eq!(database.value(changed), "1");
    assert_eq!(outcomes(&database), ["done", "done", "done"]);
}

#[test]
fn the_second_waits_and_says_for_whom() {
    let (database, tool) = fresh();
    let key = toysoldiers::pg::lock::DEPLOY.key;
    let holder = database.session(&format!("select pg_advisory_lock({key})"));
    let outcome = tool.run(&["deploy", "--wait", "1ms"]).code(6);
    assert!(
        outcome
            .stderr
            .contains("another run is at work on this database"),
        "{outcome}"
    );
    let mut runner = tool.spawn(&["deploy"]);
    let mut lines = BufReader::new(runner.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("waiting for another run to end: pid ")));
    holder.sql(&format!("select pg_advisory_unlock({key})"));
    assert!(lines.any(|line| line.starts_with("deployed ")));
    assert!(runner.wait().unwrap().success());
}

#[test]
fn with_nothing_to_do_it_waits_for_hardly_more_answers_than_status() {
    let (database, _tool) = deployed();
    let trips = |args: &[&str]| {
        let proxy = Proxy::start(database.server.port);
        let through = Tool::new().at(&proxy.url(&database, "postgres"));
        write(&through);
        through.run(args).ok();
        // On the first connection: on another one it looks who is in its way, if there is time for that.
        proxy.round_trips()[0]
    };
    let (status, deploy) = (trips(&["status"]), trips(&["deploy"]));
    assert!(deploy < status + 5, "status {status}, deploy {deploy}");
}

#[test]
fn the_revision_of_the_files_is_remembered() {
    let (database, tool) = fresh();
    let git = |words: &[&str]| {
        let mut command = Command::new("git");
        command.args([
            "-c",
            "user.name=sam",
            "-c",
            "user.email=sam@example.com",
            "-c",
            "init.defaultBranch=main",
        ]);
        let output = tool.dress(command.args(words)).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet"]);
    git(&["add", "database"]);
    git(&["commit", "--quiet", "--message", "files"]);
    let commit = git(&["rev-parse", "HEAD"]);
    tool.run(&["deploy"]).ok();
    grow(&tool);
    let outcome = tool.run(&["deploy"]).ok();
    assert!(
        outcome
            .stderr
            .contains(&format!("from {}, changed since", &commit[..12])),
        "{outcome}"
    );
    assert_eq!(
        database.sql("select revision, dirty from toysoldiers.deploys order by id"),
        [format!("{commit}|f"), format!("{commit}|t")]
    );
}

#[test]
fn a_whole_upgrade_goes_through_while_others_read_and_write() {
    let (database, tool) = deployed();
    database.sql(
        "insert into items select n, 'owner ' || n % 50, n from generate_series(1, 2000) n;
        create view prices as select owner, sum(price) as total from items group by owner",
    );
    grow(&tool);
    tool.write(
        "database/migrations/003_prices.sql",
        "create or replace view prices with (security_barrier = true) as\n\
         select i.owner, sum(i.price) as total, (select count(*) from sales) as sales from items i group by i.owner;\n",
    );
    tool.write(
        "database/policies/prices.sql",
        "alter view prices set (security_barrier = true);\n",
    );
    tool.write(
        "database/indexes/items.sql",
        "create index items_owner on items (owner);\ncreate index items_price on items (price) where price > 10;\n",
    );
    let (done, requests) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for number in 0..3 {
            let (database, done, requests) = (&database, &done, &requests);
            scope.spawn(move || {
                let session = database.session("select 1");
                let mut round = number;
                while !done.load(Ordering::Relaxed) {
                    session.sql("select * from items where owner = 'owner 7'; select * from prices");
                    session.sql(&format!(
                        "update items set price = price + 1 where id = {}; insert into items values ({}, 'new', 1)",
                        round % 2000 + 1,
                        10_000 + round
                    ));
                    requests.fetch_add(4, Ordering::Relaxed);
                    round += 3;
                }
            });
        }
        let outcome = tool.run(&["deploy"]);
        done.store(true, Ordering::Relaxed);
        outcome.ok();
    });
    assert!(requests.load(Ordering::Relaxed) > 0);
    // The view was made by hand at first.
    verify(&tool, &database);
    tool.run(&["status", "--check"]).ok();
}
