//! `dashboard`.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::support::{Database, Tool};

#[test]
fn an_empty_platform_has_zeros() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["dashboard"]), @"
    -- stdout
    users  0
    creators  0
    verified  0
    content  0
    comments  0
    views  0
    watch time DURATION
    tips  $0.00
    views of 30 days  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
    -- stderr
    -> (url)  SOCKET/DB as postgres
    0 of 0 creators, by views; tips are completed ones; today is not over
    -- exit 0
    ");
    let numbers = tool.run(&["dashboard", "-o", "json"]).ok().json();
    assert_snapshot!(serde_json::to_string_pretty(&numbers["totals"]).unwrap(), @r#"
    {
      "creators": 0,
      "verified_creators": 0,
      "users": 0,
      "content": 0,
      "views": 0,
      "watch_time": "0",
      "tips": "0.00",
      "comments": 0
    }
    "#);
    assert_eq!(numbers["top_creators"], serde_json::json!([]));
}

/// The sums, computed otherwise: every row is fetched and added up here, in cents.
#[test]
fn the_sums_are_those_of_the_rows() {
    let database = Database::seeded();
    let numbers = Tool::new()
        .on(&database)
        .run(&["dashboard", "--limit", "100", "-o", "json"])
        .ok()
        .json();
    let cents: i128 = database
        .sql("select amount from tips where status = 'completed'")
        .iter()
        .map(|amount| {
            let (dollars, cents) = amount.split_once('.').unwrap_or((amount, "00"));
            assert_eq!(cents.len(), 2);
            dollars.parse::<i128>().unwrap() * 100 + cents.parse::<i128>().unwrap()
        })
        .sum();
    let told = format!("{}.{:02}", cents / 100, cents % 100);
    assert_eq!(numbers["totals"]["tips"], told);
    let creators = numbers["top_creators"].as_array().unwrap();
    assert_eq!(
        creators.len().to_string(),
        database.value("select count(*) from creators")
    );
    let views = |row: &serde_json::Value| row["total_views"].as_i64().unwrap();
    assert!(creators.is_sorted_by_key(|row| -views(row)));
    assert_eq!(
        numbers["totals"]["views"],
        creators.iter().map(views).sum::<i64>()
    );
    let by_creator: i128 = creators
        .iter()
        .map(|row| {
            row["total_tips"]
                .as_str()
                .unwrap()
                .parse::<rust_decimal::Decimal>()
                .unwrap()
        })
        .map(|tips| i128::try_from(tips * rust_decimal::Decimal::ONE_HUNDRED).unwrap())
        .sum();
    assert_eq!(by_creator, cents);
    let all: i64 = database
        .sql("select view_count from analytics_views")
        .iter()
        .map(|count| count.parse::<i64>().unwrap())
        .sum();
    assert_eq!(numbers["totals"]["views"], all);
}

#[test]
fn every_day_of_the_window_is_there_also_those_without_views() {
    let database = Database::migrated();
    database.sql(
        "insert into users (id, email, password_hash) values ('00000000-0000-0000-0000-000000000001', 'a@example.com', 'x');
         insert into creators (id, user_id) values ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001');
         insert into content (id, creator_id, title) values ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000002', 'x');
         insert into analytics_views (date, content_id, view_count) values
            (current_date, '00000000-0000-0000-0000-000000000003', 7),
            (current_date - 29, '00000000-0000-0000-0000-000000000003', 14),
            (current_date - 30, '00000000-0000-0000-0000-000000000003', 99)",
    );
    let tool = Tool::new().on(&database);
    let numbers = tool.run(&["dashboard", "-o", "json"]).ok().json();
    let days: Vec<i64> = numbers["views_by_day"]
        .as_array()
        .unwrap()
        .iter()
        .map(|day| day["views"].as_i64().unwrap())
        .collect();
    assert_eq!(
        (
            days.len(),
            days[0],
            days[29],
            days[1..29].iter().sum::<i64>()
        ),
        (30, 14, 7, 0)
    );
    let text = tool.run(&["dashboard"]).stdout;
    assert!(text.contains("█▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▄"), "{text}");
}

