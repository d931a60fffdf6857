use proptest::prelude::*;

use super::*;

fn object(kind: &str, name: &str, parent: Option<&str>, lines: &[&str]) -> Object {
    Object {
        kind: kind.to_owned(),
        schema: Some(name.split('.').next().unwrap_or_default().to_owned()),
        name: name.to_owned(),
        parent: parent.map(str::to_owned),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    }
}

fn told(declared: &[Object], found: &[Object]) -> Vec<String> {
    let catalog = |objects: &[Object]| objects.iter().cloned().collect::<Catalog>();
    differences(&catalog(declared), &catalog(found))
        .iter()
        .map(|difference| format!("{} {}", difference.state.word(), difference.object()))
        .collect()
}

#[test]
fn what_falls_with_a_table_is_not_told_again() {
    let table = object("table", "public.a", None, &["column id integer"]);
    let index = object("index", "public.a_id", Some("public.a"), &["x"]);
    let both = [table.clone(), index.clone()];
    assert_eq!(told(&both, &[]), ["missing table public.a"]);
    assert_eq!(told(&[], &both), ["extra table public.a"]);
    assert_eq!(
        told(&both, std::slice::from_ref(&table)),
        ["missing index public.a_id"]
    );
    assert_eq!(
        told(&[table], std::slice::from_ref(&index)),
        ["missing table public.a", "extra index public.a_id"]
    );
}

#[test]
fn columns_may_stand_anywhere_and_values_of_an_enum_may_not() {
    let turned = |kind| {
        let one = object(kind, "public.a", None, &["x", "y"]);
        let other = object(kind, "public.a", None, &["y", "x"]);
        told(&[one], &[other]).len()
    };
    assert_eq!(turned("table"), 0);
    assert_eq!(turned("enum"), 1);
}

#[test]
fn schemas_that_nobody_declares_are_named_and_not_compared() {
    let declared = Catalog::default();
    let found = [
        object("schema", "auth", None, &[]),
        object("table", "auth.users", None, &[]),
        object("table", "public.a", None, &[]),
    ];
    let comparison = compare(&declared, &found.into_iter().collect());
    let objects: Vec<String> = comparison
        .differences
        .iter()
        .map(Difference::object)
        .collect();
    assert_eq!(objects, ["table public.a"]);
    assert_eq!(
        comparison.notes,
        ["schemas that no migration mentions are not compared: auth"]
    );
}

#[test]
fn an_extension_is_there_or_not_whatever_its_version_and_its_schema() {
    let one = object("extension", "citext", None, &["version 1.6"]);
    let mut other = object("extension", "citext", None, &["version 1.5"]);
    other.schema = Some("extensions".to_owned());
    let catalog = |object: &Object| std::iter::once(object.clone()).collect::<Catalog>();
    let comparison = compare(&catalog(&one), &catalog(&other));
    assert_eq!(comparison.differences, []);
    assert_eq!(
        comparison.notes,
        ["the extension citext has version 1.6 on the scratch server and version 1.5 here"]
    );
    assert_eq!(
        compare(&Catalog::default(), &catalog(&other)).differences,
        []
    );
}

#[test]
fn of_a_text_the_lines_that_differ_are_shown() {
    let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<String>>();
    assert_eq!(
        changes(&lines("a b c d"), &lines("a x c d e")),
        ["- b", "+ x", "+ e"]
    );
}

fn catalogs() -> impl Strategy<Value = Catalog> {
    let one = (
        prop_oneof!["table", "view", "policy", "grants"],
        "[ab]\\.[a-c]",
        proptest::option::of("[ab]\\.[a-c]"),
        proptest::collection::vec("[a-c]", 0..4),
    );
    proptest::collection::vec(one, 0..12).prop_map(|objects| {
        objects
            .iter()
            .map(|(kind, name, parent, lines)| {
                let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
                object(kind, name, parent.as_deref(), &lines)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn nothing_differs_from_itself(catalog in catalogs()) {
        prop_assert_eq!(compare(&catalog, &catalog), Comparison::default());
    }

    /// Doing what is told to what is declared gives what was found.
    #[test]
    fn the_differences_lead_from_one_to_the_other(declared in catalogs(), found in catalogs()) {
        let mut made = declared.clone();
        for (object, difference) in all(&declared, &found) {
            let key = (difference.kind.clone(), difference.name.clone());
            match difference.found {
                Some(lines) => {
                    let object = Object { lines, ..object.clone() };
                    made.0.insert(key, object);
                }
                None => {
                    made.0.remove(&key);
                }
            }
        }
        prop_assert_eq!(made, found);
    }

    /// Nothing is told that is not so, and it is told once.
    #[test]
    fn what_is_told_is_among_all_there_is(declared in catalogs(), found in catalogs()) {
        let all: Vec<Difference> = all(&declared, &found).into_iter().map(|(_, difference)| difference).collect();
        let told = differences(&declared, &found);
        prop_assert!(told.iter().all(|difference| all.contains(difference)));
        let mut objects: Vec<String> = told.iter().map(Difference::object).collect();
        objects.sort();
        objects.dedup();
        prop_assert_eq!(objects.len(), told.len());
        // A difference is never hidden altogether.
        prop_assert_eq!(told.is_empty(), declared == found);
    }

    #[test]
    fn a_text_can_be_told_from_its_changes(
        first in proptest::collection::vec("[a-c]", 0..12),
        second in proptest::collection::vec("[a-c]", 0..12),
    ) {
        let sides = align(&first, &second);
        let of = |other: bool| -> Vec<String> {
            sides.iter().filter_map(|side| match side {
                Side::Both(line) => Some((*line).to_owned()),
                Side::First(line) if !other => Some((*line).to_owned()),
                Side::Second(line) if other => Some((*line).to_owned()),
                _ => None,
            }).collect()
        };
        prop_assert_eq!(of(false), first.clone());
        prop_assert_eq!(of(true), second.clone());
        prop_assert_eq!(changes(&first, &second).is_empty(), first == second);
    }
}
