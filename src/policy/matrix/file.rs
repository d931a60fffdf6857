//! The file of a matrix: who asks, for which rows, and what happens.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use super::document::{Document, Item, in_order};
use super::row::Drafts;
use super::{Actor, Matrix, probe};
use crate::error::Result;
use crate::pg::session::SearchPath;

/// What a text says; `path` is what it is called.
pub(super) fn parse(path: &str, text: &str) -> Result<Matrix> {
    let (document, root) = Document::parse(path, text)?;
    let root: &DeTable<'_> = root.get_ref();
    let entries = document.entries(root, &["actors", "rows", "probe", "fixtures_as"])?;
    let find = |name: &str| {
        let mut entries = entries.iter();
        let found = entries.find(|(key, _)| key.get_ref() == name);
        found.map(|(_, item)| *item)
    };
    let drafts = Drafts::read(document, find("rows"))?;
    let actors = actors(document, find("actors"), &drafts)?;
    let mut probes = Vec::new();
    if let Some(item) = find("probe") {
        for item in document.array(item, "probe")? {
            probes.push(probe::read(document, item, &drafts, &actors)?);
        }
    }
    if probes.is_empty() {
        return Err(document
            .error(&(0..0), format!("{path} asks nothing"))
            .hint("add a [[probe]]: a table, what is asked of it, and what everybody comes to")
            .into());
    }
    let fixtures_as = find("fixtures_as")
        .map(|item| document.string(item, "fixtures_as"))
        .transpose()?;
    Ok(Matrix {
        search_path: SearchPath::Files,
        path: path.to_owned(),
        rows: drafts.finish()?,
        actors,
        probes,
        fixtures_as,
    })
}

fn actors<'a>(
    document: Document<'a>,
    item: Option<&Item<'a>>,
    drafts: &Drafts<'a>,
) -> Result<Vec<Actor>> {
    let mut actors = Vec::new();
    if let Some(item) = item {
        for (key, item) in in_order(document.table(item, "actors")?) {
            let name = key.get_ref().to_string();
            if name == "*" {
                return Err(document
                    .error(&key.span(), "\"*\" is everybody, and no name for an actor")
                    .hint("give the actor another name")
                    .into());
            }
            actors.push(actor(document, name, &key.span(), item, drafts)?);
        }
    }
    if actors.is_empty() {
        return Err(document
            .error(&(0..0), "nobody asks: there are no actors")
            .hint("say who: [actors] and, below it, anon = { role = \"anon\" }")
            .into());
    }
    Ok(actors)
}

fn actor<'a>(
    document: Document<'a>,
    name: String,
    span: &Range<usize>,
    item: &Spanned<toml::de::DeValue<'a>>,
    drafts: &Drafts<'a>,
) -> Result<Actor> {
    let (mut role, mut user) = (None, None);
    for (key, item) in document.entries(document.table(item, &name)?, &["role", "user"])? {
        if key.get_ref() == "role" {
            role = Some(document.string(item, "role")?);
        } else {
            user = Some(drafts.user(item)?);
        }
    }
    let role = role.ok_or_else(|| {
        document
            .error(span, format!("{name} has no role to ask as"))
            .hint("say which: role = \"authenticated\"")
    })?;
    Ok(Actor { name, role, user })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::super::{Action, Outcome, Target, Value};
    use super::*;

    const TEXT: &str = r#"
fixtures_as = "maker"
actors.zoe = { role = "r", user = "@b.second.owner" }
actors.adam = { role = "r" }
[rows.b]
second = { owner = "@app.a.first.id", amount = 1_000.50, at = 2026-01-02T03:04:05Z, flags = [true, 0x1f] }
[rows."app.a"]
first = { id = "@@x" }
[rows.c]
third = { id = -1 }
[[probe]]
table = "b"
case = "mine"
select = { owner = "@me" }
allowed = ["zoe"]
hidden = ["*"]
[[probe]]
table = "app.a"
delete = "first"
error = ["adam"]
sqlstate = "23503"
denied = ["zoe"]
"#;

    #[test]
    fn things_keep_the_order_of_the_file_and_references_lead_to_values() {
        let matrix = parse("m", TEXT).expect("makes sense");
        let actors: Vec<_> = matrix
            .actors
            .iter()
            .map(|actor| (actor.name.as_str(), actor.user.as_deref()))
            .collect();
        assert_eq!(actors, [("zoe", Some("@x")), ("adam", None)]);
        let rows: Vec<String> = matrix
            .rows
            .iter()
            .map(|row| format!("{}.{}", row.table.sql(), row.name))
            .collect();
        assert_eq!(
            rows,
            [
                "\"public\".\"b\".second",
                "\"app\".\"a\".first",
                "\"public\".\"c\".third"
            ]
        );
        let values: Vec<String> = matrix.rows[0]
            .values
            .iter()
            .map(|pair| format!("{} {}", pair.column.text, pair.value.sql(None)))
            .collect();
        assert_eq!(
            values,
            [
                "owner E'@x'",
                "amount E'1000.50'",
                "at E'2026-01-02T03:04:05Z'",
                "flags E'{\"true\",\"31\"}'"
            ]
        );
        let [mine, gone] = matrix.probes.as_slice() else {
            panic!("two probes")
        };
        assert_eq!(
            (mine.title().as_str(), gone.title().as_str()),
            ("b, select, mine", "app.a, delete, first")
        );
        let Action::Select(Target::Condition(pairs), _) = &mine.action else {
            panic!("a condition")
        };
        assert_eq!(pairs[0].value, Value::Me);
        let expected: Vec<String> = gone.expected.iter().map(ToString::to_string).collect();
        assert_eq!(expected, ["denied", "error 23503"]);
        assert_eq!(mine.expected[1].outcome, Outcome::Hidden);
        assert_eq!(matrix.fixtures_as.expect("is said").text, "maker");
    }

    #[test]
    fn a_long_way_from_reference_to_reference_is_refused() {
        let mut text = "actors.a = { role = \"r\" }\n[rows.t]\n".to_owned();
        for number in 0..200 {
            let next = number + 1;
            let _ = writeln!(text, "r{number} = {{ id = \"@t.r{next}.id\" }}");
        }
        text.push_str(
            "r200 = { id = 1 }\n[[probe]]\ntable = \"t\"\ntruncate = true\nallowed = [\"*\"]\n",
        );
        let error = parse("m", &text).expect_err("is refused");
        assert_eq!(
            error.to_string(),
            "@t.r32.id leads on through too many rows"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = parse("m", &text);
        }

        /// Nor does one that nearly makes sense.
        #[test]
        fn no_edit_makes_it_panic(from in 0..TEXT.len(), length in 0_usize..40, other in "[\\[\\]{}\"@.=*a\n]{0,3}") {
            let to = (from + length).min(TEXT.len());
            let text = format!("{}{other}{}", &TEXT[..from], &TEXT[to..]);
            let _ = parse("m", &text);
        }
    }
}
