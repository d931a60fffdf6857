//! Text of others, from every source there is, on a terminal and in a pipe: shown, never obeyed.

use std::fmt::Write;
use std::sync::LazyLock;

use regex::Regex;

use crate::support::{Database, Tool};

/// Clears the screen, sets a title, begins a line, turns text around, hides, and does it all again in one byte.
const EVIL: &str = "x\u{1b}[2J\u{1b}]0;t\u{7}\nFORGED \u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{9b}31m\u{85}\rFORGED";

/// The same as an address carries it.
fn in_address() -> String {
    let mut text = String::new();
    for byte in EVIL.bytes() {
        write!(text, "%{byte:02X}").unwrap();
    }
    text
}

/// As a literal of SQL, or as a name.
fn quoted(quote: char) -> String {
    format!("{quote}{EVIL}{quote}")
}

/// What a terminal would obey, hide or turn around, and lines that somebody else began.
fn obeyed(text: &str) -> Vec<String> {
    static OURS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("\u{1b}\\[[0-9;]*m|\r\u{1b}\\[2K|\u{1b}\\[\\?25h").unwrap());
    let text = OURS.replace_all(text, "");
    let mut found = Vec::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let strange = |letter: &char| {
            letter.is_control() && *letter != '\t'
                || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
        };
        if line.starts_with("FORGED") || line.chars().any(|letter| strange(&letter)) {
            found.push(line.escape_debug().to_string());
        }
    }
    found
}

#[track_caller]
fn assert_tame(text: &str) {
    assert!(text.contains("FORGED"), "not a word of it:\n{text}");
    let obeyed = obeyed(text);
    assert!(obeyed.is_empty(), "{obeyed:#?}\n{text}");
}

/// What a terminal gets.
#[track_caller]
fn on_terminal(tool: &Tool, args: &[&str]) -> String {
    read(&mut tool.terminal(args))
}

fn read(terminal: &mut rexpect::session::PtySession) -> String {
    decoded(&terminal.exp_eof().unwrap())
}

/// The library reads bytes as letters.
fn decoded(letters: &str) -> String {
    let bytes = letters.chars().map(|letter| u8::try_from(letter).unwrap());
    String::from_utf8(bytes.collect()).unwrap()
}

/// In both, in colour and without.
#[track_caller]
fn assert_tame_everywhere(tool: &Tool, args: &[&str]) {
    let outcome = tool.run(args);
    assert_tame(&format!("{}{}", outcome.stdout, outcome.stderr));
    assert_tame(&on_terminal(tool, args));
    let dressed = [args, &["--color", "always"]].concat();
    let outcome = tool.run(&dressed);
    assert_tame(&format!("{}{}", outcome.stdout, outcome.stderr));
}

/// A user of this address.
fn user(database: &Database, email: &str) {
    database.sql(&format!(
        "insert into public.users (email, password_hash, role) values ('{email}', 'x', 'fan')"
    ));
}

#[test]
fn a_user_is_a_row_whatever_the_address() {
    let database = Database::migrated();
    user(&database, EVIL);
    user(&database, "b@example.com");
    let tool = Tool::new().on(&database);
    for args in [&["user", "list"][..], &["user", "list", "-o", "csv"]] {
        let table = on_terminal(&tool, args);
        assert_tame(&table);
        let rows = table
            .lines()
            .filter(|line| line.contains("FORGED") || line.contains("b@example.com"));
        assert_eq!(rows.count(), 2, "{table}");
    }
    assert_tame_everywhere(&tool, &["user", "list"]);
    let rows = tool.run(&["user", "list"]).ok().stdout;
    assert_eq!(rows.lines().count(), 3, "{rows}");

    // Programs get what there is: in JSON spelled out, and of the same value; in CSV byte for byte.
    for args in [
        &["user", "list", "-o", "json"],
        &["user", "list", "-o", "ndjson"],
    ] {
        assert_tame_everywhere(&tool, args);
    }
    let json = tool.run(&["user", "list", "-o", "json"]).ok().json();
    assert!(
        json["rows"]
            .as_array()
            .or(json.as_array())
            .unwrap()
            .iter()
            .any(|row| row["email"] == EVIL),
        "{json}"
    );
    let csv = tool.run(&["user", "list", "-o", "csv"]).ok().stdout;
    assert!(csv.contains(EVIL), "{csv:?}");
}

