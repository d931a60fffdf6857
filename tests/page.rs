//! What all lists promise: their pages put together are the list, whatever it is sorted by and whoever comes and
//! goes meanwhile, and a page costs no more than its rows.

use insta::assert_snapshot;
use regex::Regex;
use serde_json::Value;
use toysoldiers::account::{creator, user};
use toysoldiers::dashboard::{content, creators};
use toysoldiers::pg::page::{Column, Order, Page};

use crate::support::{Database, Tool};

fn page(tool: &Tool, list: &[&str], more: &[&str]) -> (Vec<Value>, Option<String>) {
    let words = [list, more, &["-o", "json"]].concat();
    let page = tool.run(&words).ok().json();
    let next = page["next"].as_str().map(str::to_owned);
    (page["rows"].as_array().unwrap().clone(), next)
}

/// All pages, one after the other.
fn walk(tool: &Tool, list: &[&str], sort: &str, limit: usize) -> Vec<Value> {
    let limit = limit.to_string();
    let sorted = ["--sort", sort, "--limit", &limit];
    let (mut all, mut next) = page(tool, list, &sorted);
    while let Some(after) = next {
        let rows;
        (rows, next) = page(tool, list, &[&sorted[..], &["--after", &after]].concat());
        assert!(!rows.is_empty(), "an empty page was announced");
        all.extend(rows);
    }
    all
}

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_pages_put_together_are_the_list() {
    let database = Database::indexed();
    let tool = Tool::new().on(&database);
    for (list, columns, limit) in [
        (&["user", "list"][..], &["role", "creator_id"][..], 150),
        (
            &["user", "list", "--role", "fan", "--email", "A"],
            &["created_at"],
            100,
        ),
        (
            &["creator", "list"],
            &["payout_account", "verified", "total_tips"],
            13,
        ),
        (&["dashboard", "creators"], &["views_of_30_days"], 13),
        (&["dashboard", "content"], &["visibility", "views"], 250),
    ] {
        for column in columns {
            for sort in [(*column).to_owned(), format!("-{column}")] {
                let (whole, next) = page(&tool, list, &["--sort", &sort, "--limit", "10000"]);
                assert_eq!(next, None);
                assert!(whole.len() > limit, "{list:?} has one page");
                assert_eq!(walk(&tool, list, &sort, limit), whole, "{list:?} by {sort}");
                let mut once = ids(&whole);
                once.sort();
                once.dedup();
                assert_eq!(once.len(), whole.len());
            }
        }
    }
}

#[test]
fn lists_are_in_order_and_what_has_no_value_comes_last_in_either_direction() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    for (list, column, table) in [
        (
            "user",
            "creator_id",
            "users u left join creators c on c.user_id = u.id",
        ),
        ("creator", "payout_account", "creators u"),
    ] {
        for (sort, way) in [(column.to_owned(), "asc"), (format!("-{column}"), "desc")] {
            let key = if list == "user" { "c.id" } else { column };
            let truth = database.sql(&format!(
                "select u.id from {table} order by {key} is null, {key} {way}, u.id {way}"
            ));
            assert_eq!(
                ids(&walk(&tool, &[list, "list"], &sort, 150)),
                truth,
                "{list} {sort}"
            );
        }
    }
}

#[test]
fn who_comes_between_two_pages_neither_repeats_nor_hides_others() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    for sort in ["email", "-email", "role", "-created_at"] {
        let list = ["user", "list"];
        let (before, _) = page(&tool, &list, &["--sort", sort, "--limit", "10000"]);
        let (first, next) = page(&tool, &list, &["--sort", sort, "--limit", "100"]);
        // Before, between and after what was seen.
        database.sql("insert into users (id, email, password_hash, created_at)
            select gen_random_uuid(), letter || gen_random_uuid() || '@example.com', 'x', now() - n * interval '20 days'
            from unnest('{a,f,k,z}'::text[]) with ordinality as new (letter, n)");
        let (rest, _) = page(
            &tool,
            &list,
            &[
                "--sort",
                sort,
                "--limit",
                "10000",
                "--after",
                &next.unwrap(),
            ],
        );
        let seen: Vec<String> = ids(&[first, rest].concat());
        let old = ids(&before);
        let still: Vec<_> = seen.iter().filter(|id| old.contains(id)).cloned().collect();
        assert_eq!(still, old, "{sort}");
    }
}

