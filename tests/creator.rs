//! `creator list`, `create`, `show`, `verify` and `unverify`.

use insta::assert_snapshot;

use crate::support::{Database, Tool};

fn audit(database: &Database) -> String {
    database
        .sql("select action, details from toysoldiers.audit_log order by id")
        .join("\n")
}

fn people(database: &Database) -> String {
    database
        .sql("select u.email, u.role, c.payout_account, c.verified from users u left join creators c on c.user_id = u.id order by u.email")
        .join("\n")
}

#[test]
fn makes_a_creator_and_the_user_too() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database).input("a password");
    assert_snapshot!(tool.run(&["creator", "create", "nina@example.com", "--payout", "acct_1MqZ", "--password-stdin"]), @"
    -- stdout
    id  UUID
    user id  UUID
    email  nina@example.com
    payout account  acct_1MqZ
    verified  no
    new user  yes
    -- stderr
    -> (url)  SOCKET/DB as postgres
    -- exit 0
    ");
    assert_eq!(people(&database), "nina@example.com|creator|acct_1MqZ|f");
    let audit = audit(&database).replace(&database.value("select id from users"), "USER");
    assert_snapshot!(audit, @r#"
    user create|{"role": "creator"}
    creator create|{"payout": true, "user_id": "USER"}
    "#);
}

#[test]
fn makes_a_creator_of_a_fan_and_leaves_an_admin_one() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.run(&["user", "create", "fan@example.com", "--generate"])
        .ok();
    tool.run(&[
        "user",
        "create",
        "admin@example.com",
        "--generate",
        "--role",
        "admin",
    ])
    .ok();
    let outcome = tool
        .run(&["creator", "create", "FAN@example.com", "-o", "json"])
        .ok();
    assert_eq!(
        (
            outcome.json()["new_user"].as_bool(),
            outcome.json()["email"].as_str()
        ),
        (Some(false), Some("fan@example.com"))
    );
    let outcome = tool
        .run(&["creator", "create", "admin@example.com", "--generate"])
        .ok();
    assert!(
        outcome
            .stderr
            .contains("warning: admin@example.com has a password already; it was left alone"),
        "{outcome}"
    );
    assert_eq!(
        people(&database),
        "admin@example.com|admin||f\nfan@example.com|creator||f"
    );
    assert_eq!(
        database.value("select string_agg(action, ', ' order by id) from toysoldiers.audit_log"),
        "user create, user create, user set-role, creator create, creator create"
    );
}

#[test]
fn all_of_it_happens_or_nothing() {
    let database = Database::migrated();
    database.sql("alter table toysoldiers.audit_log add constraint full_up check (action <> 'creator create')");
    let tool = Tool::new().on(&database);
    tool.run(&["creator", "create", "nina@example.com", "--generate"])
        .code(1);
    assert_eq!(people(&database), "");
    assert_eq!(audit(&database), "");
}

