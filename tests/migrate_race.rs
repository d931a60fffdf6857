//! Several runners at once, and runners that are interrupted.

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::migrate::with;
use crate::support::{Database, Folder, Server, Setup, Tool, process, server};

/// The key of the runner's lock.
const KEY: i64 = toysoldiers::pg::lock::MIGRATE.key;

/// Runners on an empty database: one applies everything, the others find it done, and none fails.
pub fn all_at_once(runners: usize) {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    let started: Vec<_> = (0..runners)
        .map(|_| tool.spawn(&["migrate", "up", "-o", "json"]))
        .collect();
    let counts: Vec<usize> = started
        .into_iter()
        .map(|runner| {
            tool.outcome(runner).ok().json()["applied"]
                .as_array()
                .unwrap()
                .len()
        })
        .collect();
    assert_eq!(counts.iter().sum::<usize>(), 13, "{counts:?}");
    assert_eq!(
        counts.iter().filter(|count| **count > 0).count(),
        1,
        "{counts:?}"
    );
    assert_eq!(
        database.value("select count(*) from toysoldiers.history"),
        "13"
    );
}

#[test]
fn runners_started_together_apply_everything_once_and_none_fails() {
    for _ in 0..2 {
        all_at_once(4);
    }
}

#[test]
fn the_second_runner_says_who_holds_the_lock_and_then_goes_on() {
    let (database, tool) = with(&[("001_a.sql", "create table a();")]);
    let holder = database.session(&format!("select pg_advisory_lock({KEY})"));
    let mut runner = tool.spawn(&["migrate", "up"]);
    let mut lines = BufReader::new(runner.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let waiting = lines
        .by_ref()
        .find(|line| line.starts_with("waiting"))
        .unwrap();
    assert!(
        waiting.starts_with("waiting for another run to end: pid "),
        "{waiting}"
    );
    assert!(
        waiting.contains("(tests as postgres, from this machine, connected for "),
        "{waiting}"
    );
    holder.sql(&format!("select pg_advisory_unlock({KEY})"));
    assert!(lines.any(|line| line.starts_with("applied 1 migration ")));
    assert!(runner.wait().unwrap().success());
}

#[test]
fn a_runner_waits_no_longer_than_was_said() {
    let (database, tool) = with(&[("001_a.sql", "create table a();")]);
    let _holder = database.session(&format!("select pg_advisory_lock({KEY})"));
    assert_snapshot!(tool.run(&["migrate", "up", "--wait", "1ms"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: another run is at work on this database
      note: the lock is held by pid PID (tests as postgres, from this machine, connected for DURATION): select pg_advisory_lock(8390058167512097897)
      note: nothing was changed
      hint: wait for it to end, or allow more time with `--wait`
      hint: if it is no run, end its session: `select pg_terminate_backend(PID)`
    -- exit 6
    ");
    assert_eq!(
        database.value("select to_regnamespace('toysoldiers') is null"),
        "t"
    );
}

#[test]
fn a_runner_waiting_for_the_lock_does_not_block_an_index_built_concurrently() {
    let (database, tool) = with(&[("001_a.sql", "create table b();")]);
    database.sql("create table a(id int)");
    let holder = database.session(&format!("select pg_advisory_lock({KEY})"));
    let runner = tool.spawn(&["migrate", "up"]);
    database.wait_until("select exists (select from pg_stat_activity where datname = current_database() and application_name = 'toysoldiers')");
    // The holder of the lock builds; were the other waiting inside a statement, this would be a deadlock.
    holder.sql("create index concurrently a_id on a(id)");
    holder.sql(&format!("select pg_advisory_unlock({KEY})"));
    tool.outcome(runner).ok();
}

#[test]
fn an_interrupt_is_passed_on_to_the_server_and_keeps_nothing() {
    let (database, tool) = with(&[("001_a.sql", "create table a();\nselect pg_sleep(600);")]);
    let runner = tool.spawn(&["migrate", "up"]);
    let asleep = "select exists (select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep')";
    database.wait_until(asleep);
    let pid = rustix::process::Pid::from_raw(i32::try_from(runner.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_snapshot!(tool.outcome(runner), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: interrupted
      caused by: migration 001_a.sql failed
      caused by: canceling statement due to user request
      --> database/migrations/001_a.sql:2:1
         |
       2 | select pg_sleep(600);
         | ^^^^^^^^^^^^^^^^^^^^
      note: nothing of 001_a was kept; no migration is applied
      hint: run it again to go on
    -- exit 130
    ");
    database.wait_until(&format!(
        "select not ({})",
        asleep.trim_start_matches("select ")
    ));
    assert_eq!(database.value("select to_regclass('a') is null"), "t");
}

/// How many times a run is killed; the full number is in the environment when somebody wants to be sure.
pub fn rounds() -> u64 {
    std::env::var("TOYSOLDIERS_KILLS").map_or(5, |number| number.parse().unwrap())
}

/// A folder of migrations of all kinds; names and texts.
fn mixed() -> Vec<(String, String)> {
    let directive = "-- toysoldiers: no-transaction\n";
    let rows = |from: usize| {
        let mut rows = String::new();
        for id in from..from + 400 {
            let _ = writeln!(rows, "{id}\trow \\\\ {id}");
        }
        rows
    };
    (1..=20)
        .map(|number| {
            let text = match number {
                1 => "create table items(id bigint primary key, name text, kind int);\n\
                      insert into items select n, 'item ' || n, n % 7 from generate_series(1, 5000) n;\n"
                    .to_owned(),
                5 | 14 => format!(
                    "alter table items add column a{number} int;\ncopy items (id, name) from stdin;\n{}\\.\n\
                     update items set a{number} = kind;\n",
                    rows(number * 10_000)
                ),
                3 | 8 | 11 | 17 => format!(
                    "{directive}create index concurrently items_name{number} on items(name);\n\
                     create table side{number}(id int);\n\
                     create unique index concurrently items_id{number} on items(id, kind);\n\
                     copy side{number} from stdin;\n1\n2\n\\.\n\
                     create index concurrently if not exists items_kind{number} on items(kind) where kind > 3;\n\
                     drop index concurrently items_id{number};\n\
                     insert into side{number} values (3);\n\
                     reindex index concurrently items_name{number};\n\
                     vacuum side{number};\n"
                ),
                _ => format!(
                    "create table t{number}(id int primary key references t{number} deferrable);\n\
                     insert into t{number} select generate_series(1, 50);\n\
                     alter table items add column c{number} int default {number};\n"
                ),
            };
            (format!("{number:03}_m{number}.sql"), text)
        })
        .collect()
}

fn write(tool: &Tool, files: &[(String, String)]) {
    for (name, text) in files {
        tool.write(&format!("database/migrations/{name}"), text);
    }
}

/// Everything that is in a database but for our own tables: columns, indexes and whether they are valid, constraints,
/// and what is in the tables.
fn contents(database: &Database) -> Vec<String> {
    let tables = database.sql(
        "select c.relname, c.relkind, a.attnum, a.attname, a.atttypid::regtype, pg_get_expr(d.adbin, d.adrelid)
         from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
         where c.relnamespace = 'public'::regnamespace order by 1, 3",
    );
    let indexes = database.sql(
        "select pg_get_indexdef(indexrelid), indisvalid, indisready from pg_index
         where indrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace) order by 1",
    );
    let constraints = database.sql(
        "select conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated from pg_constraint
         where connamespace = 'public'::regnamespace order by 1, 2",
    );
    let rows = database.sql(
        "select relname, (xpath('/row/h/text()', query_to_xml(format(
            'select md5(string_agg(r::text, '','' order by r::text)) as h from %I r', relname), false, true, '')))[1]
         from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1",
    );
    [tables, indexes, constraints, rows].concat()
}

/// Every migration ran to its end once, and nothing is left half done.
fn each_ran_once(database: &Database, count: usize) {
    assert_eq!(
        database.value("select count(*), count(distinct version) from toysoldiers.history"),
        format!("{count}|{count}")
    );
    assert_eq!(
        database.value(
            "select count(*), count(distinct version) from toysoldiers.runs where outcome = 'done'"
        ),
        format!("{count}|{count}")
    );
    assert_eq!(
        database.value("select count(*) from toysoldiers.steps"),
        "0"
    );
    let invalid =
        "select count(*) from pg_index where not (indisvalid and indisready and indislive)";
    assert_eq!(database.value(invalid), "0");
}

#[test]
fn runners_started_together_build_each_index_once() {
    let files: Vec<(String, String)> = mixed().into_iter().take(12).collect();
    for runners in [2, 4, 8] {
        let (database, tool) = with(&[]);
        write(&tool, &files);
        let started: Vec<_> = (0..runners)
            .map(|_| tool.spawn(&["migrate", "up", "-o", "json"]))
            .collect();
        let counts = started.into_iter().map(|runner| {
            let outcome = tool.outcome(runner).ok();
            outcome.json()["applied"].as_array().unwrap().len()
        });
        assert_eq!(counts.sum::<usize>(), 12);
        each_ran_once(&database, 12);
        assert_eq!(
            database.value("select count(*) from toysoldiers.runs"),
            "12",
            "{runners}"
        );
    }
}

/// The next of a row of numbers that look random.
pub fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

#[test]
fn whenever_a_runner_is_killed_the_next_one_comes_to_the_end() {
    let files = mixed();
    let (undisturbed, tool) = with(&[]);
    write(&tool, &files);
    let start = Instant::now();
    tool.run(&["migrate", "up"]).ok();
    let time = u64::try_from(start.elapsed().as_micros()).unwrap();
    each_ran_once(&undisturbed, files.len());
    let expected = contents(&undisturbed);
    let mut seed = 0x5eed;
    for round in 0..rounds() {
        let moment = Duration::from_micros(next(&mut seed) % time);
        let (database, tool) = with(&[]);
        write(&tool, &files);
        let mut killed = tool.spawn(&["migrate", "up"]);
        // The moment is what is tried, and nothing waits for it.
        std::thread::sleep(moment);
        killed.kill().unwrap();
        killed.wait().unwrap();
        let context = format!("round {round}, killed after {moment:?} of {time} microseconds");
        let outcome = tool.run(&["migrate", "up"]);
        assert_eq!(outcome.code, Some(0), "{context}\n{outcome}");
        assert!(contents(&database) == expected, "{context}\n{outcome}");
        each_ran_once(&database, files.len());
        database
            .server
            .database("postgres")
            .sql(&format!("drop database {} with (force)", database.name));
    }
}

/// A server whose data outlives it, by a way in that stays the same.
pub struct Mortal {
    data: Folder,
    pub way: Folder,
    pub server: Arc<Server>,
}

impl Mortal {
    pub fn new() -> Self {
        let (data, way) = (Folder::new(), Folder::new());
        process::own(data.path());
        let blank = Server::shared().socket.join("blank");
        let place = data.path().join("data");
        let server = Server::make(&Setup::new(), |folder| {
            server::copy(&blank, &place);
            symlink(&place, folder.join("data")).unwrap();
        });
        let mortal = Self { data, way, server };
        mortal.lead();
        mortal
    }

    /// The way in leads to the server there is now.
    fn lead(&self) {
        let (link, new) = (
            self.way.path().join(".s.PGSQL.5432"),
            self.way.path().join("new"),
        );
        symlink(self.server.socket.join(".s.PGSQL.5432"), &new).unwrap();
        std::fs::rename(new, link).unwrap();
    }

    fn place(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// Kills the first of its processes; the others end when they notice, and let go of the data.
    pub fn kill(&self) {
        let file = std::fs::read_to_string(self.place().join("postmaster.pid")).unwrap();
        let pid = file.lines().next().unwrap().parse().unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        let place = self.place();
        let is_in_it = |process: &std::fs::DirEntry| {
            std::fs::read_link(process.path().join("cwd")).is_ok_and(|folder| folder == place)
        };
        for _ in 0..3000 {
            let mut processes = std::fs::read_dir("/proc").unwrap().map(Result::unwrap);
            if !processes.any(|process| is_in_it(&process)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the server's processes never end");
    }

    pub fn start_again(&mut self) {
        let place = self.place();
        self.server = Server::make(&Setup::new(), |folder| {
            symlink(&place, folder.join("data")).unwrap();
        });
        self.lead();
    }

    pub fn url(&self, database: &Database) -> String {
        let way = self.way.path().display();
        format!("postgresql://postgres@/{}?host={way}", database.name)
    }
}

#[test]
fn when_the_server_is_killed_what_is_said_is_true_and_the_next_run_comes_to_the_end() {
    let mut mortal = Mortal::new();
    let database = Database::on(&mortal.server);
    database
        .sql("create table items as select n as id, n % 7 as kind from generate_series(1, 5000) n");
    let url = mortal.url(&database);
    let tool = Tool::new()
        .env("DATABASE_URL", &url)
        .hiding(&database)
        .hide(&mortal.way.path().display().to_string(), "SOCKET");
    tool.write(
        "database/migrations/001_a.sql",
        "create table a(id int);\ninsert into a values (1);\n",
    );
    tool.write(
        "database/migrations/002_b.sql",
        "-- toysoldiers: no-transaction\ncreate table b();\ncreate index concurrently one on items(id);\n\
         create index concurrently two on items(kind);\ncreate table c();\n",
    );
    tool.write(
        "database/migrations/003_c.sql",
        "create table d(id int);\nalter table items add column d int;\n",
    );
    // An index is begun, and waits for somebody who changes the table.
    let invalid = "select exists (select from pg_index where not indisvalid)";
    tool.run(&["migrate", "up", "--to", "1"]).ok();
    let holder = database.session("begin; update items set kind = kind where id = 1");
    let runner = tool.spawn(&["migrate", "up"]);
    database.wait_until(invalid);
    mortal.kill();
    drop(holder);
    mortal.start_again();
    let database = mortal.server.database(&database.name);
    assert_snapshot!(tool.outcome(runner).without_waiting(), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    warning: the connection was lost while 002_b ran; connecting again to find out what became of it
    error: the connection was lost while 002_b.sql ran
      caused by: the server closed the connection
      note: 1 of 4 statements of 002_b are done and stay; 001_a is the last applied migration
      note: how far statement 2 came is not known; the next `migrate up` finds out, and goes on
      hint: run `toysoldiers migrate up` again
    -- exit 5
    ");
    assert_eq!(database.value(invalid), "t");
    assert_snapshot!(tool.run(&["migrate", "up", "--to", "2"]), @r#"
    -- stdout
    applied 002_b (4 statements, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    002_b: 1 of 4 statements are done; going on with statement 2
    002_b: dropping the INVALID index "public"."one", which a build that did not come to its end left behind
    applied 1 migration in DURATION (database/migrations, 1 left for later); the database is at 002_b
    warning: database/migrations/002_b.sql:2:14: the table b is made without row-level security (table-without-row-security)
    warning: database/migrations/002_b.sql:5:14: the table c is made without row-level security (table-without-row-security)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    "#);
    assert_eq!(database.value(invalid), "f");
    // A file in a transaction, which waits for a lock.
    let holder = database.session("begin; lock table items in access share mode");
    let runner = tool.spawn(&["migrate", "up", "--lock-timeout", "10m"]);
    database.wait_until(
        "select exists (select from pg_locks where not granted and relation = 'items'::regclass)",
    );
    mortal.kill();
    drop(holder);
    mortal.start_again();
    let database = mortal.server.database(&database.name);
    assert_snapshot!(tool.outcome(runner).without_waiting(), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    warning: the connection was lost while 003_c ran; connecting again to find out what became of it
    error: the connection was lost while 003_c.sql ran
      caused by: the server closed the connection
      note: nothing of 003_c was kept; 002_b is the last applied migration
      hint: run `toysoldiers migrate up` again
    -- exit 5
    ");
    assert_eq!(database.value("select to_regclass('d') is null"), "t");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stdout
    applied 003_c (2 statements, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    applied 1 migration in DURATION (database/migrations); the database is at 003_c
    warning: database/migrations/003_c.sql:1:14: the table d is made without row-level security (table-without-row-security)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    each_ran_once(&database, 3);
}

/// Ends the session that runs a statement which begins like this.
fn end_session(start: &str) -> String {
    format!(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'toysoldiers' and query like '{start}%'"
    )
}

#[test]
fn a_partition_half_detached_is_detached_by_the_next() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "-- toysoldiers: no-transaction\nalter table items detach partition few concurrently;\n",
    )]);
    database.sql(
        "create table items (id int) partition by list (id);
         create table few partition of items for values in (1)",
    );
    let holder = database.session("begin; select from items");
    let runner = tool.spawn(&["migrate", "up"]);
    let pending = "select exists (select from pg_inherits where inhdetachpending)";
    database.wait_until(pending);
    database.sql(&end_session("alter table items detach"));
    tool.outcome(runner).code(5);
    assert_eq!(database.value(pending), "t");
    drop(holder);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(
        database.value("select count(*) from pg_inherits where inhparent = 'items'::regclass"),
        "0"
    );
    each_ran_once(&database, 1);
}

#[test]
fn what_a_rebuild_left_behind_is_dropped_by_the_next() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "-- toysoldiers: no-transaction\nreindex (verbose) index concurrently \"By kind\";\n",
    )]);
    database.sql(
        "create table items as select n as id, n % 7 as kind from generate_series(1, 100) n;
         create index \"By kind\" on items(kind)",
    );
    let holder = database.session("begin; update items set kind = kind where id = 1");
    let runner = tool.spawn(&["migrate", "up"]);
    let invalid = "select exists (select from pg_index where not indisvalid)";
    database.wait_until(invalid);
    database.sql(&end_session("reindex"));
    assert_snapshot!(tool.outcome(runner).without_waiting(), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    warning: the connection was lost while 001_a ran; connecting again to find out what became of it
    error: the connection was lost while 001_a.sql ran
      caused by: terminating connection due to administrator command
      note: no statement of 001_a is known to be done; no migration is applied
      note: how far statement 1 came is not known; the next `migrate up` finds out, and goes on
      hint: run `toysoldiers migrate up` again
    -- exit 5
    ");
    assert_eq!(database.value(invalid), "t");
    drop(holder);
    let said = tool.run(&["migrate", "up"]).ok().stderr;
    assert!(
        said.contains("001_a: dropping the INVALID index \"public\".\"By kind_ccnew\""),
        "{said}"
    );
    assert_eq!(
        database.sql("select indexrelid::regclass, indisvalid from pg_index where indrelid = 'items'::regclass"),
        ["\"By kind\"|t"]
    );
    each_ran_once(&database, 1);
}
