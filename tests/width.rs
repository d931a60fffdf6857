//! Tables on terminals of 60, 80 and 120 columns, with letters of every width.

use insta::assert_snapshot;

use crate::support::{Database, Tool};

/// Two columns a letter, none, and pictures that are several characters.
const NAMES: [&str; 4] = [
    "日本語の長い名前の人@example.com",
    "e\u{301}e\u{301}e\u{301}lodie.une.adresse.longue@example.com",
    "👩🏽\u{200d}🚀🏴\u{e0067}\u{e0062}\u{e007f}@example.com",
    "مريم.بنت.سعيد@example.com",
];

fn add_names(database: &Database) {
    for (number, name) in NAMES.iter().enumerate() {
        database.sql(&format!(
            "with person as (
                insert into public.users (email, password_hash, role, created_at)
                values ('{name}', 'x', 'creator', now() - interval '40 days 1 hour') returning id
             ), creator as (
                insert into public.creators (user_id, payout_account, verified)
                select id, 'acct_{number}', true from person returning id
             ), item as (
                insert into public.content (creator_id, title, visibility)
                select id, '{name} {name}', 'public' from creator returning id
             )
             insert into public.analytics_views (content_id, date, view_count, duration)
             select id, current_date, {}, 60 from item",
            9_000_000 + number
        ));
    }
}

/// What a terminal of this width shows.
fn shown(tool: &Tool, args: &[&str], columns: u16) -> String {
    // The library reads bytes as letters.
    let bytes = tool.terminal_of(args, columns).exp_eof().unwrap();
    let bytes = bytes.chars().map(|letter| u8::try_from(letter).unwrap());
    let text = String::from_utf8(bytes.collect()).unwrap();
    let text = console::strip_ansi_codes(&text).replace('\r', "");
    // The target is named in a line that is as long as it is.
    let lines = text.lines().filter(|line| !line.starts_with("-> "));
    lines.fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn every_list_fits_and_keeps_its_rows() {
    let database = Database::seeded();
    add_names(&database);
    let tool = Tool::new().on(&database);
    tool.run(&["policy", "apply"]).ok();
    tool.run(&["index", "apply"]).ok();
    // One row is shown as a record.
    for _ in 0..2 {
        tool.run(&["deploy"]).ok();
        tool.run(&["backup", "create", "--to", "b"]).ok();
    }
    for (args, kept) in [
        (&["user", "list"][..], &["EMAIL", "ROLE"][..]),
        (
            &["creator", "list"],
            &["EMAIL", "VERIFIED", "VIEWS", "TIPS"],
        ),
        (&["dashboard"], &["EMAIL", "VIEWS", "TIPS"]),
        (&["dashboard", "creators"], &["EMAIL", "VIEWS", "TIPS"]),
        (&["dashboard", "content"], &["TITLE", "VIEWS"]),
        (
            &["backup", "list", "--from", "b"],
            &["NAME", "TAKEN AT", "BYTES", "STATE"],
        ),
        (&["migrate", "status"], &["VERSION", "NAME", "STATE"]),
        (
            &["migrate", "history"],
            &["VERSION", "NAME", "OUTCOME", "STARTED AT"],
        ),
        (&["policy", "list"], &["TABLE", "NAME", "COMMAND"]),
        (&["index", "list"], &["TABLE", "NAME", "SIZE", "STATE"]),
        (&["env", "list"], &["NAME", "TARGET", "PROTECTED"]),
        (&["env", "show"], &["KEY", "VALUE"]),
        (&["env", "check"], &["CHECK", "STATE", "FOUND"]),
        (&["status"], &["PART", "STATE", "FOUND"]),
        (&["deploy", "--history"], &["ID", "OUTCOME", "STARTED AT"]),
    ] {
        let records = tool.run(&[args, &["-o", "ndjson"]].concat());
        let rows = records.stdout.lines().count();
        for columns in [60, 80, 120] {
            // Nothing but the table.
            let text = shown(&tool, &[&["-q"][..], args].concat(), columns);
            let heading = text
                .lines()
                .find(|line| kept.iter().all(|heading| line.contains(heading)));
            assert!(heading.is_some(), "{args:?} at {columns}\n{text}");
            for line in text.lines() {
                let width = console::measure_text_width(line);
                assert!(
                    width <= columns.into(),
                    "{args:?} at {columns}: {width}\n{text}"
                );
            }
            // No row is lost.
            assert!(
                text.lines().count() >= rows,
                "{args:?} at {columns}\n{text}"
            );
        }
    }
}

#[test]
fn what_is_left_out_is_said_and_can_be_had() {
    let database = Database::migrated();
    add_names(&database);
    let tool = Tool::new().on(&database);
    let list = ["creator", "list", "--sort", "-total_views"];
    assert_snapshot!(shown(&tool, &list, 60), @"
    EMAIL                             VERIFIED      VIEWS   TIPS
    مريم.بنت.سعيد@example.com         yes       9,000,003  $0.00
    👩🏽\u{200d}🚀🏴\u{e0067}\u{e0062}\u{e007f}@example.com                  yes       9,000,002  $0.00
    e\u{301}e\u{301}e\u{301}lodie.une.adresse.longue@exa…  yes       9,000,001  $0.00
    日本語の長い名前の人@example.com  yes       9,000,000  $0.00
    4 creators
    left out: WATCH TIME, COMMENTS, CONTENT, CREATED AT,
    PAYOUT ACCOUNT (--wide, -o csv)
    ");
    assert_snapshot!(shown(&tool, &list, 80), @"
    EMAIL                                    VERIFIED      VIEWS   TIPS
    مريم.بنت.سعيد@example.com                yes       9,000,003  $0.00
    👩🏽\u{200d}🚀🏴\u{e0067}\u{e0062}\u{e007f}@example.com                         yes       9,000,002  $0.00
    e\u{301}e\u{301}e\u{301}lodie.une.adresse.longue@example.com  yes       9,000,001  $0.00
    日本語の長い名前の人@example.com         yes       9,000,000  $0.00
    4 creators
    left out: WATCH TIME, COMMENTS, CONTENT, CREATED AT, PAYOUT ACCOUNT
    (--wide, -o csv)
    ");
    let wide = shown(&tool, &[&list[..], &["--wide"]].concat(), 80);
    assert!(
        wide.contains("COMMENTS") && !wide.contains("left out"),
        "{wide}"
    );
    // In a pipe there is no width, and nothing to leave out.
    let piped = tool.run(&list).ok();
    assert!(
        piped.stdout.contains("COMMENTS") && !piped.stderr.contains("left out"),
        "{piped}"
    );
}

#[test]
fn a_guarded_target_is_red_on_a_terminal() {
    let database = Database::migrated();
    let tool = Tool::new().hiding(&database);
    tool.write(
        "toysoldiers.toml",
        format!(
            "[env.shop]\nurl = \"{}\"\nprotected = true\n",
            database.url()
        ),
    );
    let args = ["--env", "shop", "user", "list"];
    let mut terminal = tool.terminal(&args);
    let text = terminal.exp_eof().unwrap();
    assert!(text.contains("\u{1b}[1;31mPROTECTED\u{1b}[0m"), "{text}");
    assert!(
        tool.run(&args)
            .ok()
            .stderr
            .contains("as postgres  PROTECTED\n")
    );
}
