//! Who may use whom: the rules of the house, read off the code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Rooms and what they may use besides themselves.
const RULES: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("plan", &[]),
    ("pg", &["reading", "error", "plan"]),
    ("ui", &["plan", "error"]),
    ("settings", &["trust", "reading", "pg", "plan", "error"]),
    ("local", &["trust", "pg", "plan", "error"]),
    ("bookkeeping", &["pg", "error"]),
    // Who wrote a text decides where its names are looked for; what is added to it is shown first.
    ("source", &["trust", "reading", "pg", "plan", "error"]),
    // Whose files are obeyed is asked by whoever finds some.
    ("trust", &["error"]),
    ("guard", &["bookkeeping", "settings", "pg", "plan", "error"]),
    // The private server has to be started before anyone can connect to it.
    (
        "context",
        &[
            "settings", "trust", "guard", "local", "pg", "ui", "plan", "error",
        ],
    ),
    // What a database is compared with is declared in policy and index files too.
    (
        "migrate",
        &[
            "policy",
            "index",
            "bookkeeping",
            "source",
            "trust",
            "reading",
            "pg",
            "plan",
            "error",
        ],
    ),
    ("policy", &["bookkeeping", "source", "pg", "plan", "error"]),
    (
        "index",
        &["policy", "bookkeeping", "source", "pg", "plan", "error"],
    ),
    ("account", &["bookkeeping", "pg", "plan", "error"]),
    (
        "backup",
        &[
            "migrate",
            "bookkeeping",
            "source",
            "trust",
            "pg",
            "plan",
            "error",
        ],
    ),
    // One change out of all the others.
    (
        "deploy",
        &[
            "migrate",
            "policy",
            "index",
            "backup",
            "bookkeeping",
            "source",
            "settings",
            "trust",
            "reading",
            "pg",
            "plan",
            "error",
        ],
    ),
    // Whose numbers are asked for is found as everywhere.
    ("dashboard", &["account", "pg", "error"]),
    ("umask", &[]),
    // However a file came to be named, it is read alike.
    ("reading", &[]),
    ("psql", &["bookkeeping", "umask", "pg", "plan", "error"]),
    ("cli", &["*"]),
];

/// Files that are pure: parse, compare, decide. No async, no input or output, no clock.
const PURE: &[&str] = &[
    "account/email.rs",
    "backup/manifest.rs",
    "error/mask.rs",
    "index/build/pace.rs",
    "index/advise/broken.rs",
    "index/advise/foreign.rs",
    "index/advise/idle.rs",
    "index/advise/kind.rs",
    "index/advise/overlap.rs",
    "index/advise/scanned.rs",
    "index/advise/secured.rs",
    "index/advise/stock.rs",
    "index/advise/trial/columns.rs",
    "deploy/agreed.rs",
    "deploy/document.rs",
    "deploy/parts.rs",
    "deploy/story.rs",
    "index/build/pace.rs",
    "index/compare.rs",
    "index/difference.rs",
    "index/statement.rs",
    "migrate/check/undeclared.rs",
    "migrate/comparison.rs",
    "migrate/diff.rs",
    "migrate/directive.rs",
    "migrate/dump/text.rs",
    "migrate/dump/text/origin.rs",
    "migrate/heading.rs",
    "migrate/dump/text/secret.rs",
    "migrate/file.rs",
    "migrate/import/checksum.rs",
    "migrate/import/matching.rs",
    "migrate/import/name.rs",
    "migrate/import/script.rs",
    "migrate/import/text.rs",
    "migrate/lint.rs",
    "migrate/lint/access.rs",
    "migrate/lint/change.rs",
    "migrate/lint/data.rs",
    "migrate/lint/facts.rs",
    "migrate/lint/mode.rs",
    "migrate/lint/path.rs",
    "migrate/lint/squawk.rs",
    "migrate/marker.rs",
    "migrate/named.rs",
    "migrate/preflight.rs",
    "migrate/preflight/committed.rs",
    "pg/catalog/between.rs",
    "pg/catalog/diff.rs",
    "pg/conninfo.rs",
    "pg/duration.rs",
    "pg/endpoint/draft.rs",
    "pg/endpoint/url.rs",
    "pg/ident.rs",
    "pg/parameter.rs",
    "pg/parameter/value.rs",
    "pg/reader.rs",
    "pg/sql.rs",
    "policy/audit/header.rs",
    "policy/audit/judge.rs",
    "policy/audit/judge/recursion.rs",
    "policy/audit/judge/unindexed.rs",
    "policy/audit/judge/unwrapped.rs",
    "policy/audit/tree.rs",
    "pg/tls/certificate.rs",
    "policy/matrix/document.rs",
    "policy/matrix/file.rs",
    "policy/matrix/probe.rs",
    "policy/matrix/probe/read.rs",
    "policy/matrix/proof.rs",
    "policy/matrix/row.rs",
    "policy/matrix/script.rs",
    "policy/matrix/tested.rs",
    "policy/matrix/value.rs",
    "policy/ability.rs",
    "policy/affected.rs",
    "policy/statement/signature.rs",
    "psql/arguments.rs",
    "source/text.rs",
    "source/toml.rs",
    "settings/words.rs",
    "ui/cell.rs",
    "ui/sarif.rs",
];

fn files() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            // Tests inside a file may use what they like.
            let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
            (path.strip_prefix(&root).unwrap().to_owned(), code)
        })
        .collect()
}

fn room(path: &Path) -> String {
    path.iter()
        .next()
        .unwrap()
        .to_str()
        .unwrap()
        .trim_end_matches(".rs")
        .to_owned()
}

