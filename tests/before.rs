//! What the version before wrote is read, and what it said is said.
//!
//! `tests/fixtures/before` was recorded by running that version: its commands in their order, with the keys of what
//! each answered in JSON and the words among the values that programs decide by; the rows it left in the tables of
//! its own schema; what it read in them; and a plan file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::support::{Database, Tool};

/// The keys of a document, each with the words it has as values. Elements of lists are one, and so are the values of
/// a map whose keys are data.
type Keys = BTreeMap<String, BTreeSet<String>>;

/// Keys that there were not, where they may be: the end of a path.
const ADDED: [&str; 11] = [
    ".error.hints",
    ".error.hints[].command",
    ".error.hints[].text",
    ".indexes.undeclared",
    ".manifest.schema_as_left",
    ".policies.undeclared",
    ".schema",
    ".schema.actor",
    ".schema.since",
    ".schema.state",
    ".steps[].effect",
];

const COMMANDS: &str = include_str!("fixtures/before/commands.json");
const READS: &str = include_str!("fixtures/before/reads.json");

fn collect(document: &Value, path: &str, keys: &mut Keys) {
    match document {
        Value::Object(object) => {
            let is_data = [".files", ".history"]
                .iter()
                .any(|data| path.ends_with(data));
            for (key, value) in object {
                let path = format!("{path}.{}", if is_data { "*" } else { key });
                keys.entry(path.clone()).or_default();
                collect(value, &path, keys);
            }
        }
        Value::Array(elements) => {
            let path = format!("{path}[]");
            for element in elements {
                collect(element, &path, keys);
            }
        }
        Value::String(word) => {
            keys.entry(path.to_owned())
                .or_default()
                .insert(word.clone());
        }
        _ => {}
    }
}

fn keys_of(document: &Value) -> Keys {
    let mut keys = Keys::new();
    collect(document, "", &mut keys);
    keys
}

/// What is missing or new in a document, a line each.
fn differences(name: &str, before: &Value, now: &Value) -> Vec<String> {
    let before: Keys = serde_json::from_value(before.clone()).unwrap();
    let now = keys_of(now);
    let mut lines = Vec::new();
    for (path, words) in &before {
        match now.get(path) {
            None => lines.push(format!("{name}: {path} is gone")),
            Some(said) => {
                let gone = words.difference(said);
                lines.extend(gone.map(|word| format!("{name}: {path} is never {word:?}")));
            }
        }
    }
    let added = now.keys().filter(|path| !before.contains_key(*path));
    // Texts in a list are no key.
    let keys = added.filter(|path| !path.ends_with("[]"));
    let unknown = keys.filter(|path| !ADDED.iter().any(|end| path.ends_with(end)));
    lines.extend(unknown.map(|path| format!("{name}: {path} is new")));
    lines
}

/// The two databases of the recording: the platform's, and a small one where things go wrong.
struct Pair {
    shop: Database,
    mini: Database,
    tool: Tool,
}

impl Pair {
    fn new() -> Self {
        let (shop, mini) = (Database::empty(), Database::empty());
        let tool = Tool::new().hiding(&shop).hiding(&mini);
        Self { shop, mini, tool }
    }

    fn named(&self, name: &Value) -> &Database {
        match name.as_str() {
            Some("shop") => &self.shop,
            Some("mini") => &self.mini,
            other => panic!("{other:?}"),
        }
    }

    fn write(&self, step: &Value) {
        let text = step["text"].as_str().unwrap();
        let text = text
            .replace("{SOCKET}", &self.shop.server.socket.display().to_string())
            .replace("{SHOP}", &self.shop.name)
            .replace("{MINI}", &self.mini.name);
        self.tool.write(step["write"].as_str().unwrap(), text);
    }

    /// All files the recording worked with, as they were at its end.
    fn with_files() -> Self {
        let pair = Self::new();
        let commands: Value = serde_json::from_str(COMMANDS).unwrap();
        let steps = commands["steps"].as_array().unwrap();
        let writes = steps.iter().filter(|step| !step["write"].is_null());
        writes.for_each(|step| pair.write(step));
        pair
    }
}

fn words(step: &Value) -> Vec<&str> {
    let words = step["run"].as_array().unwrap().iter();
    words.map(|word| word.as_str().unwrap()).collect()
}