#[test]
fn a_spreadsheet_computes_nothing() {
    let database = Database::migrated();
    let begins = [
        "=",
        "+",
        "-",
        "@",
        "\t",
        "\r",
        "\n",
        "＝",
        ";=",
        "x\t=",
        "x, \"=",
        "x\n-",
        "\u{200b}=",
    ];
    for (number, begin) in begins.iter().enumerate() {
        user(&database, &format!("{begin}cmd{number}@example.com"));
    }
    user(&database, "a@example.com");
    let tool = Tool::new().on(&database);
    let list = ["user", "list", "-o", "csv"];
    let raw = tool.run(&list).ok().stdout;
    assert!(
        raw.contains(",=cmd0@") && raw.contains(",\"\rcmd5@"),
        "{raw:?}"
    );
    let guarded = tool
        .run(&[&list[..], &["--spreadsheet"]].concat())
        .ok()
        .stdout;
    for cell in [
        "'=cmd0@",
        "'+cmd1@",
        "'-cmd2@",
        "'@cmd3@",
        "'\tcmd4@",
        "\"'\rcmd5@",
        "\"'\ncmd6@",
        "'＝cmd7@",
        // Some take other marks for the end of a cell, whatever is in quotes.
        ";'=cmd8@",
        "x\t'=cmd9@",
        "x,' \"\"=cmd10@",
        "x\n'-cmd11@",
        "'\u{200b}=cmd12@",
        ",a@",
    ] {
        assert!(guarded.contains(cell), "{cell:?} in {guarded:?}");
    }
    // Numbers are numbers.
    let tips = tool
        .run(&["dashboard", "creators", "-o", "csv", "--spreadsheet"])
        .ok();
    assert!(!tips.stdout.contains('\''), "{tips}");
    let refused = tool.run(&["user", "list", "--spreadsheet"]).code(2);
    assert!(
        refused
            .stderr
            .contains("`--spreadsheet` goes with `-o csv`"),
        "{refused}"
    );
    tool.run(&["user", "list", "--spreadsheet", "-o", "json"])
        .code(2);
}

#[test]
fn a_migration_says_a_lot_and_does_nothing() {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    let text = quoted('\'');
    let raise = |level: &str| {
        format!(
            "do $$ begin raise {level} using message = {text}, hint = {text}, detail = {text}; end $$;"
        )
    };
    tool.write("m/001_notice.sql", raise("notice"));
    tool.write("m/002_warning.sql", raise("warning"));
    tool.write(
        "m/003_error.sql",
        format!("-- {EVIL}\n{}", raise("exception")),
    );
    let up = ["migrate", "up", "--migrations", "m", "-vv"];
    let told = on_terminal(&tool, &up);
    assert_tame(&told);
    for sign in ["notice: ", "warning:", "caused by: ", "003_error.sql"] {
        assert!(told.contains(sign), "{sign} in {told}");
    }
    assert_tame_everywhere(&tool, &up);
    assert_tame_everywhere(&tool, &["migrate", "up", "--migrations", "m", "-o", "json"]);
    // The line with the caret under it, which stands where it should.
    tool.write(
        "m/003_error.sql",
        "select '\u{9b}\u{202e}FORGED' nothing nothing;",
    );
    let wrong = tool.run(&up).code(1).stderr;
    assert_tame(&wrong);
    let lines: Vec<&str> = wrong.lines().collect();
    let caret = lines.iter().position(|line| line.ends_with('^')).unwrap();
    let word = lines[caret - 1].rfind("nothing").unwrap();
    assert_eq!(lines[caret].find('^'), Some(word), "{wrong}");
    // Findings of files.
    tool.write(
        "m/004_drop.sql",
        "drop table if exists \"FORGED\u{9b}\u{202e}\u{1b}[2J\";",
    );
    assert_tame_everywhere(&tool, &["migrate", "check", "--migrations", "m"]);
    // This form quotes the line.
    assert_tame_everywhere(
        &tool,
        &["migrate", "check", "--migrations", "m", "-o", "sarif"],
    );
    // Files by any name.
    tool.write(&format!("n/001_{}.sql", EVIL.replace('/', "")), "select 1;");
    assert_tame_everywhere(&tool, &["migrate", "status", "--migrations", "n"]);
    assert_tame_everywhere(&tool, &["migrate", "status", "--migrations", EVIL]);
}

