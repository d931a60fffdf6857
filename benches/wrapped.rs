//! What policies cost: a query by `authenticated`, to which policies add their conditions, against the same query by
//! the owner with the same conditions written out, identities as literals.
//!
//! Who asks is a creator with a tenth of all content, tips and views, so that there is much to read on every table. The
//! time is the server's own (`explain (analyze, timing off)`): without the planning, and without sending the rows,
//! which is the same for both. They take turns, in one session, and what counts is the ratio of the shortest times:
//! other work on the machine only ever adds time.
//!
//! Who asks is found out once a query, which takes its time however little is read. Reading one row by its key shows
//! how much that is: nothing else is done there, so that ratio only informs. The rule for users leaves one row, which
//! the key finds; what the rule costs a row is seen where the key may not be used, by neither.

use std::path::Path;

use crate::measure::Measure;
use crate::policy::protected;
use crate::race::least;
use crate::support::server::Server;
use crate::support::{Database, Setup};

/// How many times the owner's time a query may take.
const LIMIT: f64 = 1.1;

/// Turns a round: one of these takes a fraction of a second at most.
const TURNS: usize = 9;

/// Who asks.
const USER: &str = "00000000-0000-0000-0001-000000000001";

/// Which creator that is.
const CREATOR: &str = "00000000-0000-0000-0002-000000000001";

/// One table and what is asked of it.
struct Question {
    what: &'static str,
    /// Settings of both.
    settings: &'static str,
    columns: &'static str,
    table: &'static str,
    /// What policies add, with USER and CREATOR in the place of both.
    condition: &'static str,
    limit: Option<f64>,
}

const QUESTIONS: [Question; 7] = [
    Question {
        what: "users, without the key",
        settings: "set enable_indexscan = off; set enable_bitmapscan = off",
        columns: "id, email, role, created_at, updated_at",
        table: "users",
        condition: "id = USER",
        limit: Some(LIMIT),
    },
    Question {
        what: "creators",
        settings: "",
        columns: "id, bio, tiers, verified",
        table: "creators",
        condition: "true",
        limit: Some(LIMIT),
    },
    Question {
        what: "content",
        settings: "",
        columns: "*",
        table: "content",
        condition: "visibility = 'public' or creator_id = CREATOR",
        limit: Some(LIMIT),
    },
    Question {
        what: "comments",
        settings: "",
        columns: "*",
        table: "comments",
        condition: "user_id = USER or exists (
            select from content
            where content.id = comments.content_id and (visibility = 'public' or creator_id = CREATOR)
        )",
        limit: Some(LIMIT),
    },
    Question {
        what: "tips",
        settings: "",
        columns: "*",
        table: "tips",
        condition: "from_user = USER or to_creator = CREATOR",
        limit: Some(LIMIT),
    },
    Question {
        what: "analytics_views",
        settings: "",
        columns: "*",
        table: "analytics_views",
        condition: "content_id = any (array(select id from content where creator_id = CREATOR))",
        limit: Some(LIMIT),
    },
    Question {
        what: "users, one by the key",
        settings: "",
        columns: "id, email, role, created_at, updated_at",
        table: "users",
        condition: "id = USER",
        limit: None,
    },
];

/// The rows: 50,000 users who are all creators, 50,000 pieces of content, 500,000 comments, 200,000 tips, 1,000,000
/// views. Every tenth piece of content and every tenth tip is the asking creator's.
const ROWS: &str = "
    create function pg_temp.id(kind integer, number bigint) returns uuid language sql immutable as $$
        select format('00000000-0000-0000-%s-%s', lpad(kind::text, 4, '0'), lpad(number::text, 12, '0'))::uuid
    $$;
    insert into users (id, email, password_hash, role)
    select pg_temp.id(1, n), 'user' || n || '@bench.invalid', 'x', 'creator' from generate_series(1, 50000) n;
    insert into creators (id, user_id, bio)
    select pg_temp.id(2, n), pg_temp.id(1, n), 'Bio ' || n from generate_series(1, 50000) n;
    insert into content (id, creator_id, title, visibility, duration)
    select
        pg_temp.id(3, n),
        pg_temp.id(2, case when n % 10 = 0 then 1 else n end),
        'Title ' || n,
        (array['public', 'public', 'unlisted', 'private'])[1 + n % 4],
        n % 600
    from generate_series(1, 50000) n;
    insert into comments (content_id, user_id, text)
    select pg_temp.id(3, 1 + n % 50000), pg_temp.id(1, 1 + n * 7919 % 50000), 'Comment ' || n
    from generate_series(1, 500000::bigint) n;
    insert into tips (from_user, to_creator, amount, status)
    select
        pg_temp.id(1, 1 + n * 7919 % 50000),
        pg_temp.id(2, case when n % 10 = 0 then 1 else 1 + n % 50000 end),
        1 + n % 20,
        'completed'
    from generate_series(1, 200000::bigint) n;
    insert into analytics_views (date, user_id, content_id, view_count, duration)
    select
        date '2026-01-01' - (n % 365)::integer,
        pg_temp.id(1, 1 + n * 7919 % 50000),
        pg_temp.id(3, 1 + n % 50000),
        1 + n % 3,
        30 + n % 90
    from generate_series(1, 1000000::bigint) n;
    create index on content (creator_id);
    create index on comments (content_id);
    create index on comments (user_id);
    create index on tips (from_user);
    create index on tips (to_creator);
    create index on analytics_views (content_id) include (view_count, duration)";

pub fn wrapped(_folder: &Path, rounds: usize) -> Vec<Measure> {
    let database = filled();
    QUESTIONS
        .iter()
        .map(|question| question.measure(&database, rounds * TURNS))
        .collect()
}

impl Question {
    /// How many times the owner's time it takes.
    fn measure(&self, database: &Database, turns: usize) -> Measure {
        let Self {
            what,
            settings,
            columns,
            table,
            condition,
            limit,
        } = self;
        let query = format!("select {columns} from {table}");
        let condition = condition
            .replace("USER", &format!("'{USER}'"))
            .replace("CREATOR", &format!("'{CREATOR}'"));
        let turn = format!(
            "reset role;
             explain (analyze, timing off) {query} where {condition};
             set role authenticated;
             explain (analyze, timing off) {query};"
        );
        // The first turn only warms up.
        let turns = turn.repeat(1 + turns);
        let plans = database.sql(&format!("{settings}; set app.user_id = '{USER}'; {turns}"));
        let times: Vec<f64> = plans.iter().filter_map(|line| execution(line)).collect();
        let (owner, asking): (Vec<f64>, Vec<f64>) = times[2..]
            .chunks_exact(2)
            .map(|turn| (turn[0], turn[1]))
            .unzip();
        let (owner, asking) = (least(&owner), least(&asking));
        let what = format!("{what} ({asking:.3} : {owner:.3} ms)");
        Measure {
            limit: *limit,
            ..Measure::new(what, asking / owner, "x")
        }
    }
}

/// What the server says that running a query took it, in milliseconds, if this line of a plan says it.
fn execution(line: &str) -> Option<f64> {
    let time = line.strip_prefix("Execution Time: ")?.strip_suffix(" ms")?;
    time.parse().ok()
}

/// A database full of rows, on a server that holds all of them in memory: what is measured is not the disk.
fn filled() -> Database {
    let server = Server::start(&Setup::new().setting("shared_buffers = '768MB'"));
    server.database("postgres").sql("create database platform");
    let database = server.database("platform");
    database.migrate();
    let database = protected(database);
    database.sql(ROWS);
    database.sql("vacuum (analyze)");
    database
}