#[test]
fn rooms_use_only_what_the_house_allows() {
    let mut wrong = Vec::new();
    for (path, code) in files() {
        let room = room(&path);
        if matches!(room.as_str(), "main" | "lib") {
            continue;
        }
        let (_, allowed) = RULES
            .iter()
            .find(|(name, _)| *name == room)
            .unwrap_or_else(|| panic!("{room} has no rule"));
        for (number, line) in code.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for used in line.split("crate::").skip(1) {
                let used: String = used
                    .chars()
                    .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                    .collect();
                let is_macro = ["row", "query"].contains(&used.as_str());
                let used = if is_macro { "pg".to_owned() } else { used };
                if used != room && !allowed.contains(&"*") && !allowed.contains(&used.as_str()) {
                    wrong.push(format!(
                        "{}:{}: {room} uses {used}",
                        path.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn imports_name_one_room_a_line() {
    // `use crate::{a, b}` would hide from the rule above.
    let hidden: Vec<_> = files()
        .into_iter()
        .filter(|(_, code)| code.contains("crate::{"))
        .map(|(path, _)| path)
        .collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

#[test]
fn some_words_belong_to_one_room() {
    let owners: &[(&str, &[&str])] = &[
        ("clap::", &["cli"]),
        ("dialoguer::", &["ui"]),
        ("comfy_table", &["ui"]),
        ("std::env::var", &["context"]),
        ("Consent::given", &["ui"]),
        ("io::stderr", &["ui", "cli"]),
        ("io::stdout", &["ui", "cli"]),
        ("print!(", &[]),
        ("println!(", &[]),
        ("dbg!(", &[]),
        ("NoTls", &["pg"]),
        ("rustls", &["pg"]),
        ("process::exit", &[]),
        ("ExitCode", &["main"]),
    ];
    let mut wrong = Vec::new();
    for (path, code) in files() {
        for (word, rooms) in owners {
            if code
                .lines()
                .any(|line| line.contains(word) && !line.trim_start().starts_with("//"))
                && !rooms.contains(&room(&path).as_str())
            {
                wrong.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Text that others wrote is cleaned on its way to a stream, and there is one way to each.
#[test]
fn one_file_writes_to_the_streams() {
    let mut wrong = Vec::new();
    for (path, code) in files() {
        let is_stream = path == Path::new("ui/stream.rs");
        for (number, line) in code.lines().enumerate() {
            let asks = line.contains("is_terminal()");
            // The library asks on the terminal itself; its question is made of what was cleaned.
            let is_question = path == Path::new("ui/prompt.rs")
                && (line.contains("Password::new()") || line.contains("show_cursor()"));
            let is_stray = [
                "io::stdout",
                "io::stderr",
                "/dev/tty",
                "/dev/stdout",
                "/dev/stderr",
            ]
            .iter()
            .any(|word| line.contains(word))
                && !(asks || is_stream);
            let is_foreign = ["Term::", "Password::", ".print()", "rustix::stdio"]
                .iter()
                .any(|word| line.contains(word))
                && !(is_question || is_stream);
            if (is_stray || is_foreign) && !line.trim_start().starts_with("//") {
                wrong.push(format!("{}:{}: {line}", path.display(), number + 1));
            }
        }
        // Escape sequences are made where emphasis is, and where a line is replaced.
        let makes = code.contains("\\u{1b}") || code.contains("\\x1b");
        if makes && !is_stream && path != Path::new("ui/printable.rs") {
            wrong.push(format!("{}: an escape sequence", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn commands_to_type_next_are_data() {
    // As text they would forget which database they are about: `error::command` does not.
    let wrong: Vec<String> = files()
        .into_iter()
        .flat_map(|(path, code)| {
            let lines = code.lines().enumerate().filter(|(_, line)| {
                line.contains("`toysoldiers ") && !line.trim_start().starts_with("//")
            });
            lines
                .map(|(number, _)| format!("{}:{}", path.display(), number + 1))
                .collect::<Vec<_>>()
        })
        // What is written into a file says no environment.
        .filter(|place| {
            let written = ["settings/draft.rs", "migrate/dump/text.rs"];
            !written.iter().any(|file| place.starts_with(file))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn squawk_is_known_to_one_module() {
    let wrapper = Path::new("migrate/lint/squawk");
    let strangers: Vec<_> = files()
        .into_iter()
        .filter(|(path, _)| !path.with_extension("").starts_with(wrapper))
        .filter(|(_, code)| code.contains("squawk_linter") || code.contains("squawk_syntax"))
        .map(|(path, _)| path)
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
}

#[test]
fn pure_files_do_nothing_but_think() {
    let files = files();
    let mut wrong = Vec::new();
    for pure in PURE {
        let (_, code) = files
            .iter()
            .find(|(path, _)| path == Path::new(pure))
            .unwrap_or_else(|| panic!("no {pure}"));
        for word in [
            "async ",
            ".await",
            "std::fs",
            "std::env",
            "std::process",
            "tokio",
            "::now()",
            "Instant",
        ] {
            if code.contains(word) {
                wrong.push(format!("{pure}: {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_small_enough_to_hold_in_the_head() {
    let large: BTreeSet<String> = files()
        .into_iter()
        .filter(|(_, code)| code.lines().count() > 600)
        .map(|(path, code)| format!("{}: {} lines", path.display(), code.lines().count()))
        .collect();
    assert!(large.is_empty(), "{large:?}");
}
