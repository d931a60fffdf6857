//! `backup list`.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Database, Tool};

/// Nobody answers at the address of its environment.
fn tool() -> Tool {
    let tool = Tool::new();
    tool.write(
        "toysoldiers.toml",
        "default_env = \"shop\"\n[env.shop]\nurl = \"postgresql://me@127.0.0.1:1/shop\"\npassword_env = \"UNSET\"\n\
         [env.shop.backup]\ndestination = \"b\"\n",
    );
    tool
}

/// Writes a backup by hand: its manifest says that the dump has five bytes.
fn forge(tool: &Tool, name: &str, taken_at: &str) {
    let manifest = json!({
        "format": 1,
        "name": name,
        "environment": "shop",
        "taken_at": taken_at,
        "duration_ms": 12,
        "tool_version": "0.1.0",
        "server": {"host": "h", "port": 5432, "database": "shop", "version": "15.18"},
        "pg_dump": "15.18",
        "last_migration": "010_dashboard_creator",
        "tables": [{"schema": "public", "name": "tips", "rows": 1200}, {"schema": "public", "name": "users", "rows": 34}],
        "file": format!("{name}.dump"),
        "bytes": 5,
        "sha256": "00",
    });
    tool.write(&format!("b/{name}.json"), manifest.to_string());
    tool.write(&format!("b/{name}.dump"), "dump\n");
}

#[test]
fn shows_every_backup_newest_first_and_what_is_wrong_with_it() {
    let tool = tool();
    forge(&tool, "shop-20260301T000000Z", "2026-03-01T00:00:00Z");
    forge(&tool, "shop-20260309T000000Z", "2026-03-09T00:00:00Z");
    forge(&tool, "renamed", "2026-03-08T00:00:00Z");
    forge(&tool, "shop-20260302T000000Z", "2026-03-02T00:00:00Z");
    std::fs::remove_file(tool.path().join("b/shop-20260302T000000Z.dump")).unwrap();
    tool.write("b/shop-20260303T000000Z.dump", "dump\n");
    tool.write("b/shop-20260304T000000Z.dump.x1Yz2w.partial", "du");
    forge(&tool, "shop-20260305T000000Z", "2026-03-05T00:00:00Z");
    tool.write("b/shop-20260305T000000Z.dump", "dum");
    forge(&tool, "shop-20260306T000000Z", "2026-03-06T00:00:00Z");
    tool.write("b/shop-20260306T000000Z.json", "{\"format\": 1, \"na");
    forge(&tool, "shop-20260307T000000Z", "2026-03-07T00:00:00Z");
    tool.write("b/shop-20260307T000000Z.json", "{\"format\": 2}");
    // What is left over beside a complete backup takes nothing from it; what is no backup is not looked at.
    tool.write("b/shop-20260301T000000Z.json.x1Yz2w.partial", "");
    tool.write("b/README", "");
    std::fs::create_dir(tool.path().join("b/old.dump")).unwrap();
    let csv = tool.run(&["backup", "list", "-o", "csv"]).ok().stdout;
    let days: Vec<&str> = csv
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap())
        .collect();
    assert_eq!(days.len(), 9);
    assert_eq!(days[1], "renamed");
    // Times read the same in a transcript, so the order is told by the ends of the sizes and reasons below.
    assert_snapshot!(csv, @r#"
    name,environment,taken_at,last_migration,tables,rows,bytes,state,reason
    shop-STAMP,shop,TIME,010_dashboard_creator,2,1234,5,complete,
    renamed,shop,TIME,010_dashboard_creator,2,1234,5,complete,
    shop-STAMP,,,,,,5,incomplete,"the manifest cannot be read: it is of format 2, and this version reads up to 1"
    shop-STAMP,,,,,,5,incomplete,the manifest cannot be read: it is no manifest: EOF while parsing a string at line 1 column 17
    shop-STAMP,shop,TIME,010_dashboard_creator,2,1234,3,incomplete,"the dump has 3 bytes, the manifest says 5"
    shop-STAMP,,,,,,2,incomplete,"partial: its run was interrupted, or is still at work"
    shop-STAMP,,,,,,5,incomplete,there is no manifest beside the dump
    shop-STAMP,shop,TIME,010_dashboard_creator,2,1234,,incomplete,there is no dump beside the manifest
    shop-STAMP,shop,TIME,010_dashboard_creator,2,1234,5,complete,
    "#);
    let table = tool.run(&["backup", "list"]).ok();
    assert_snapshot!(table.stderr, @"3 complete, 6 incomplete in HERE/b");
    assert!(table.stdout.starts_with("NAME "), "{table}");
}

