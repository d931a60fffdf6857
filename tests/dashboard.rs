//! `dashboard`.

use insta::assert_snapshot;

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
    -> DB  SOCKET/DB as postgres
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
    -> DB  SOCKET/DB as postgres
    error: relation "public.creators" does not exist
      note: in the query dashboard/totals
      hint: bring the database up to date with `toysoldiers migrate up`
    -- exit 1
    "#);
}
