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
            &["dashboard", "creator", "saltlight@example.com"],
            &["TITLE", "VIEWS", "WATCH TIME"],
        ),
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
        (&["policy", "audit", "--list"], &["CHECK", "LEVEL", "FINDS"]),
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

/// What a person is shown at all widths, and that it fits: but for what is copied, which no line feed of ours cuts.
fn fitting(tool: &Tool, args: &[&str]) -> [String; 3] {
    [60, 80, 120].map(|columns| {
        let text = shown(tool, args, columns);
        let statements = ["  sql: ", "  fix: ", "  --> "];
        for line in text.lines() {
            let is_copied = statements.iter().any(|word| line.starts_with(word))
                || line.trim_start().starts_with('`');
            let width = console::measure_text_width(line);
            assert!(
                width <= columns.into() || is_copied,
                "{args:?} at {columns}: {width}\n{text}"
            );
        }
        text
    })
}

/// One policy too many, one privilege too many, an index too few and one too many.
fn differing() -> (Database, Tool) {
    let database = Database::seeded();
    let tool = Tool::new().env("TOYSOLDIERS_ENV", "shop");
    let url = database.url();
    tool.write("toysoldiers.toml", format!("[env.shop]\nurl = \"{url}\"\n"));
    tool.run(&["deploy"]).ok();
    database.sql(
        "create policy stray on comments for select to anon
             using (length(text) > 3 and exists (select from content c where c.id = content_id));
         grant truncate on comments to anon;
         drop index content_tags_idx;
         create index stray_idx on tips (status, amount, created_at) where amount < 0",
    );
    (database, tool)
}