#[test]
fn newest_comes_first_whatever_the_name() {
    let tool = tool();
    for (name, taken_at) in [
        ("c", "2026-03-01T00:00:00Z"),
        ("a", "2026-03-02T00:00:00Z"),
        ("b", "2026-03-03T00:00:00Z"),
    ] {
        forge(&tool, name, taken_at);
    }
    tool.write("b/shop-20260302T120000Z.dump", "");
    tool.write("b/nameless.dump", "");
    let listing = tool.run(&["backup", "list", "-o", "json"]).ok().json();
    let names: Vec<&str> = listing["backups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["b", "shop-20260302T120000Z", "a", "c", "nameless"]);
}

#[test]
fn the_keys_are_an_interface() {
    let tool = tool();
    forge(&tool, "whole", "2026-03-01T00:00:00Z");
    tool.write("b/half.dump", "dump\n");
    let listing = tool.run(&["backup", "list", "-o", "json"]).ok().json();
    assert_eq!(
        listing,
        json!({"folder": tool.path().join("b"), "backups": [
            {"name": "whole", "environment": "shop", "taken_at": "2026-03-01T00:00:00Z",
             "last_migration": "010_dashboard_creator", "tables": 2, "rows": 1234, "bytes": 5,
             "state": "complete", "reason": null},
            {"name": "half", "environment": null, "taken_at": null, "last_migration": null, "tables": null,
             "rows": null, "bytes": 5, "state": "incomplete",
             "reason": "there is no manifest beside the dump"},
        ]})
    );
    let ndjson = tool.run(&["backup", "list", "-o", "ndjson"]).ok().stdout;
    let first: serde_json::Value = serde_json::from_str(ndjson.lines().next().unwrap()).unwrap();
    let keys: Vec<&String> = first.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "name",
            "environment",
            "taken_at",
            "last_migration",
            "tables",
            "rows",
            "bytes",
            "state",
            "reason"
        ]
    );
}

#[test]
fn a_backup_just_taken_is_listed() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.run(&["backup", "create", "--to", "b"]).ok();
    let outcome = tool.run(&["backup", "list", "--from", "b"]).ok();
    // How large it is depends on the program that wrote it.
    let shown = outcome.to_string().replace(&database.name, "DB");
    let shown = regex::Regex::new(r"\d+\.\d kB")
        .unwrap()
        .replace(&shown, "SIZE");
    assert_snapshot!(shown, @"
    -- stdout
    NAME  ENVIRONMENT  TAKEN AT  LAST MIGRATION  TABLES  ROWS  BYTES  STATE
    DB-STAMP  DB  NOW  013_public_is_closed  14  28  SIZE  complete
    -- stderr
    1 complete, 0 incomplete in b
    -- exit 0
    ");
}

#[test]
fn no_backup_is_no_error() {
    let tool = tool();
    assert_snapshot!(tool.run(&["backup", "list"]), @"
    -- stderr
    there is no backup in HERE/b; `toysoldiers backup create --to HERE/b` takes one
    -- exit 0
    ");
    std::fs::create_dir(tool.path().join("empty")).unwrap();
    assert_snapshot!(tool.run(&["backup", "list", "--from", "empty"]), @"
    -- stderr
    there is no backup in empty; `toysoldiers backup create --to empty` takes one
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["backup", "list", "-o", "json"]), @r#"
    -- stdout
    {
      "folder": "HERE/b",
      "backups": []
    }
    -- exit 0
    "#);
    tool.write("file", "");
    assert_snapshot!(tool.run(&["backup", "list", "--from", "file"]), @"
    -- stderr
    error: cannot read the folder file
      caused by: not a directory
      hint: name a folder you may read with `--from`
    -- exit 4
    ");
}

#[test]
fn no_dump_is_read() {
    let tool = tool();
    forge(&tool, "huge", "2026-03-01T00:00:00Z");
    // A terabyte of nothing: whoever read it would be at it for an hour.
    let bytes = 1_u64 << 40;
    std::fs::File::create(tool.path().join("b/huge.dump"))
        .unwrap()
        .set_len(bytes)
        .unwrap();
    let path = tool.path().join("b/huge.json");
    let manifest = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        manifest.replace("\"bytes\":5", &format!("\"bytes\":{bytes}")),
    )
    .unwrap();
    let listing = tool.run(&["backup", "list", "-o", "json"]).ok().json();
    assert_eq!(listing["backups"][0]["state"], "complete");
}
