//! `policy audit`: what it says, in which forms, and what it is told. Its checks are in `policy_audit_checks`.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::tool::Outcome;
use crate::support::version::understands;
use crate::support::{Bouncer, Database, Tool};

/// The platform's schema with its policies, and with the indexes that those and its foreign keys need.
pub fn clean() -> Database {
    let database = Database::secured();
    database.sql(
        "create index content_creator_id_idx on content (creator_id);
         create index content_created_at_idx on content (created_at);
         create index comments_content_id_idx on comments (content_id);
         create index comments_user_id_idx on comments (user_id);
         create index comments_parent_id_idx on comments (parent_id);
         create index tips_from_user_idx on tips (from_user);
         create index tips_to_creator_idx on tips (to_creator);
         create index analytics_views_content_id_idx on analytics_views (content_id);
         create index analytics_views_user_id_idx on analytics_views (user_id);",
    );
    database
}

/// What a check finds.
pub fn found(tool: &Tool, check: &str) -> Vec<String> {
    let outcome = tool.run(&["policy", "audit", "--check", check, "-o", "json"]);
    assert!(matches!(outcome.code, Some(0 | 3)), "{outcome}");
    let findings = outcome.json();
    let findings = findings.as_array().unwrap().iter();
    findings
        .filter(|finding| finding["check"] == check && finding["level"] != "waived")
        .map(|finding| finding["object"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_platforms_own_schema_is_clean_or_waived_with_a_reason() {
    for database in [Database::migrated(), clean()] {
        let outcome = Tool::new()
            .on(&database)
            .run(&["policy", "audit", "-o", "json"]);
        let findings = outcome.ok().json();
        let mut waived = BTreeSet::new();
        for finding in findings.as_array().unwrap() {
            let word = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
            match word("level").as_str() {
                "waived" => {
                    assert!(word("because").len() > 20, "{finding}");
                    waived.insert(word("object"));
                }
                // Indexes are not made by migrations, and roles are the whole server's.
                "note" if word("check") == "unindexed-foreign-key" => {}
                "note" if word("check") == "policy-column-unindexed" => {}
                // An address that is taken can be guessed by whoever may change their own.
                "note" if word("check") == "unique-oracle" => {
                    assert!(
                        word("object").starts_with("public.users_email_"),
                        "{finding}"
                    );
                }
                "note" if word("object").starts_with("role t") => {}
                _ => panic!("{finding}"),
            }
        }
        // Without the policies nobody may read what they let somebody read.
        waived.remove("public.tips.stripe_txn");
        let expected = [
            "app.current_creator_id()",
            "app.get_comments(uuid)",
            "app.get_content(uuid)",
            "app.may_comment(uuid)",
            "app.my_payout_account()",
            "app.search_content(text[],integer,timestamp with time zone,uuid)",
            "public.dashboard_creator",
            "role service_role",
        ];
        assert_eq!(waived, expected.map(str::to_owned).into());
    }
}

/// Two faults and nothing else that these checks look for.
const CHECKS: [&str; 6] = [
    "--check",
    "rls-disabled",
    "--check",
    "truncate-granted",
    "--check",
    "no-primary-key",
];

fn faulty() -> Database {
    let database = clean();
    database.sql(
        "create table public.\"Odd, 100%\" (id uuid primary key);
         grant select on public.\"Odd, 100%\" to anon, authenticated;
         create table public.t (a int);
         grant truncate on public.tips, public.content to authenticated",
    );
    database
}

/// Runs these checks with an audit.toml.
fn audit(database: &Database, config: &str, args: &[&str]) -> (Tool, Vec<String>) {
    let tool = Tool::new().on(database);
    std::fs::create_dir_all(tool.path().join("database/policies")).unwrap();
    tool.write("database/policies/audit.toml", config);
    tool.write("database/policies/tips.sql", "");
    let args = ["policy", "audit"].iter().chain(&CHECKS).chain(args);
    let args = args.map(|word| (*word).to_owned()).collect();
    (tool, args)
}

fn run(database: &Database, config: &str, args: &[&str]) -> Outcome {
    let (tool, args) = audit(database, config, args);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    tool.run(&args)
}

const WAIVERS: &str = "\
[[waive]]
check = \"truncate-granted\"
object = \"public.content\"
because = \"it is emptied every night\"

[[waive]]
check = \"truncate-granted\"
object = \"public.comments\"
because = \"it was once\"
";

#[test]
fn people_read_what_it_is_why_it_hurts_and_what_mends_it() {
    assert_snapshot!(run(&faulty(), WAIVERS, &[]), @r#"
    -- stdout
    error: granted to anon, authenticated while row-level security is off [rls-disabled]
      --> public."Odd, 100%"
      why: A table without row-level security is reachable. Whoever may act as one of these roles reads or changes every row the grant covers, whatever policies other tables have.
      remedy: enable row-level security in the migration that creates the table, and declare policies; or revoke the grants
      fix: alter table public."Odd, 100%" enable row level security

    error: authenticated may empty it [truncate-granted]
      --> public.tips (database/policies/tips.sql)
      why: TRUNCATE empties a table whatever its policies say: row-level security does not bind it. Supabase's default privileges grant it to everybody.
      remedy: revoke truncate
      fix: revoke truncate on public.tips from authenticated

    note: it has no primary key [no-primary-key]
      --> public.t
      why: A table has no primary key: a row of it cannot be named, replicated or mended alone, and a policy cannot lead to one.
      remedy: add a primary key

    note: truncate-granted finds nothing that it covers [unused-waiver]
      --> database/policies/audit.toml:8:10
         |
       8 | object = "public.comments"
         |          ^^^^^^^^^^^^^^^^^
      why: A waiver waives nothing: what it was for is gone, or has another name, and it would hide the next one like it.
      remedy: remove the waiver, or name the object as it is called now

    waived: authenticated may empty it [truncate-granted]
      --> public.content
      because: it is emptied every night
    -- stderr
    -> (url)  SOCKET/DB as postgres
    3 checks: 2 errors, 2 notes, 1 waived finding
    -- exit 3
    "#);
}

#[test]
fn nothing_to_find_fault_with_is_said_so() {
    assert_snapshot!(run(&clean(), "", &[]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    3 checks: no findings
    -- exit 0
    ");
    // Waivers in the program are for the platform's schema; whoever has another cannot change them.
    let args = ["policy", "audit", "--check", "security-definer-view"];
    let outcome = Tool::new().on(&Database::empty()).run(&args).ok();
    assert!(outcome.stderr.contains("1 check: no findings"), "{outcome}");
    // A note is worth knowing and no reason to fail.
    let database = clean();
    database.sql("create table public.t (a int)");
    run(&database, "", &["-q"]).code(0);
}

#[test]
fn programs_read_findings_with_keys_that_stay() {
    let database = faulty();
    let findings = run(&database, WAIVERS, &["-o", "json"]).code(3).json();
    let finding = findings.as_array().unwrap().last().unwrap();
    assert_snapshot!(serde_json::to_string_pretty(finding).unwrap(), @r#"
    {
      "check": "truncate-granted",
      "why": "TRUNCATE empties a table whatever its policies say: row-level security does not bind it. Supabase's default privileges grant it to everybody.",
      "remedy": "revoke truncate",
      "splinter": [],
      "level": "waived",
      "object": "public.content",
      "detail": "authenticated may empty it",
      "fix": "revoke truncate on public.content from authenticated",
      "because": "it is emptied every night",
      "file": null
    }
    "#);
    let rows = run(&database, WAIVERS, &["-o", "csv"]).stdout;
    assert_snapshot!(rows.lines().next().unwrap(), @"check,level,object,detail,why,remedy,fix,because,file");
    assert_eq!(rows.lines().count(), 6);
}

#[test]
fn github_is_told_of_objects_without_a_file_too() {
    assert_snapshot!(run(&faulty(), WAIVERS, &["-o", "github"]), @r#"
    -- stdout
    ::error title=rls-disabled::public."Odd, 100%25": granted to anon, authenticated while row-level security is off%0Awhy: A table without row-level security is reachable. Whoever may act as one of these roles reads or changes every row the grant covers, whatever policies other tables have.%0Aremedy: enable row-level security in the migration that creates the table, and declare policies; or revoke the grants%0Afix: alter table public."Odd, 100%25" enable row level security
    ::error file=database/policies/tips.sql,title=truncate-granted::public.tips: authenticated may empty it%0Awhy: TRUNCATE empties a table whatever its policies say: row-level security does not bind it. Supabase's default privileges grant it to everybody.%0Aremedy: revoke truncate%0Afix: revoke truncate on public.tips from authenticated
    ::notice title=no-primary-key::public.t: it has no primary key%0Awhy: A table has no primary key: a row of it cannot be named, replicated or mended alone, and a policy cannot lead to one.%0Aremedy: add a primary key
    ::notice file=database/policies/audit.toml,line=8,endLine=8,col=10,endColumn=27,title=unused-waiver::truncate-granted finds nothing that it covers%0Awhy: A waiver waives nothing: what it was for is gone, or has another name, and it would hide the next one like it.%0Aremedy: remove the waiver, or name the object as it is called now
    ::notice title=truncate-granted::public.content: authenticated may empty it%0Abecause: it is emptied every night
    -- stderr
    -> (url)  SOCKET/DB as postgres
    -- exit 3
    "#);
}

/// What the schema of SARIF 2.1.0 requires, and what tools that read it do.
fn is_sarif(document: &Value) {
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "toysoldiers");
    let rules = driver["rules"].as_array().unwrap();
    let levels = ["error", "warning", "note"];
    for rule in rules {
        for key in ["shortDescription", "fullDescription", "help"] {
            assert!(!rule[key]["text"].as_str().unwrap().is_empty(), "{rule}");
        }
        let level = rule["defaultConfiguration"]["level"].as_str().unwrap();
        assert!(levels.contains(&level), "{rule}");
    }
    let mut prints = BTreeSet::new();
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(
            levels.contains(&result["level"].as_str().unwrap()),
            "{result}"
        );
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let location = &result["locations"][0];
        let physical = &location["physicalLocation"];
        assert!(
            physical.is_object() || location["logicalLocations"].is_array(),
            "{result}"
        );
        if physical.is_object() {
            let uri = physical["artifactLocation"]["uri"].as_str().unwrap();
            assert!(!uri.contains([' ', '%', '"']), "{uri}");
        }
        let print = result["partialFingerprints"]["toysoldiers/v1"]
            .as_str()
            .unwrap();
        assert!(prints.insert(print.to_owned()), "{print} twice");
        for suppression in result["suppressions"].as_array().unwrap() {
            let kind = suppression["kind"].as_str().unwrap();
            assert!(["inSource", "external"].contains(&kind), "{suppression}");
            assert!(suppression["justification"].is_string(), "{suppression}");
        }
    }
}

#[test]
fn sarif_is_what_its_schema_says_and_stays_the_same() {
    let database = faulty();
    let outcome = run(&database, WAIVERS, &["-o", "sarif"]).code(3);
    let document = outcome.json();
    is_sarif(&document);
    let results = document["runs"][0]["results"].as_array().unwrap();
    let of = |object: &str| {
        results
            .iter()
            .find(|result| {
                result["message"]["text"]
                    .as_str()
                    .unwrap()
                    .starts_with(object)
            })
            .unwrap()
    };
    assert_snapshot!(serde_json::to_string_pretty(of("public.tips")).unwrap(), @r#"
    {
      "ruleId": "truncate-granted",
      "ruleIndex": 1,
      "level": "error",
      "message": {
        "text": "public.tips: authenticated may empty it\nfix: revoke truncate on public.tips from authenticated"
      },
      "locations": [
        {
          "physicalLocation": {
            "artifactLocation": {
              "uri": "database/policies/tips.sql",
              "uriBaseId": "%SRCROOT%"
            }
          },
          "logicalLocations": [
            {
              "fullyQualifiedName": "public.tips"
            }
          ]
        }
      ],
      "partialFingerprints": {
        "toysoldiers/v1": "1ea88d49773876fe82b36b0aee8be6fc:1"
      },
      "suppressions": []
    }
    "#);
    assert_eq!(
        of("public.content")["suppressions"][0]["justification"],
        "it is emptied every night"
    );
    assert_eq!(of("public.content")["level"], "error");
    database.sql("comment on table public.tips is 'changed'; create table public.u (a int)");
    let again = run(&database, WAIVERS, &["-o", "sarif"]).json();
    let again = again["runs"][0]["results"].as_array().unwrap();
    let print = |result: &Value| result["partialFingerprints"].clone();
    let again: Vec<Value> = again.iter().map(print).collect();
    assert!(results.iter().all(|result| again.contains(&print(result))));
}

#[test]
fn migrations_are_written_as_sarif_too_and_nothing_else_is() {
    let tool = Tool::new();
    tool.write(
        "001_a.sql",
        "-- toysoldiers: allow ban-drop-table because \"empty\"\ndrop table x;\n",
    );
    tool.write("002_b.sql", "delete from x;\n\ndelete from x;\n");
    let outcome = tool.run(&["migrate", "check", "001_a.sql", "002_b.sql", "-o", "sarif"]);
    let document = outcome.ok().json();
    is_sarif(&document);
    let results = document["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results[0]["suppressions"][0]["kind"], "inSource");
    assert_eq!(
        results[1]["locations"][0]["physicalLocation"]["region"]["startLine"],
        1
    );
    assert_eq!(
        results[2]["locations"][0]["physicalLocation"]["region"]["startLine"],
        3
    );
    assert_snapshot!(tool.run(&["policy", "list", "-o", "sarif"]), @"
    -- stderr
    error: invalid value 'sarif' for '--output <OUTPUT>'
      [possible values: table, json, csv, ndjson]

    For more information, try '--help'.
    -- exit 2
    ");
    assert_snapshot!(tool.run(&["policy", "audit", "--list", "-o", "sarif"]), @"
    -- stderr
    error: `policy audit --list` cannot be written as SARIF
      hint: take another `--output`: table, json, csv or ndjson
    -- exit 2
    ");
}

#[test]
fn what_audit_toml_says_wrong_has_its_place() {
    let database = Database::empty();
    assert_snapshot!(run(&database, "schema = [\"public\"]\n", &[]), @r#"
    -- stderr
    error: there is no key schema in database/policies/audit.toml
      --> database/policies/audit.toml:1:1
         |
       1 | schema = ["public"]
         | ^^^^^^
      hint: did you mean `schemas`?
    -- exit 4
    "#);
    assert_snapshot!(
        run(&database, "\n[[waive]]\ncheck = \"truncat-granted\"\nobject = \"*\"\nbecause = \"x\"\n", &[]),
        @r#"
    -- stderr
    error: there is no check truncat-granted to waive
      --> database/policies/audit.toml:3:9
         |
       3 | check = "truncat-granted"
         |         ^^^^^^^^^^^^^^^^^
      hint: did you mean `truncate-granted`?
    -- exit 4
    "#
    );
    assert_snapshot!(
        run(&database, "[[waive]]\ncheck = \"rls-disabled\"\nobject = \"public.t\"\nbecause = \"\"\n", &[]),
        @r#"
    -- stderr
    error: the waiver has no reason
      --> database/policies/audit.toml:4:11
         |
       4 | because = ""
         |           ^^
      hint: say in `because` why this is right, for whoever reads it in a year
    -- exit 4
    "#
    );
    assert_snapshot!(run(&database, "low_trust = \"anon\"\n", &[]), @r#"
    -- stderr
    error: database/policies/audit.toml cannot be read: invalid type: string "anon", expected a sequence
      --> database/policies/audit.toml:1:13
         |
       1 | low_trust = "anon"
         |             ^^^^^^
      hint: mend that line and try again
    -- exit 4
    "#);
}

#[test]
fn a_check_that_is_not_there_is_a_usage_error() {
    let tool = Tool::new();
    assert_snapshot!(tool.run(&["policy", "audit", "--check", "truncate"]), @"
    -- stderr
    error: there is no check truncate
      hint: did you mean `truncate-granted`?
    -- exit 2
    ");
}

#[test]
fn whom_and_what_to_look_at_can_be_told() {
    let database = faulty();
    database
        .sql("create schema closed; create table closed.t (a int); grant all on closed.t to anon");
    // Whoever is not there finds nothing, which is no all-clear.
    let config = "low_trust = [\"nobody_here\"]\nschemas = [\"closed\", \"not_here\"]\n";
    assert_snapshot!(run(&database, config, &[]), @"
    -- stdout
    note: it has no primary key [no-primary-key]
      --> closed.t
      why: A table has no primary key: a row of it cannot be named, replicated or mended alone, and a policy cannot lead to one.
      remedy: add a primary key
    -- stderr
    -> (url)  SOCKET/DB as postgres
    3 checks: 1 note
    this database has no role nobody_here and no schema not_here: nothing was looked for there
    -- exit 0
    ");
    let findings = run(&database, "schemas = [\"closed\"]\n", &["-o", "json"]).json();
    let objects: BTreeSet<&str> = findings
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["object"].as_str().unwrap())
        .collect();
    assert_eq!(objects, ["closed.t"].into());
}

#[test]
fn everything_can_be_waived_at_once() {
    let config = "[[waive]]\ncheck = \"truncate-granted\"\nobject = \"*\"\nbecause = \"a toy\"\n\
                  [[waive]]\ncheck = \"rls-disabled\"\nobject = 'public.\"Odd, 100%\"'\nbecause = \"a toy\"\n";
    let outcome = run(&faulty(), config, &[]);
    assert_snapshot!(outcome, @r#"
    -- stdout
    note: it has no primary key [no-primary-key]
      --> public.t
      why: A table has no primary key: a row of it cannot be named, replicated or mended alone, and a policy cannot lead to one.
      remedy: add a primary key

    waived: granted to anon, authenticated while row-level security is off [rls-disabled]
      --> public."Odd, 100%"
      because: a toy

    waived: authenticated may empty it [truncate-granted]
      --> public.content
      because: a toy

    waived: authenticated may empty it [truncate-granted]
      --> public.tips (database/policies/tips.sql)
      because: a toy
    -- stderr
    -> (url)  SOCKET/DB as postgres
    3 checks: 1 note, 3 waived findings
    -- exit 0
    "#);
}

#[test]
fn any_role_may_ask() {
    let database = faulty();
    let role = format!("{}_reader", database.name);
    database.sql(&format!("create role {role} login"));
    let as_owner = Tool::new()
        .on(&database)
        .run(&["policy", "audit", "-o", "json"]);
    let as_reader = Tool::new()
        .on_as(&database, &role)
        .run(&["policy", "audit", "-o", "json"]);
    let objects = |outcome: Outcome| {
        let findings = outcome.code(3).json();
        let findings = findings.as_array().unwrap().iter();
        let findings = findings.filter(|finding| finding["check"] != "bypassrls-role");
        findings
            .map(|finding| format!("{} {}", finding["check"], finding["object"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(objects(as_owner), objects(as_reader));
}

#[test]
fn calls_that_are_made_once_a_query_are_not_found_fault_with() {
    let database = clean();
    database.sql(
        "create policy a on public.tips for select to authenticated using (from_user = (select current_setting('app.user_id', true)::uuid));
         create policy b on public.tips for select to authenticated using (created_at < now() and status = lower('X'));
         create policy c on public.tips for select to authenticated
           using (to_creator in (select c.id from public.creators c where c.user_id = (select app.current_user_id())));
         create policy d on public.content for select to authenticated using (array_to_string(tags, ',') = 'x');
         create policy e on public.tips for select to authenticated using (created_at > timestamptz '2026-01-01' and id::text <> current_user)",
    );
    let tool = Tool::new().on(&database);
    assert_eq!(found(&tool, "unwrapped-call"), [""; 0]);
}

#[test]
fn recursion_is_told_from_what_only_looks_like_it() {
    let role = "set role authenticated";
    // The server is asked as well: both say the same.
    for (sql, query, recurses) in [
        (
            "create policy itself on public.tips for select to authenticated using (exists (select from public.tips other where other.id = tips.id))",
            "select id from public.tips",
            true,
        ),
        (
            "create policy onward on public.content for select to authenticated using (exists (select from public.comments c where c.content_id = content.id))",
            "select id from public.comments",
            true,
        ),
        // Reading the own table is fine while its policies for reading hold no query.
        (
            "drop policy users_read on public.users; create policy reads on public.users for select to authenticated using (true);
             create policy writes on public.users for update to authenticated using (id = (select other.id from public.users other limit 1));
             grant update (role) on public.users to authenticated",
            "update public.users set role = 'fan'",
            false,
        ),
        (
            "create policy writes on public.users for update to authenticated using (id = (select other.id from public.users other limit 1));
             grant update (role) on public.users to authenticated",
            "update public.users set role = 'fan'",
            true,
        ),
        // The way back is another role's.
        (
            "create policy onward on public.content for select to service_role using (exists (select from public.comments c where c.content_id = content.id))",
            "select id from public.comments",
            false,
        ),
        // By way of a view with the rights of its reader.
        (
            "create view public.v with (security_invoker) as select id from public.content; grant select on public.v to authenticated;
             create policy onward on public.content for select to authenticated using (exists (select from public.v where v.id = content.id))",
            "select id from public.content",
            true,
        ),
        // By way of one with the rights of its owner, whom policies do not bind.
        (
            "create view public.v as select id from public.content; grant select on public.v to authenticated;
             create policy onward on public.content for select to authenticated using (exists (select from public.v where v.id = content.id))",
            "select id from public.content",
            false,
        ),
    ] {
        if !understands(sql) {
            continue;
        }
        let database = clean();
        database.sql(sql);
        let answer = database.try_sql(&format!("begin; {role}; {query}"));
        let said = answer.err().is_some_and(|error| error.contains("infinite recursion"));
        let objects = found(&Tool::new().on(&database), "policy-recursion");
        assert_eq!((said, !objects.is_empty()), (recurses, recurses), "{sql} {objects:?}");
    }
}

#[test]
fn a_pooler_in_transaction_mode_is_asked_as_well() {
    let database = faulty();
    let bouncer = Bouncer::transaction(&database);
    let pooled = Tool::new().env("DATABASE_URL", &bouncer.url());
    let direct = Tool::new().on(&database);
    let objects = |tool: &Tool| {
        let findings = tool.run(&["policy", "audit", "-o", "json"]).code(3).json();
        let findings = findings.as_array().unwrap().iter();
        findings
            .filter(|finding| finding["check"] != "bypassrls-role")
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(objects(&pooled), objects(&direct));
}

#[test]
fn the_checks_there_are_can_be_listed_without_a_database() {
    let tool = Tool::new();
    let args = ["policy", "audit", "--list", "--check", "truncate-granted"];
    assert_snapshot!(tool.run(&args), @"
    -- stdout
    CHECK  LEVEL  SPLINTER  FINDS
    truncate-granted  error  -  TRUNCATE empties a table whatever its policies say
    -- stderr
    1 check
    -- exit 0
    ");
    let listed = tool.run(&["policy", "audit", "--list", "-o", "json"]).ok();
    let listed = listed.json();
    let listed = listed.as_array().unwrap();
    assert!(listed.len() > 40, "{listed:?}");
    // All of splinter's 28.
    let mut numbers = BTreeSet::new();
    for check in listed {
        let splinter = check["splinter"].as_array().unwrap().iter();
        numbers.extend(splinter.map(|number| number.as_str().unwrap()));
    }
    assert_eq!(numbers.len(), 28);
}

#[test]
fn what_hurts_nobody_is_not_found_fault_with() {
    let database = clean();
    let tool = Tool::new().on(&database);
    for (check, sql) in [
        // Nobody may use the schema.
        (
            "rls-disabled",
            "create schema inside; create table inside.t (a int); grant select on inside.t to anon",
        ),
        // Nobody may read the inner view, so reading the outer one is refused.
        (
            "nested-definer-view",
            "create schema hidden; create view hidden.v as select id from public.tips;
             create view public.outer_view with (security_invoker) as select id from hidden.v; grant select on public.outer_view to anon",
        ),
        // There is no condition that one could get in front of.
        (
            "view-without-barrier",
            "create view public.everything as select id from public.tips; grant select on public.everything to anon",
        ),
        (
            "partition-reachable",
            "create table public.p (day date) partition by range (day); alter table public.p enable row level security;
             create table public.p_1 partition of public.p default; alter table public.p_1 enable row level security;
             grant select on public.p_1 to anon",
        ),
        (
            "function-executable-by-public",
            "create function app.on_change() returns trigger language plpgsql set search_path = '' as 'begin return new; end'",
        ),
        // Its names were looked up when it was made.
        (
            "function-search-path",
            "create function app.parsed() returns int language sql return 1",
        ),
        // A comment calls nothing.
        (
            "immutable-reads-settings",
            "create function app.constant() returns int language sql immutable set search_path = '' as '-- unlike current_setting\nselect 1'",
        ),
        (
            "policy-always-true",
            "create policy service on public.tips to service_role using (true) with check (true)",
        ),
        (
            "sensitive-column-readable",
            "create table public.facts (id uuid primary key, hashtag text, compassion text); grant select on public.facts to anon",
        ),
        // Nobody guesses a random id.
        (
            "unique-oracle",
            "create table public.notes (id uuid primary key, body text); alter table public.notes enable row level security;
             grant insert on public.notes to authenticated",
        ),
        (
            "unindexed-foreign-key",
            "drop index public.tips_from_user_idx; create index on public.tips (from_user) where from_user is not null",
        ),
        (
            "duplicate-index",
            "create index on public.content (creator_id desc); create index on public.content using hash (creator_id)",
        ),
        // What is compared with a constant would not be looked for in an index.
        (
            "policy-column-unindexed",
            "create policy c on public.tips for select to authenticated using (status = 'completed' and amount > from_user::text::numeric)",
        ),
        ("index-not-leakproof", "create index on public.content (title)"),
    ] {
        if !understands(sql) {
            continue;
        }
        // What the platform has is there before.
        let before = found(&tool, check);
        database.sql(sql);
        assert_eq!(found(&tool, check), before, "{check}");
    }
    // Written otherwise it is as much of a secret.
    database.sql("create table public.odd (\"apiKey\" text); grant select on public.odd to anon");
    assert_eq!(
        found(&tool, "sensitive-column-readable"),
        ["public.odd.\"apiKey\""]
    );
}

#[test]
fn what_a_role_may_become_counts_as_well() {
    let database = clean();
    let (anybody, other) = (
        format!("{}_anybody", database.name),
        format!("{}_other", database.name),
    );
    database.sql(&format!(
        "create role {other}; create role {anybody} noinherit; grant {other} to {anybody};
         grant truncate on public.tips to {other}"
    ));
    let config = format!("low_trust = [\"{anybody}\"]\n");
    let findings = run(&database, &config, &["-o", "json"]).code(3).json();
    assert_eq!(findings[0]["detail"], format!("{other} may empty it"));
    assert_eq!(findings[1], Value::Null);
}