#[test]
fn every_key_and_word_of_json_is_still_there() {
    let commands: Value = serde_json::from_str(COMMANDS).unwrap();
    let pair = Pair::new();
    let mut lines = Vec::new();
    for step in commands["steps"].as_array().unwrap() {
        if !step["write"].is_null() {
            pair.write(step);
        } else if !step["sql"].is_null() {
            pair.named(&step["on"]).sql(step["sql"].as_str().unwrap());
        } else if !step["seed"].is_null() {
            pair.named(&step["seed"]).seed();
        } else {
            let args = words(step);
            let outcome = pair.tool.run(&args);
            let name = args.join(" ");
            if outcome.code.map(i64::from) != step["code"].as_i64() {
                lines.push(format!("{name}: ended with another code\n{outcome}"));
                continue;
            }
            let now = if outcome.stdout.is_empty() {
                outcome.error_json()
            } else {
                outcome.json()
            };
            lines.extend(differences(&name, &step["json"], &now));
        }
    }
    // What is stored is told by the same names.
    for name in ["shop", "mini"] {
        for (table, before) in commands["rows"][name].as_object().unwrap() {
            let rows = pair.named(&name.into()).value(&format!(
                "select coalesce(jsonb_agg(to_jsonb(t)), '[]') from toysoldiers.{table} t"
            ));
            let now = serde_json::from_str(&rows).unwrap();
            lines.extend(differences(&format!("{name}, {table}"), before, &now));
        }
    }
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

/// The schema of its own as the version before made it, with its rows.
fn leave_rows(database: &Database, rows: &str) {
    for step in [
        include_str!("../database/bookkeeping/001_history_and_audit.sql"),
        include_str!("../database/bookkeeping/002_stamp.sql"),
        include_str!("../database/bookkeeping/003_runs.sql"),
        include_str!("../database/bookkeeping/004_detached.sql"),
        include_str!("../database/bookkeeping/005_deploys.sql"),
        rows,
    ] {
        database.sql(step);
    }
}

/// Both databases as the version before left them.
fn left_behind() -> Pair {
    let pair = Pair::with_files();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("database/migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    // It had no others.
    for file in &files[..11] {
        pair.shop.sql(&std::fs::read_to_string(file).unwrap());
    }
    leave_rows(&pair.shop, include_str!("fixtures/before/shop.sql"));
    pair.mini.sql(
        "create table things (id int primary key, name text, more int);
         create index things_more_idx on things (more);
         create unique index things_name_key on things (name);
         create index things_name_idx on things (name);
         create index things_id_idx on things (id);
         alter table things enable row level security",
    );
    leave_rows(&pair.mini, include_str!("fixtures/before/mini.sql"));
    pair
}

/// All rows it left, but for the version of its schema.
fn rows(database: &Database) -> Vec<String> {
    let tables = [
        "audit_log",
        "deploys",
        "detached",
        "history",
        "runs",
        "steps",
    ];
    let rows = tables.map(|table| {
        database.sql(&format!(
            "select '{table}', to_jsonb(t) from toysoldiers.{table} t order by 2"
        ))
    });
    rows.concat()
}

#[test]
fn rows_are_read_as_they_were() {
    let pair = left_behind();
    let reads: Value = serde_json::from_str(READS).unwrap();
    for read in reads.as_array().unwrap() {
        let args = words(read);
        let now = pair.tool.run(&args).ok().json();
        assert_eq!(now, read["json"], "{args:?}");
    }
}

#[test]
fn a_database_of_the_version_before_comes_up_to_date() {
    let pair = left_behind();
    let left = rows(&pair.shop);
    let shop = |args: &[&str]| pair.tool.run(&[&["--env", "shop"][..], args].concat());
    shop(&["migrate", "up"]).ok();
    shop(&["migrate", "status", "--check"]).ok();
    let now = rows(&pair.shop);
    assert!(left.iter().all(|row| now.contains(row)), "{now:#?}");
    // What was detached is known, and comes back; nobody declares the fifth.
    let attached = shop(&[
        "policy", "attach", "comments", "--forget", "stray", "--yes", "-o", "json",
    ])
    .ok();
    assert_eq!(
        attached.json()["attached"].as_array().map(Vec::len),
        Some(4),
        "{attached}"
    );
    shop(&["deploy"]).ok();
    for part in ["migrate", "policy", "index"] {
        shop(&[part, "status", "--check"]).ok();
    }
    shop(&["env", "check"]).ok();

    let left = rows(&pair.mini);
    // Half of it is done, and the other half is mended.
    pair.tool.write(
        "m/004_bad.sql",
        "-- toysoldiers: no-transaction\n\
         create index concurrently things_id_idx on things (id);\n\
         alter table things add column x int;\n",
    );
    let mini = |args: &[&str]| {
        let sources = ["--migrations", "m", "--policies", "p", "--indexes", "i"];
        pair.tool
            .run(&[&["--env", "mini"][..], args, &sources].concat())
    };
    mini(&["deploy", "--no-proof", "--confirm", "mini"]).ok();
    assert_eq!(
        pair.mini.value("select count(*) from toysoldiers.steps"),
        "0"
    );
    let now = rows(&pair.mini);
    let kept = left.iter().filter(|row| !row.starts_with("steps|"));
    assert!(kept.clone().all(|row| now.contains(row)), "{now:#?}");
    let again = mini(&["deploy", "--no-proof", "-o", "json"]).ok().json();
    assert!(
        again["stages"]
            .as_array()
            .unwrap()
            .iter()
            .all(|stage| stage["state"] == "nothing"),
        "{again}"
    );
}

#[test]
fn a_plan_of_the_form_before_is_refused() {
    let pair = Pair::with_files();
    let plan = include_str!("fixtures/before/plan.json");
    pair.tool.write("plan.json", plan);
    let refused = pair
        .tool
        .run(&["--env", "shop", "deploy", "plan.json"])
        .code(6);
    assert!(
        refused.stderr.contains(
            "plan.json is a plan of another form (it has format 1, this program knows 2)"
        ) && refused.stderr.contains("make it again with"),
        "{refused}"
    );
}