#[test]
fn csv_and_ndjson_have_a_row_a_creator_with_exact_money() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    let csv = tool
        .run(&["dashboard", "--limit", "2", "-o", "csv"])
        .ok()
        .stdout;
    assert_eq!(
        csv.lines().next().unwrap(),
        "creator_id,email,verified,total_content,total_views,total_watch_time,total_tips,total_comments"
    );
    assert_eq!(csv.lines().count(), 3);
    let ndjson = tool
        .run(&["dashboard", "--limit", "2", "-o", "ndjson"])
        .ok()
        .stdout;
    let first: serde_json::Value = serde_json::from_str(ndjson.lines().next().unwrap()).unwrap();
    let truth = database
        .value("select total_tips from dashboard_creator order by total_views desc limit 1");
    assert_eq!(first["total_tips"], truth);
    assert!(csv.lines().nth(1).unwrap().contains(&truth));
}

#[test]
fn json_keys_are_an_interface() {
    let database = Database::seeded();
    let numbers = Tool::new()
        .on(&database)
        .run(&["dashboard", "-o", "json"])
        .ok()
        .json();
    let keys = |value: &serde_json::Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(keys(&numbers), "as_of totals views_by_day top_creators");
    assert_eq!(
        keys(&numbers["totals"]),
        "creators verified_creators users content views watch_time tips comments"
    );
    assert_eq!(keys(&numbers["views_by_day"][0]), "date views");
    assert_eq!(
        keys(&numbers["top_creators"][0]),
        "creator_id email verified total_content total_views total_watch_time total_tips total_comments"
    );
}