#[test]
fn what_differs_fits() {
    let (_database, tool) = differing();
    let [narrow, usual, _] = fitting(&tool, &["policy", "status"]);
    assert_snapshot!(narrow, @"
    ACTION  OBJECT         ON        EFFECT    DETAIL
    revoke  truncate from  comments  tightens
            anon
    drop    policy stray   comments  tightens  no file declares
                                               it; goes only
                                               with --prune
                                               - permissive
                                                 for select to
                                                 anon
                                               - using
                                                 ((length(text)
                                                 > 3) AND
                                                 (EXISTS (
                                                 SELECT
                                               - FROM
                                                 public.content
                                                 c
                                               - WHERE (c.id
                                                 =
                                                 comments.
                                                 content_id))))
    2 differences from what is declared: 15 policies of 7
    relations (embedded in toysoldiers 0.1.0);
    `toysoldiers --env shop policy apply` mends 1 of them;
    `toysoldiers --env shop policy adopt` declares what no file
    does, and `toysoldiers --env shop policy apply --prune`
    takes it away
    ");
    assert_snapshot!(usual, @"
    ACTION  OBJECT              ON        EFFECT    DETAIL
    revoke  truncate from anon  comments  tightens
    drop    policy stray        comments  tightens  no file declares it; goes only
                                                    with --prune
                                                    - permissive for select to
                                                      anon
                                                    - using ((length(text) > 3)
                                                      AND (EXISTS ( SELECT
                                                    - FROM public.content c
                                                    - WHERE (c.id =
                                                      comments.content_id))))
    2 differences from what is declared: 15 policies of 7 relations (embedded in
    toysoldiers 0.1.0); `toysoldiers --env shop policy apply` mends 1 of them;
    `toysoldiers --env shop policy adopt` declares what no file does, and
    `toysoldiers --env shop policy apply --prune` takes it away
    ");
}

#[test]
fn indexes_that_differ_fit() {
    let (_database, tool) = differing();
    let [narrow, usual, _] = fitting(&tool, &["index", "status"]);
    assert_snapshot!(narrow, @"
    ACTION  INDEX             DETAIL
    create  content_tags_idx  + using gin (tags)
                              + with (fastupdate=off)
    drop    stray_idx         no file declares it; goes only
                              with --prune
                              - using btree (status, amount,
                                created_at)
                              - where (amount < (0)::numeric)
    2 differences from what is declared: 13 indexes on 6 tables
    (embedded in toysoldiers 0.1.0);
    `toysoldiers --env shop index apply` mends 1 of them;
    `toysoldiers --env shop index adopt` declares what no file
    does, and `toysoldiers --env shop index apply --prune` takes
    it away
    left out: SIZE, TABLE (--wide, -o csv)
    ");
    assert_snapshot!(usual, @"
    ACTION  INDEX             TABLE      SIZE  DETAIL
    create  content_tags_idx  content       -  + using gin (tags)
                                               + with (fastupdate=off)
    drop    stray_idx         tips     8.2 kB  no file declares it; goes only with
                                               --prune
                                               - using btree (status, amount,
                                                 created_at)
                                               - where (amount < (0)::numeric)
    2 differences from what is declared: 13 indexes on 6 tables (embedded in
    toysoldiers 0.1.0); `toysoldiers --env shop index apply` mends 1 of them;
    `toysoldiers --env shop index adopt` declares what no file does, and
    `toysoldiers --env shop index apply --prune` takes it away
    ");
    let [narrow, usual, _] = fitting(&tool, &["deploy", "--dry-run"]);
    assert_snapshot!(narrow, @"
    plan: deploy 1 change of policies and rights and 1 change of
      indexes
      revoke truncate from anon on comments
      prove (embedded) matrix.toml (624 cells; one that is wrong
          undoes it all)
      create content_tags_idx on content
          + using gin (tags)
          + with (fastupdate=off)
    dry run: nothing was changed
    ");
    assert_snapshot!(usual, @"
    plan: deploy 1 change of policies and rights and 1 change of indexes
      revoke truncate from anon on comments
      prove (embedded) matrix.toml  (624 cells; one that is wrong undoes it all)
      create content_tags_idx on content
          + using gin (tags)
          + with (fastupdate=off)
    dry run: nothing was changed
    ");
    fitting(&tool, &["deploy"]);
    fitting(&tool, &["status"]);
}

#[test]
fn what_is_found_fits() {
    let (_database, tool) = differing();
    let audit = [
        "policy",
        "audit",
        "--check",
        "truncate-granted",
        "--check",
        "multiple-permissive-policies",
    ];
    let [narrow, usual, _] = fitting(&tool, &audit);
    assert_snapshot!(narrow, @"
    error: anon may empty it [truncate-granted]
      --> public.comments
      why: TRUNCATE empties a table whatever its policies say:
        row-level security does not bind it. Supabase's default
        privileges grant it to everybody.
      remedy: revoke truncate
      fix: revoke truncate on public.comments from anon

    note: anon: comments_read, stray are asked for select
      [multiple-permissive-policies]
      --> public.comments
      why: Several policies let the same role in for the same
        command. A row needs only one of them, so the widest
        counts, and all of them are asked.
      remedy: write one policy with `or`, so that the whole rule
        can be read in one place
    2 checks: 1 error, 1 note
    ");
    assert_snapshot!(usual, @"
    error: anon may empty it [truncate-granted]
      --> public.comments
      why: TRUNCATE empties a table whatever its policies say: row-level security
        does not bind it. Supabase's default privileges grant it to everybody.
      remedy: revoke truncate
      fix: revoke truncate on public.comments from anon

    note: anon: comments_read, stray are asked for select
      [multiple-permissive-policies]
      --> public.comments
      why: Several policies let the same role in for the same command. A row needs
        only one of them, so the widest counts, and all of them are asked.
      remedy: write one policy with `or`, so that the whole rule can be read in one
        place
    2 checks: 1 error, 1 note
    ");
    fitting(&tool, &["policy", "audit"]);
    for text in fitting(&tool, &["index", "advise"]) {
        assert!(
            text.contains("\n  why: ") && text.contains("\n  sql: "),
            "{text}"
        );
    }
}

#[test]
fn a_plan_of_everything_fits() {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    for text in fitting(&tool, &["deploy", "--dry-run"]) {
        assert!(
            text.contains("\n  apply (embedded) 001_roles.sql\n"),
            "{text}"
        );
    }
    let [.., wide] = fitting(&tool, &["deploy"]);
    assert!(wide.starts_with("nothing to do"), "{wide}");
}

#[test]
fn a_matrix_fits_in_short_forms() {
    let (_database, tool) = differing();
    let [narrow, usual, wide] = fitting(&tool, &["policy", "test", "--matrix"]);
    let comments = |text: &str| {
        let (_, text) = text.split_once("\ncomments\n").unwrap();
        text.split_once("\n\n").unwrap().0.to_owned()
    };
    assert_snapshot!(comments(&narrow), @"
    COMMAND  ROW                ANO  FAN OFA CRE OCR ADM NOB SER
    select   under_public: use… yes  yes yes yes yes yes yes yes
    select   under_unlisted     -    yes -   yes -   -   -   yes
    select   under_private      -    yes -   yes -   -   -   yes
    insert   as oneself, under… .    yes yes yes yes yes no  err
    insert   as oneself, under… .    yes yes yes yes yes no  err
    insert   as oneself, under… .    no  no  yes no  no  no  err
    insert   as the fan         .    yes no  no  no  no  no  yes
    insert   earlier than now   .    .   .   .   .   .   .   yes
    update   change the text    .    yes -   -   -   -   -   yes
    update   change the text o… .    yes -   -   -   -   -   yes
    update   put into a mouth   .    .   .   .   .   .   .   yes
    update   move elsewhere     .    .   .   .   .   .   .   yes
    delete   under_public       .    yes -   -   -   -   -   yes
    delete   under_unlisted     .    yes -   -   -   -   -   yes
    truncate                    yes! .   .   .   .   .   .   .
    ");
    assert_snapshot!(comments(&usual), @"
    COMMAND   ROW                            ANO   FAN  OFA  CRE  OCR  ADM  NOB  SER
    select    under_public: user_id, text    yes   yes  yes  yes  yes  yes  yes  yes
    select    under_unlisted                 -     yes  -    yes  -    -    -    yes
    select    under_private                  -     yes  -    yes  -    -    -    yes
    insert    as oneself, under public con…  .     yes  yes  yes  yes  yes  no   err
    insert    as oneself, under unlisted c…  .     yes  yes  yes  yes  yes  no   err
    insert    as oneself, under private co…  .     no   no   yes  no   no   no   err
    insert    as the fan                     .     yes  no   no   no   no   no   yes
    insert    earlier than now               .     .    .    .    .    .    .    yes
    update    change the text                .     yes  -    -    -    -    -    yes
    update    change the text of what is p…  .     yes  -    -    -    -    -    yes
    update    put into a mouth               .     .    .    .    .    .    .    yes
    update    move elsewhere                 .     .    .    .    .    .    .    yes
    delete    under_public                   .     yes  -    -    -    -    -    yes
    delete    under_unlisted                 .     yes  -    -    -    -    -    yes
    truncate                                 yes!  .    .    .    .    .    .    .
    ");
    let end = |text: &str| text[text.find("WRONG").unwrap()..].to_owned();
    assert_snapshot!(end(&narrow), @"
    WRONG               ACTOR  FOUND    EXPECTED
    comments, truncate  anon   allowed  no grant

    cells   yes allowed, - hidden by a policy, no denied by a
            policy, . no grant, err another error, ! not as it
            should be
    actors  ANO anon, FAN fan, OFA other_fan, CRE creator, OCR
            other_creator, ADM admin, NOB nobody, SER service
    1 of 624 cells wrong
    ");
    assert_snapshot!(end(&usual), @"
    WRONG               ACTOR  FOUND    EXPECTED
    comments, truncate  anon   allowed  no grant

    cells   yes allowed, - hidden by a policy, no denied by a policy, . no grant,
            err another error, ! not as it should be
    actors  ANO anon, FAN fan, OFA other_fan, CRE creator, OCR other_creator, ADM
            admin, NOB nobody, SER service
    1 of 624 cells wrong
    ");
    assert_eq!(
        comments(&wide).lines().count(),
        comments(&usual).lines().count()
    );
    let [narrow, ..] = fitting(&tool, &["policy", "test"]);
    assert_snapshot!(narrow, @"
    WRONG               ACTOR  FOUND    EXPECTED
    comments, truncate  anon   allowed  no grant
    1 of 624 cells wrong
    ");
}

#[test]
fn a_matrix_that_is_right_is_counted() {
    let (database, tool) = differing();
    database.sql("revoke truncate on comments from anon; drop policy stray on comments");
    let [narrow, usual, _] = fitting(&tool, &["policy", "test"]);
    assert_snapshot!(narrow, @"
    TABLE                   CELLS  ALLOWED  HIDDEN  DENIED
    users                      80       13      20       0
    creators                   80       17       5       0
    content                    80       23      37       6
    comments                  120       38      30      12
    tips                       80       17       4      18
    analytics_views            40        5       5       0
    dashboard_creator          16        4      10       0
    app.current_user_id         8        5       3       0
    app.current_creator_id      8        2       6       0
    app.my_payout_account       8        1       5       0
    app.get_content            24       15       6       0
    app.get_comments           24       15       6       0
    app.may_comment            32       13      11       0
    app.search_content         24        7      14       0
    624 cells as they should be
    left out: ERROR, NO GRANT (--wide, -o csv)
    ");
    assert_snapshot!(usual, @"
    TABLE                   CELLS  ALLOWED  HIDDEN  DENIED  NO GRANT  ERROR
    users                      80       13      20       0        47      0
    creators                   80       17       5       0        58      0
    content                    80       23      37       6        14      0
    comments                  120       38      30      12        37      3
    tips                       80       17       4      18        41      0
    analytics_views            40        5       5       0        30      0
    dashboard_creator          16        4      10       0         2      0
    app.current_user_id         8        5       3       0         0      0
    app.current_creator_id      8        2       6       0         0      0
    app.my_payout_account       8        1       5       0         2      0
    app.get_content            24       15       6       0         3      0
    app.get_comments           24       15       6       0         3      0
    app.may_comment            32       13      11       0         8      0
    app.search_content         24        7      14       0         3      0
    624 cells as they should be
    ");
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