#[test]
fn a_list_goes_on_after_a_row_that_no_longer_passes_the_filter() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    let list = ["creator", "list", "--unverified"];
    let (before, _) = page(&tool, &list, &[]);
    let (first, next) = page(&tool, &list, &["--limit", "2"]);
    for row in &first {
        let email = row["email"].as_str().unwrap();
        tool.run(&["creator", "verify", email, "--without-payout", "--yes"])
            .ok();
    }
    let (rest, _) = page(&tool, &list, &["--after", &next.unwrap()]);
    assert_eq!(ids(&rest), ids(&before[2..]));
}

#[test]
fn the_command_for_the_next_page_is_told_and_works() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    let first = tool.run(&[
        "user", "list", "--email", "ADA.", "--sort", "email", "--limit", "2",
    ]);
    assert_snapshot!(first, @"
    -- stdout
    EMAIL  ROLE  CREATED AT  UPDATED AT
    ada.abbott@example.com  fan  1 day ago  1 day ago
    ada.baker@example.com  fan  513 days ago  475 days ago
    -- stderr
    -> (url)  SOCKET/DB as postgres
    2 users
    there are more; go on with `toysoldiers user list --email ADA. --sort email --limit 2 --after UUID`
    -- exit 0
    ");
    let (_, next) = page(
        &tool,
        &["user", "list"],
        &["--email", "ADA.", "--sort", "email", "--limit", "2"],
    );
    let mut words = vec![
        "user", "list", "--email", "ADA.", "--sort", "email", "--limit", "2", "--after",
    ];
    let next = next.unwrap();
    words.push(&next);
    assert_snapshot!(tool.run(&words), @"
    -- stdout
    EMAIL  ROLE  CREATED AT  UPDATED AT
    ada.castro@example.com  fan  486 days ago  274 days ago
    ada.diaz@example.com  fan  459 days ago  293 days ago
    -- stderr
    -> (url)  SOCKET/DB as postgres
    2 users
    there are more; go on with `toysoldiers user list --email ADA. --sort email --limit 2 --after UUID`
    -- exit 0
    ");
    // Whoever takes the rows away is told as well.
    assert_snapshot!(tool.run(&["user", "list", "--role", "admin", "--limit", "1", "-o", "csv"]), @"
    -- stdout
    id,email,role,created_at,updated_at,creator_id
    UUID,support@example.com,admin,TIME,TIME,
    -- stderr
    -> (url)  SOCKET/DB as postgres
    there are more; go on with `toysoldiers user list --role admin --limit 1 -o csv --after UUID`
    -- exit 0
    ");
}

#[test]
fn a_page_that_begins_nowhere_is_an_error_and_one_after_the_last_row_is_empty() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    for (list, sort) in [
        ("user", "email"),
        ("user", "creator_id"),
        ("creator", "total_views"),
    ] {
        let nowhere = "00000000-0000-0000-0000-000000000000";
        let outcome = tool
            .run(&[list, "list", "--sort", sort, "--after", nowhere])
            .code(1);
        assert!(
            outcome
                .stderr
                .contains("error: there is no UUID in this list to go on after"),
            "{outcome}"
        );
        let (all, _) = page(
            &tool,
            &[list, "list"],
            &["--sort", sort, "--limit", "10000"],
        );
        let last = ids(&all).pop().unwrap();
        assert_eq!(
            page(&tool, &[list, "list"], &["--sort", sort, "--after", &last]),
            (vec![], None)
        );
    }
    assert_snapshot!(tool.run(&["user", "list", "--after", "00000000-0000-0000-0000-000000000000"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no UUID in this list to go on after
      hint: leave out `--after` to begin with the first page
    -- exit 1
    ");
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_opened() {
    let tool = Tool::new().env("DATABASE_URL", "postgresql:///nothing?host=/nonexistent");
    assert_snapshot!(tool.run(&["user", "list", "--sort", "emial"]), @r#"
    -- stderr
    error: there is no column "emial" to sort by
      hint: did you mean email? it can be sorted by id, email, role, created_at, updated_at, creator_id
    -- exit 2
    "#);
    assert_snapshot!(tool.run(&["creator", "list", "--sort", "-tips"]), @r#"
    -- stderr
    error: there is no column "tips" to sort by
      hint: sort by one of id, user_id, email, payout_account, verified, created_at, total_content, total_views, total_watch_time, total_tips, total_comments; a minus before it reverses the order
    -- exit 2
    "#);
    assert_snapshot!(tool.run(&["dashboard", "content", "--sort", "x; drop table users"]), @r#"
    -- stderr
    error: there is no column "x; drop table users" to sort by
      hint: sort by one of id, title, creator, visibility, views, watch_time, comments, created_at, views_of_30_days; a minus before it reverses the order
    -- exit 2
    "#);
    assert_snapshot!(tool.run(&["user", "list", "--since", "yesterday"]), @"
    -- stderr
    error: invalid value 'yesterday' for '--since <TIME>': write a date such as 2026-03-01, or TIME

    For more information, try '--help'.
    -- exit 2
    ");
    for words in [
        &["user", "list", "--limit", "0"][..],
        &["user", "list", "--limit", "10001"],
        &["user", "list", "--after", "7"],
        &["user", "list", "--role", "king"],
        &["creator", "list", "--verified", "--unverified"],
        &["creator", "list", "--payout", "--no-payout"],
        &["dashboard", "creators", "--sort", ""],
        &["dashboard", "content", "--creator", "nina"],
        &["dashboard", "content", "--visibility", "secret"],
    ] {
        tool.run(words).code(2);
    }
}

/// How often anything was added up for a page, at most.
fn sums(database: &Database, sql: &str, params: &str, page: &Page) -> u32 {
    let given = params.split(',').count();
    let after = page
        .after
        .map_or(String::new(), |after| format!(", '{after}'"));
    let plan = database.sql(&format!(
        "prepare q as {};
         explain (analyze, costs off, timing off, summary off) execute q({params}, {}{after});
         deallocate q",
        page.compose(sql, given),
        page.limit + 1,
    ));
    let aggregate = Regex::new(r"Aggregate.*loops=(\d+)").unwrap();
    plan.iter()
        .filter_map(|line| aggregate.captures(line)?[1].parse().ok())
        .max()
        .unwrap_or(0)
}

#[test]
fn nothing_is_added_up_but_for_the_rows_of_a_page() {
    let database = Database::indexed();
    let sql = |name: &str| {
        let path = format!("{}/database/queries/{name}.sql", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        toysoldiers::pg::query::with_blocks(&text).into_owned()
    };
    let lists: [(&str, &[Column], &str, &str); 3] = [
        (
            "creator/list",
            &creator::COLUMNS,
            "null, null, null",
            "creators",
        ),
        ("dashboard/creators", &creators::COLUMNS, "30", "creators"),
        (
            "dashboard/content",
            &content::COLUMNS,
            "null, null, 30",
            "content",
        ),
    ];
    for (list, columns, params, table) in lists {
        let some = database.value(&format!("select id from {table} limit 1"));
        let all: u32 = database
            .value(&format!("select count(*) from {table}"))
            .parse()
            .unwrap();
        for column in columns {
            let name = column.name();
            let is_sum = ["total_", "views", "watch_time", "comments"]
                .iter()
                .any(|sum| name.starts_with(sum));
            let order = Order::parse(name, columns).unwrap();
            for after in [None, Some(some.parse().unwrap())] {
                let page = Page {
                    order,
                    after,
                    limit: 5,
                };
                let made = sums(&database, &sql(list), params, &page);
                // One row more than wanted tells whether there is another page.
                let expected = if is_sum { all } else { 6 };
                let ok = if after.is_none() {
                    made == expected
                } else {
                    made <= expected
                };
                assert!(ok, "{list} by {name}: {made} times instead of {expected}");
            }
        }
    }
}

#[test]
fn every_column_can_be_sorted_by() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    for (list, columns) in [
        (&["user", "list"][..], &user::COLUMNS[..]),
        (&["creator", "list"], &creator::COLUMNS),
        (&["dashboard", "creators"], &creators::COLUMNS),
        (&["dashboard", "content"], &content::COLUMNS),
    ] {
        let (rows, _) = page(&tool, list, &["--limit", "1"]);
        let keys: Vec<_> = rows[0].as_object().unwrap().keys().cloned().collect();
        let names: Vec<_> = columns.iter().map(|column| column.name()).collect();
        assert_eq!(keys, names, "{list:?}");
    }
}