#[test]
fn whoever_is_in_the_way_is_named_and_says_nothing_else() {
    let database = Database::empty();
    database.sql("create table tips (id int)");
    let role = format!("{EVIL}{}", database.name);
    let name = format!("\"{role}\"");
    database.sql(&format!("create role {name} superuser"));
    let holder = database.session(&format!(
        "set session authorization {name}; begin; lock table public.tips; select 1 as {}",
        quoted('"')
    ));
    let tool = Tool::new().on(&database);
    tool.write(
        "database/migrations/001_tips.sql",
        "alter table public.tips add note text;",
    );
    let up = [
        "migrate",
        "up",
        "--lock-timeout",
        "300ms",
        "--retry-for",
        "0",
    ];
    let waits = tool.run(&up);
    assert!(waits.stderr.contains("pid "), "{waits}");
    assert_tame(&waits.stderr);
    assert_tame(&on_terminal(&tool, &up));
    drop(holder);
    database.sql(&format!("drop role {name}"));
}

#[test]
fn the_target_is_named_in_a_line() {
    let database = Database::migrated();
    let name = format!("{}{EVIL}", database.name);
    database.server.database("postgres").sql(&format!(
        "create database \"{name}\" template {}",
        database.name
    ));
    let socket = Database::socket().display();
    let named = format!("{}{}", database.name, in_address());
    let tool = Tool::new().at(&format!("postgresql://postgres@/{named}?host={socket}"));
    assert_tame_everywhere(&tool, &["user", "list"]);
    assert_tame_everywhere(&tool, &["env", "show"]);
    let stranger = Tool::new().at(&format!(
        "postgresql://{}@/{}?host={socket}",
        in_address(),
        database.name
    ));
    assert_tame_everywhere(&stranger, &["user", "list"]);
    let nowhere = Tool::new().at(&format!("postgresql://postgres@/x?host=/{}", in_address()));
    assert_tame_everywhere(&nowhere, &["user", "list"]);
    database
        .server
        .database("postgres")
        .sql(&format!("drop database \"{name}\""));
    // The stamp.
    database.sql(&format!(
        "update toysoldiers.installation set environment = {}",
        quoted('\'')
    ));
    assert_tame_everywhere(&Tool::new().on(&database), &["user", "list"]);
}