#[test]
fn a_database_without_the_schema_says_what_to_do() {
    let database = Database::empty();
    assert_snapshot!(Tool::new().on(&database).run(&["dashboard"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: this needs what migration 009_analytics_views makes, and this database has not got it
      caused by: relation "public.creators" does not exist
      note: in the query dashboard/totals
      hint: bring it up to date with `toysoldiers migrate up` on the same environment, or name another with `--env`
    -- exit 6
    "#);
}

fn rows(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn number(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

/// Every row of a question, as its columns.
fn facts(database: &Database, question: &str) -> Vec<Vec<String>> {
    let rows = database.sql(question).into_iter();
    rows.map(|row| row.split('|').map(str::to_owned).collect())
        .collect()
}

/// What one creator or item has, added up here from the rows of the tables.
#[derive(Debug, Default, PartialEq)]
struct Sums {
    views: i64,
    watch_time: Decimal,
    comments: i64,
    tips: Decimal,
    days: BTreeMap<i64, i64>,
    tip_days: BTreeMap<i64, Decimal>,
}

impl Sums {
    fn window(&self) -> Vec<i64> {
        let day = |ago: i64| self.days.get(&ago).copied().unwrap_or(0);
        (0..30).rev().map(day).collect()
    }
}

/// By id, of the items (`i.id`) or the creators (`i.creator_id`).
fn sums(database: &Database, whose: &str) -> BTreeMap<String, Sums> {
    let mut all = BTreeMap::<String, Sums>::new();
    for row in facts(
        database,
        &format!(
            "select {whose}, v.view_count, v.duration, current_date - v.date from analytics_views v join content i on i.id = v.content_id"
        ),
    ) {
        let sums = all.entry(row[0].clone()).or_default();
        sums.views += row[1].parse::<i64>().unwrap();
        sums.watch_time += row[2].parse::<Decimal>().unwrap();
        *sums.days.entry(row[3].parse().unwrap()).or_default() += row[1].parse::<i64>().unwrap();
    }
    for row in facts(
        database,
        &format!("select {whose} from comments m join content i on i.id = m.content_id"),
    ) {
        all.entry(row[0].clone()).or_default().comments += 1;
    }
    if whose == "i.creator_id" {
        for row in facts(
            database,
            "select to_creator, amount, current_date - created_at::date from tips where status = 'completed'",
        ) {
            let sums = all.entry(row[0].clone()).or_default();
            sums.tips += row[1].parse::<Decimal>().unwrap();
            *sums.tip_days.entry(row[2].parse().unwrap()).or_default() +=
                row[1].parse::<Decimal>().unwrap();
        }
    }
    all
}

#[test]
fn each_creators_numbers_are_those_of_the_rows() {
    let database = Database::indexed();
    let tool = Tool::new().on(&database);
    let page = tool
        .run(&["dashboard", "creators", "-o", "json"])
        .ok()
        .json();
    let truth = sums(&database, "i.creator_id");
    assert_eq!(
        rows(&page["rows"]).len().to_string(),
        database.value("select count(*) from creators")
    );
    for row in rows(&page["rows"]) {
        let none = Sums::default();
        let sums = truth.get(row["id"].as_str().unwrap()).unwrap_or(&none);
        let told = (
            row["total_views"].as_i64().unwrap(),
            number(&row["total_watch_time"]),
            number(&row["total_tips"]),
            row["total_comments"].as_i64().unwrap(),
        );
        assert_eq!(
            told,
            (sums.views, sums.watch_time, sums.tips, sums.comments)
        );
        assert_eq!(row["views_of_30_days"], serde_json::json!(sums.window()));
        assert_eq!(
            row["total_tips"]
                .as_str()
                .unwrap()
                .split_once('.')
                .unwrap()
                .1
                .len(),
            2,
            "{row}"
        );
    }
    // Most viewed first; today is not over and last.
    assert!(rows(&page["rows"]).is_sorted_by_key(|row| -row["total_views"].as_i64().unwrap()));
    let today: i64 = database
        .value("select sum(view_count) from analytics_views where date = current_date")
        .parse()
        .unwrap();
    let last: i64 = rows(&page["rows"])
        .iter()
        .map(|row| row["views_of_30_days"][29].as_i64().unwrap())
        .sum();
    assert_eq!(last, today);
    // Days are sorted by their sum.
    let recent = tool
        .run(&[
            "dashboard",
            "creators",
            "--sort",
            "-views_of_30_days",
            "-o",
            "json",
        ])
        .ok()
        .json();
    let sum = |row: &Value| {
        rows(&row["views_of_30_days"])
            .iter()
            .map(|day| day.as_i64().unwrap())
            .sum::<i64>()
    };
    assert!(rows(&recent["rows"]).is_sorted_by_key(|row| -sum(row)));
}

#[test]
fn each_items_numbers_are_those_of_the_rows() {
    let database = Database::indexed();
    let tool = Tool::new().on(&database);
    let page = tool
        .run(&["dashboard", "content", "--limit", "10000", "-o", "json"])
        .ok()
        .json();
    let truth = sums(&database, "i.id");
    assert_eq!(
        rows(&page["rows"]).len().to_string(),
        database.value("select count(*) from content")
    );
    for row in rows(&page["rows"]) {
        let none = Sums::default();
        let sums = truth.get(row["id"].as_str().unwrap()).unwrap_or(&none);
        let told = (
            row["views"].as_i64().unwrap(),
            number(&row["watch_time"]),
            row["comments"].as_i64().unwrap(),
        );
        assert_eq!(told, (sums.views, sums.watch_time, sums.comments), "{row}");
        assert_eq!(
            row["views_of_30_days"],
            serde_json::json!(sums.window()),
            "{row}"
        );
    }
    assert!(rows(&page["rows"]).is_sorted_by_key(|row| -row["views"].as_i64().unwrap()));
    for (flags, condition) in [
        (
            &["--visibility", "unlisted"][..],
            "i.visibility = 'unlisted'",
        ),
        (
            &["--creator", "clockwork.fox@example.com"],
            "u.email = 'clockwork.fox@example.com'",
        ),
        (
            &[
                "--creator",
                "clockwork.fox@example.com",
                "--visibility",
                "private",
            ],
            "u.email = 'clockwork.fox@example.com' and i.visibility = 'private'",
        ),
    ] {
        let words = [
            &[
                "dashboard",
                "content",
                "--limit",
                "10000",
                "--sort",
                "id",
                "-o",
                "json",
            ],
            flags,
        ]
        .concat();
        let page = tool.run(&words).ok().json();
        let told: Vec<_> = rows(&page["rows"])
            .iter()
            .map(|row| row["id"].as_str().unwrap())
            .collect();
        let truth = database.sql(&format!("select i.id from content i join creators c on c.id = i.creator_id join users u on u.id = c.user_id where {condition} order by i.id"));
        assert!(!truth.is_empty());
        assert_eq!(told, truth, "{flags:?}");
    }
}

#[test]
fn one_creators_days_are_those_of_the_rows() {
    let database = Database::indexed();
    let tool = Tool::new().on(&database);
    let truth = sums(&database, "i.creator_id");
    let portrait = tool
        .run(&[
            "dashboard",
            "creator",
            "clockwork.fox@example.com",
            "-o",
            "json",
        ])
        .ok()
        .json();
    let sums = &truth[portrait["creator"]["id"].as_str().unwrap()];
    assert_eq!(
        portrait["creator"],
        tool.run(&["creator", "show", "clockwork.fox@example.com", "-o", "json"])
            .ok()
            .json()
    );
    let days = rows(&portrait["days"]);
    assert_eq!(
        days.iter()
            .map(|day| day["views"].as_i64().unwrap())
            .collect::<Vec<_>>(),
        sums.window()
    );
    let tips: Vec<_> = (0..30)
        .rev()
        .map(|ago| sums.tip_days.get(&ago).copied().unwrap_or_default())
        .collect();
    assert_eq!(
        days.iter()
            .map(|day| number(&day["tips"]))
            .collect::<Vec<_>>(),
        tips
    );
    assert!(tips.iter().any(|tips| !tips.is_zero()) && tips.iter().any(Decimal::is_zero));
    let dates: Vec<_> = days
        .iter()
        .map(|day| day["date"].as_str().unwrap())
        .collect();
    assert_eq!(
        dates,
        database.sql("select current_date - ago from generate_series(29, 0, -1) as ago")
    );
    // The same items as in the list of all content.
    let content = tool
        .run(&[
            "dashboard",
            "content",
            "--creator",
            "clockwork.fox@example.com",
            "--limit",
            "10",
            "-o",
            "json",
        ])
        .ok()
        .json();
    assert_eq!(portrait["top_content"], content["rows"]);
}

/// A creator of one item, with views and tips on the edges of the window.
fn edges() -> Database {
    let database = Database::migrated();
    database.sql(
        "insert into users (id, email, password_hash, created_at) values ('00000000-0000-0000-0000-000000000001', 'a@example.com', 'x', now() - interval '3 days 1 hour');
         insert into creators (id, user_id) values ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001');
         insert into content (id, creator_id, title, visibility, created_at) values ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000002', 'Tin Drummer', 'public', now() - interval '2 days 1 hour');
         insert into analytics_views (date, content_id, view_count, duration) values
            (current_date, '00000000-0000-0000-0000-000000000003', 7, 60),
            (current_date - 29, '00000000-0000-0000-0000-000000000003', 14, 0.5),
            (current_date - 30, '00000000-0000-0000-0000-000000000003', 99, 0);
         insert into tips (to_creator, amount, status, created_at) values
            ('00000000-0000-0000-0000-000000000002', 0.1, 'completed', current_date),
            ('00000000-0000-0000-0000-000000000002', 0.2, 'completed', current_date),
            ('00000000-0000-0000-0000-000000000002', 50, 'refunded', current_date),
            ('00000000-0000-0000-0000-000000000002', 4, 'completed', current_date - 29),
            ('00000000-0000-0000-0000-000000000002', 1000, 'completed', current_date - 29 - interval '1 microsecond')",
    );
    database
}

#[test]
fn one_creator_reads_at_a_glance() {
    let database = edges();
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["dashboard", "creator", "a@example.com"]), @"
    -- stdout
    email  a@example.com
    verified  no
    payout account  -
    created at  3 days ago
    content  1
    views  120
    watch time  1m 00s
    tips  $1,004.30
    comments  0
    views of 30 days  █▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▄
    tips of 30 days  █▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁

    TITLE  VISIBILITY  VIEWS  WATCH TIME  COMMENTS  CREATED AT  VIEWS OF 30 DAYS
    Tin Drummer  public  120  1m 00s  0  2 days ago  █▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▄
    -- stderr
    -> (url)  SOCKET/DB as postgres
    1 of 1 items, by views; tips are completed ones; today is not over
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["dashboard", "creators"]), @"
    -- stdout
    EMAIL  VERIFIED  CONTENT  VIEWS  WATCH TIME  TIPS  COMMENTS  VIEWS OF 30 DAYS
    a@example.com  no  1  120  1m 00s  $1,004.30  0  █▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▄
    -- stderr
    -> (url)  SOCKET/DB as postgres
    1 creator; tips are completed ones; today is not over
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["dashboard", "content"]), @"
    -- stdout
    TITLE  CREATOR  VISIBILITY  VIEWS  WATCH TIME  COMMENTS  CREATED AT  VIEWS OF 30 DAYS
    Tin Drummer  a@example.com  public  120  1m 00s  0  2 days ago  █▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▄
    -- stderr
    -> (url)  SOCKET/DB as postgres
    1 item; today is not over
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["dashboard", "creator", "a@example.com", "-o", "csv"]).ok().stdout, @"
    id,title,creator,visibility,views,watch_time,comments,created_at,views_of_30_days
    UUID,Tin Drummer,a@example.com,public,120,60.5,0,TIME,14 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 7
    ");
    assert_snapshot!(tool.run(&["dashboard", "creators", "-o", "ndjson"]).ok().stdout, @r#"{"id":"UUID","email":"a@example.com","verified":false,"total_content":1,"total_views":120,"total_watch_time":"60.5","total_tips":"1004.30","total_comments":0,"views_of_30_days":[14,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,7]}"#);
    let portrait = tool
        .run(&["dashboard", "creator", "a@example.com", "-o", "json"])
        .ok()
        .json();
    assert_eq!(
        (&portrait["days"][0]["tips"], &portrait["days"][29]["tips"]),
        (&"4.00".into(), &"0.30".into())
    );
}

#[test]
fn a_creator_without_anything_has_zeros() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.run(&["creator", "create", "a@example.com", "--generate"])
        .ok();
    assert_snapshot!(tool.run(&["dashboard", "creator", "a@example.com"]), @"
    -- stdout
    email  a@example.com
    verified  no
    payout account  -
    created at  NOW
    content  0
    views  0
    watch time DURATION
    tips  $0.00
    comments  0
    views of 30 days  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
    tips of 30 days  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
    -- stderr
    -> (url)  SOCKET/DB as postgres
    0 of 0 items, by views; tips are completed ones; today is not over
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["dashboard", "content", "--creator", "a@example.com"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    0 items; today is not over
    -- exit 0
    ");
}

#[test]
fn whose_numbers_are_asked_for_is_found_as_everywhere() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["dashboard", "creator", "clockwork.fix@example.com"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no creator clockwork.fix@example.com
      hint: did you mean clockwork.fox@example.com?
    -- exit 1
    ");
    assert_snapshot!(tool.run(&["dashboard", "content", "--creator", "ada.baker@example.com"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: ada.baker@example.com is a user, but no creator
      hint: make a profile with `toysoldiers creator create ada.baker@example.com`
    -- exit 1
    ");
    assert_snapshot!(tool.run(&["dashboard", "creator", "nina"]), @r#"
    -- stderr
    error: "nina" is neither an e-mail address nor an id
      hint: write name@example.com, or an id such as UUID
    -- exit 2
    "#);
    let by_email = tool
        .run(&[
            "dashboard",
            "content",
            "--creator",
            "CLOCKWORK.fox@example.com",
            "-o",
            "csv",
        ])
        .ok()
        .stdout;
    let id = database.value("select user_id from creators c join users u on u.id = c.user_id where email = 'clockwork.fox@example.com'");
    assert_eq!(
        tool.run(&["dashboard", "content", "--creator", &id, "-o", "csv"])
            .ok()
            .stdout,
        by_email
    );
}

#[test]
fn the_overview_is_what_the_dashboard_shows_by_itself() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    let said = tool.run(&["dashboard", "--limit", "2"]).ok().stdout;
    assert_eq!(
        tool.run(&["dashboard", "overview", "--limit", "2"])
            .ok()
            .stdout,
        said
    );
    // A flag of the overview is not lost in silence; one for every command may stand anywhere.
    assert_snapshot!(tool.run(&["dashboard", "--limit", "2", "creators"]), @"
    -- stderr
    error: `--limit` before a command of the dashboard means nothing
      hint: write it after the command
    -- exit 2
    ");
    assert_eq!(
        tool.run(&["dashboard", "-o", "csv", "creators", "--limit", "2"])
            .ok()
            .stdout
            .lines()
            .count(),
        3
    );
}

#[test]
fn json_keys_of_creators_and_content_are_an_interface() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let item = "id title creator visibility views watch_time comments created_at views_of_30_days";
    let page = tool
        .run(&["dashboard", "creators", "--limit", "1", "-o", "json"])
        .ok()
        .json();
    assert_eq!(keys(&page), "rows next");
    assert_eq!(
        keys(&page["rows"][0]),
        "id email verified total_content total_views total_watch_time total_tips total_comments views_of_30_days"
    );
    let page = tool
        .run(&["dashboard", "content", "--limit", "1", "-o", "json"])
        .ok()
        .json();
    assert_eq!(keys(&page), "rows next");
    assert_eq!(keys(&page["rows"][0]), item);
    let portrait = tool
        .run(&[
            "dashboard",
            "creator",
            "clockwork.fox@example.com",
            "-o",
            "json",
        ])
        .ok()
        .json();
    assert_eq!(keys(&portrait), "as_of creator days top_content");
    assert_eq!(keys(&portrait["days"][0]), "date views tips");
    assert_eq!(keys(&portrait["top_content"][0]), item);
}
