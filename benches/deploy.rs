//! A whole upgrade of the platform through `deploy`, while everybody reads and writes: how long they wait for it.
//!
//! A new table with row-level security, its policy and its index, a column of an old table, a view that tells more, and
//! an index on a table that is written to.

use std::path::Path;

use crate::measure::Measure;
use crate::support::{Database, Tool};
use crate::visitors::{self, Round, among};

/// How many read at a time, and how many write.
const READERS: usize = 6;
const WRITERS: usize = 2;

/// What a request waits at most, in milliseconds.
const LIMIT: f64 = 500.0;

const READS: [&str; 4] = [
    "select id, title from content order by created_at desc limit 20",
    "select id, text from comments limit 20",
    "select sum(amount) from tips where created_at > now() - interval '1 day'",
    "select id, bio from creators limit 20",
];

const WRITES: [&str; 3] = [
    "update content set updated_at = now() where id = (select id from content order by random() limit 1)",
    "insert into comments (content_id, user_id, text) select c.id, u.id, 'new' from content c, users u order by random() limit 1",
    "update tips set status = 'completed' where id = (select id from tips order by random() limit 1)",
];

const MIGRATION: &str = "create table playlists (
    id uuid primary key default gen_random_uuid(),
    creator_id uuid not null references creators on delete cascade,
    title text not null
);
alter table playlists enable row level security;
alter table content add column playlist_id uuid references playlists;
create or replace view dashboard_playlists with (security_barrier = true) as
select p.id, p.title, count(c.id) as items
from playlists p
left join content c on c.playlist_id = p.id
group by p.id;
";
const POLICY: &str = "alter table playlists enable row level security;
create policy playlists_read on playlists for select to anon, authenticated using (true);
grant select on playlists to anon, authenticated;
";
const INDEX: &str = "create index playlists_creator_id_idx on playlists (creator_id);\n";
const BUSY: &str = "create index comments_created_at_idx on comments (created_at);\n";

/// Runs it in rounds, each on a database of its own.
pub fn upgrade(_folder: &Path, rounds: usize) -> Vec<Measure> {
    let rounds: Vec<Round> = (0..rounds).map(|_| round()).collect();
    visitors::measures(&rounds, "request", LIMIT, "deploy")
}

fn round() -> Round {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    copy(&tool);
    tool.run(&["deploy"]).ok();
    tool.write("database/migrations/900_playlists.sql", MIGRATION);
    tool.write("database/policies/playlists.sql", POLICY);
    tool.write("database/indexes/playlists.sql", INDEX);
    let comments = tool.path().join("database/indexes/comments.sql");
    let declared = std::fs::read_to_string(&comments).unwrap_or_default();
    tool.write("database/indexes/comments.sql", format!("{declared}{BUSY}"));
    let visitors = [&[&READS[..]; READERS][..], &[&WRITES[..]; WRITERS][..]].concat();
    among(&database, &visitors, || {
        tool.run(&["deploy"]).ok();
    })
}

/// The platform's own files, beside the program.
fn copy(tool: &Tool) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for noun in ["migrations", "policies", "indexes"] {
        let folder = Path::new("database").join(noun);
        for entry in std::fs::read_dir(root.join(&folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = folder.join(path.file_name().unwrap());
            tool.write(name.to_str().unwrap(), std::fs::read(&path).unwrap());
        }
    }
}