#[test]
fn objects_have_any_name_and_keep_to_their_lines() {
    let database = Database::secured();
    let name = quoted('"');
    database.sql(&format!(
        "create table public.{name} ({name} bigint primary key, at text default {text});
         alter table public.{name} enable row level security;
         create policy {name} on public.{name} using ({name} > 0 and at <> {text});
         create index on public.{name} (({name} + 1));
         comment on policy {name} on public.{name} is {text};
         create view public.\"v{EVIL}\" as select {name} from public.{name} where exists (select 1)",
        text = quoted('\'')
    ));
    let tool = Tool::new().on(&database);
    for args in [
        &["policy", "list"][..],
        &["policy", "status"],
        &["policy", "apply", "--prune", "--dry-run"],
        &["policy", "apply", "--prune", "--dry-run", "-o", "json"],
        &["policy", "audit"],
        &["policy", "audit", "-o", "sarif"],
        &["index", "list"],
        &["index", "status"],
        &["index", "advise"],
        &["migrate", "verify", "--scratch-url", &database.url()],
        &["migrate", "dump"],
    ] {
        let outcome = tool.run(args);
        let text = format!("{}{}", outcome.stdout, outcome.stderr);
        // SQL in a pipe is for programs.
        if !args.contains(&"dump") {
            assert_tame(&text);
        }
        if args.contains(&"dump") {
            let text = on_terminal(&tool, args);
            let obeyed: Vec<String> = obeyed(&text)
                .into_iter()
                .filter(|line| !line.starts_with("FORGED"))
                .collect();
            assert!(obeyed.is_empty(), "{obeyed:#?}");
        } else {
            assert_tame(&on_terminal(&tool, args));
        }
    }
    // A question about it.
    let mut terminal = tool.terminal(&["policy", "apply", "--prune"]);
    let before = terminal.exp_string("type ").unwrap();
    terminal.send_line("no").unwrap();
    assert_tame(&(decoded(&before) + &read(&mut terminal)));
}

#[test]
fn what_pg_dump_complains_about_is_passed_on_tame() {
    let database = Database::migrated();
    let role = format!("poor_{}", database.name);
    database.sql(&format!(
        "create table public.{name} (id int); create role {role} login;
         grant usage on schema public, toysoldiers to {role};
         grant select on all tables in schema public, toysoldiers to {role};
         revoke all on public.{name} from {role}",
        name = quoted('"'),
    ));
    let tool = Tool::new().on_as(&database, &role);
    assert_tame_everywhere(&tool, &["backup", "create", "--to", "b"]);
    database.sql(&format!("drop owned by {role}; drop role {role}"));
}

#[test]
fn words_of_the_command_line_are_repeated_in_a_line() {
    let tool = Tool::new();
    for args in [
        &[EVIL][..],
        &["user", EVIL],
        &["user", "list", EVIL],
        &["user", "list", &format!("--{EVIL}")],
        &["user", "list", "--limit", EVIL],
        &["user", "list", "--lock-timeout", EVIL],
        &["user", "list", "-o", EVIL],
        &["--env", EVIL, "user", "list"],
        &["--config", EVIL, "user", "list"],
    ] {
        assert_tame_everywhere(&tool, args);
        assert_tame_everywhere(&tool, &[args, &["-o", "json"]].concat());
    }
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    assert_tame_everywhere(&tool, &["backup", "restore", EVIL, "--into", "x"]);
}

#[test]
fn a_log_is_shown_line_by_line() {
    let tool = Tool::new();
    let folder = tool.path().join("local");
    let tool = tool.env("TOYSOLDIERS_LOCAL_DIR", folder.to_str().unwrap());
    let log = format!("LOG: {}\n\tcontinued\n", EVIL.replace("\nFORGED", "FORGED"));
    tool.write("local/server.log", log);
    assert_tame_everywhere(&tool, &["local", "logs"]);
    assert!(tool.run(&["local", "logs"]).stdout.contains("\tcontinued"));
}

#[test]
fn progress_is_one_line() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    let name = quoted('"');
    database.sql("create table slow (id int)");
    tool.write(
        "database/indexes/slow.sql",
        format!("create index {name} on slow (id);"),
    );
    let holder = database.session("begin; lock table slow");
    let mut terminal = tool.terminal(&["index", "apply"]);
    // It is drawn after a second.
    let (before, line) = terminal.exp_regex(r"\.\.\. \d+ s").unwrap();
    drop(holder);
    let after = terminal.exp_eof().unwrap();
    assert_tame(&decoded(&[before, line, after].concat()));
}