#[test]
fn a_creator_is_made_once() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.run(&["creator", "create", "nina@example.com", "--generate"])
        .ok();
    assert_snapshot!(tool.run(&["creator", "create", "Nina@example.com", "--generate"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: nina@example.com is a creator already
      note: nothing was changed
      hint: see the profile with `toysoldiers creator show nina@example.com`
    -- exit 1
    ");
}

#[test]
fn verifies_a_creator_who_can_be_paid_and_twice_is_no_error() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.run(&[
        "creator",
        "create",
        "nina@example.com",
        "--payout",
        "acct_1",
        "--generate",
    ])
    .ok();
    assert_snapshot!(tool.run(&["creator", "verify", "nina@example.com"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: cannot verify the creator nina@example.com without a yes: there is no terminal to ask on
      hint: agree with `--yes`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["creator", "verify", "nina@example.com", "--dry-run"]), @"
    -- stdout
    plan: verify the creator nina@example.com
      verify creator nina@example.com  (acct_1)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_eq!(people(&database), "nina@example.com|creator|acct_1|f");
    assert_snapshot!(tool.run(&["creator", "verify", "nina@example.com", "--yes"]), @"
    -- stdout
    id  UUID
    email  nina@example.com
    verified  yes
    changed  yes
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nina@example.com is verified
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["creator", "verify", "nina@example.com"]), @"
    -- stdout
    id  UUID
    email  nina@example.com
    verified  yes
    changed  no
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nina@example.com was verified before; nothing was changed
    -- exit 0
    ");
    assert_eq!(people(&database), "nina@example.com|creator|acct_1|t");
    assert_eq!(
        database
            .value("select count(*) from toysoldiers.audit_log where action = 'creator verify'"),
        "1"
    );
}

#[test]
fn a_creator_who_cannot_be_paid_is_verified_only_on_purpose() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.run(&["creator", "create", "nina@example.com", "--generate"])
        .ok();
    assert_snapshot!(tool.run(&["creator", "verify", "nina@example.com", "--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: nina@example.com has no payout account
      note: fans would tip a creator who cannot be paid; nothing was changed
      hint: have the creator connect one first, or verify all the same with `--without-payout`
    -- exit 6
    ");
    assert_eq!(people(&database), "nina@example.com|creator||f");
    tool.run(&[
        "creator",
        "verify",
        "nina@example.com",
        "--yes",
        "--without-payout",
    ])
    .ok();
    assert_eq!(people(&database), "nina@example.com|creator||t");
}

#[test]
fn on_a_terminal_a_no_declines() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.run(&[
        "creator",
        "create",
        "nina@example.com",
        "--payout",
        "acct_1",
        "--generate",
    ])
    .ok();
    let mut terminal = tool.terminal(&["creator", "verify", "nina@example.com"]);
    terminal
        .exp_string("verify creator nina@example.com")
        .unwrap();
    terminal.exp_string("[y/N]").unwrap();
    terminal.send_line("n").unwrap();
    terminal.exp_string("nothing was changed").unwrap();
    terminal.exp_eof().unwrap();
    assert!(format!("{:?}", terminal.process().wait().unwrap()).contains(", 7)"));
    assert_eq!(people(&database), "nina@example.com|creator|acct_1|f");
    let mut terminal = tool.terminal(&["creator", "verify", "nina@example.com"]);
    terminal.exp_string("[y/N]").unwrap();
    terminal.send_line("y").unwrap();
    terminal.exp_eof().unwrap();
    assert_eq!(people(&database), "nina@example.com|creator|acct_1|t");
}

#[test]
fn somebody_who_is_no_creator_is_answered_with_what_to_do() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    let fan = database.value("select email from users where role = 'fan' order by email limit 1");
    assert_eq!(
        tool.run(&["creator", "show", &fan])
            .code(1)
            .stderr
            .replace(&fan, "FAN")
            .lines()
            .skip(1)
            .collect::<Vec<_>>(),
        [
            "error: FAN is a user, but no creator",
            "  hint: make a profile with `toysoldiers creator create FAN`"
        ]
    );
    assert_snapshot!(tool.run(&["creator", "verify", "clockwork.fix@example.com"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no creator clockwork.fix@example.com
      hint: did you mean clockwork.fox@example.com?
    -- exit 1
    ");
    assert_snapshot!(tool.run(&["creator", "show", "00000000-0000-0000-0000-000000000000"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no creator UUID
      hint: make one with `toysoldiers creator create EMAIL`
    -- exit 1
    ");
}

#[test]
fn show_has_the_totals_of_the_view() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    let shown = tool
        .run(&["creator", "show", "clockwork.fox@example.com", "-o", "json"])
        .ok()
        .json();
    let id = shown["id"].as_str().unwrap();
    let truth = database.value(&format!(
        "select (select count(*) from content where creator_id = '{id}'),
                (select sum(view_count) from analytics_views v join content c on c.id = v.content_id where creator_id = '{id}'),
                (select sum(amount) from tips where to_creator = '{id}' and status = 'completed'),
                (select count(*) from comments m join content c on c.id = m.content_id where creator_id = '{id}')"
    ));
    let told = format!(
        "{}|{}|{}|{}",
        shown["total_content"],
        shown["total_views"],
        shown["total_tips"].as_str().unwrap(),
        shown["total_comments"]
    );
    assert_eq!(told, truth);
    let keys: Vec<&String> = shown.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "id",
            "user_id",
            "email",
            "payout_account",
            "bio",
            "tiers",
            "verified",
            "created_at",
            "total_content",
            "total_views",
            "total_watch_time",
            "total_tips",
            "total_comments"
        ]
    );
}

#[test]
fn payout_accounts_are_checked() {
    let tool = Tool::new().env("DATABASE_URL", "postgresql:///nothing?host=/nonexistent");
    assert_snapshot!(tool.run(&["creator", "create", "nina@example.com", "--payout", "nina's account"]), @r#"
    -- stderr
    error: "nina's account" is no payout account
      hint: write a Stripe Connect account, such as acct_1MqZK2Lkdw
    -- exit 2
    "#);
}

#[test]
fn a_verification_can_be_taken_back_and_twice_is_no_error() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.run(&["creator", "create", "nina@example.com", "--generate"])
        .ok();
    tool.run(&[
        "creator",
        "verify",
        "nina@example.com",
        "--yes",
        "--without-payout",
    ])
    .ok();
    assert_snapshot!(tool.run(&["creator", "unverify", "nina@example.com"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: cannot unverify the creator nina@example.com without a yes: there is no terminal to ask on
      hint: agree with `--yes`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["creator", "unverify", "nina@example.com", "--dry-run"]), @"
    -- stdout
    plan: unverify the creator nina@example.com
      unverify creator nina@example.com  (no payout account)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_eq!(people(&database), "nina@example.com|creator||t");
    assert_snapshot!(tool.run(&["creator", "unverify", "NINA@example.com", "--yes"]), @"
    -- stdout
    id  UUID
    email  nina@example.com
    verified  no
    changed  yes
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nina@example.com is not verified any more
    -- exit 0
    ");
    assert_eq!(people(&database), "nina@example.com|creator||f");
    assert_snapshot!(tool.run(&["creator", "unverify", "nina@example.com"]), @"
    -- stdout
    id  UUID
    email  nina@example.com
    verified  no
    changed  no
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nina@example.com was not verified before; nothing was changed
    -- exit 0
    ");
    assert_snapshot!(
        database.sql("select action, subject = (select id from creators), details from toysoldiers.audit_log where action like '%verify' order by id").join("\n"),
        @r#"
    creator verify|t|{"payout": false}
    creator unverify|t|{"payout": false}
    "#
    );
    assert_snapshot!(tool.run(&["creator", "unverify", "nina@exmaple.com", "--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no creator nina@exmaple.com
      hint: did you mean nina@example.com?
    -- exit 1
    ");
}

#[test]
fn a_verification_is_not_taken_back_without_a_trace() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.run(&[
        "creator",
        "create",
        "nina@example.com",
        "--payout",
        "acct_1",
        "--generate",
    ])
    .ok();
    tool.run(&["creator", "verify", "nina@example.com", "--yes"])
        .ok();
    database.sql("alter table toysoldiers.audit_log add constraint full_up check (action <> 'creator unverify')");
    tool.run(&["creator", "unverify", "nina@example.com", "--yes"])
        .code(1);
    assert_eq!(people(&database), "nina@example.com|creator|acct_1|t");
}

#[test]
fn a_creator_who_leaves_while_somebody_decides_is_not_reported_as_changed() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.run(&[
        "creator",
        "create",
        "nina@example.com",
        "--payout",
        "acct_1",
        "--generate",
    ])
    .ok();
    tool.run(&["creator", "verify", "nina@example.com", "--yes"])
        .ok();
    let mut terminal = tool.terminal(&["creator", "unverify", "nina@example.com"]);
    terminal.exp_string("[y/N]").unwrap();
    database.sql("delete from creators");
    terminal.send_line("y").unwrap();
    terminal
        .exp_string("nina@example.com is no creator any more")
        .unwrap();
    terminal.exp_eof().unwrap();
    assert!(format!("{:?}", terminal.process().wait().unwrap()).contains(", 1)"));
}

#[test]
fn lists_creators_and_filters_them() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    for (flags, condition) in [
        (&[][..], "true"),
        (&["--verified"], "verified"),
        (&["--unverified"], "not verified"),
        (&["--payout"], "payout_account is not null"),
        (
            &["--unverified", "--no-payout"],
            "not verified and payout_account is null",
        ),
        (
            &["--verified", "--payout", "--email", "OR"],
            "verified and payout_account is not null and email like '%or%'",
        ),
    ] {
        let words = [&["creator", "list", "--sort", "email", "-o", "csv"], flags].concat();
        let shown = tool.run(&words).ok().stdout;
        let emails: Vec<_> = shown
            .lines()
            .skip(1)
            .map(|line| line.split(',').nth(2).unwrap())
            .collect();
        let truth = database.sql(&format!("select email from creators c join users u on u.id = c.user_id where {condition} order by email"));
        assert_eq!(emails, truth, "{flags:?}");
    }
}

#[test]
fn a_list_of_creators_reads_at_a_glance() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    for (email, payout) in [("ann@example.com", "acct_1"), ("bob@example.com", "acct_2")] {
        tool.run(&["creator", "create", email, "--payout", payout, "--generate"])
            .ok();
    }
    database.sql("insert into tips (to_creator, amount, status) select id, 1234.5, 'completed' from creators where payout_account = 'acct_2'");
    assert_snapshot!(tool.run(&["creator", "list", "--sort", "-total_tips", "--limit", "1"]), @"
    -- stdout
    EMAIL  PAYOUT ACCOUNT  VERIFIED  CREATED AT  CONTENT  VIEWS  WATCH TIME  TIPS  COMMENTS
    bob@example.com  acct_2  no  NOW  0  0 DURATION  $1,234.50  0
    -- stderr
    -> (url)  SOCKET/DB as postgres
    1 creator
    there are more; go on with `toysoldiers creator list --sort -total_tips --limit 1 --after UUID`
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["creator", "list", "--email", "ann@", "-o", "json"]).ok().stdout, @r#"
    {
      "rows": [
        {
          "id": "UUID",
          "user_id": "UUID",
          "email": "ann@example.com",
          "payout_account": "acct_1",
          "verified": false,
          "created_at": "TIME",
          "total_content": 0,
          "total_views": 0,
          "total_watch_time": "0",
          "total_tips": "0.00",
          "total_comments": 0
        }
      ],
      "next": null
    }
    "#);
    assert_snapshot!(tool.run(&["creator", "list", "--sort", "email", "-o", "csv"]).ok().stdout, @"
    id,user_id,email,payout_account,verified,created_at,total_content,total_views,total_watch_time,total_tips,total_comments
    UUID,UUID,ann@example.com,acct_1,false,TIME,0,0,0,0.00,0
    UUID,UUID,bob@example.com,acct_2,false,TIME,0,0,0,1234.50,0
    ");
}

#[test]
fn a_list_has_the_totals_of_the_view() {
    let database = Database::seeded();
    let list = Tool::new()
        .on(&database)
        .run(&["creator", "list", "--sort", "id", "-o", "json"])
        .ok()
        .json();
    let told: Vec<String> = list["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap().to_owned();
            format!(
                "{}|{}|{}|{}|{}|{}",
                text("id"),
                row["total_content"],
                row["total_views"],
                text("total_watch_time"),
                text("total_tips"),
                row["total_comments"]
            )
        })
        .collect();
    let truth = database.sql("select creator_id, total_content, total_views, total_watch_time, total_tips + 0.00, total_comments from dashboard_creator order by creator_id");
    assert_eq!(told, truth);
}

#[test]
fn the_end_of_the_input_is_no_yes() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.run(&[
        "creator",
        "create",
        "nina@example.com",
        "--payout",
        "acct_1",
        "--generate",
    ])
    .ok();
    let mut terminal = tool.terminal(&["creator", "verify", "nina@example.com"]);
    terminal.exp_string("[y/N]").unwrap();
    terminal.send_control('d').unwrap();
    terminal.exp_string("nothing was changed").unwrap();
    terminal.exp_eof().unwrap();
    assert!(format!("{:?}", terminal.process().wait().unwrap()).contains(", 7)"));
}
