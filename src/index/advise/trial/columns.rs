//! Which columns a plan filters, sorts or joins by.
//!
//! They are read off the plan itself, as the server writes it: `alias.column` with every name in quotes that needs
//! them. Whether a word is a column of the table behind the alias is for whoever knows the table.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::pg::reader::Reader;

/// Where plans tell by what rows are found.
const CONDITIONS: [&str; 8] = [
    "Filter",
    "Index Cond",
    "Recheck Cond",
    "Join Filter",
    "Hash Cond",
    "Merge Cond",
    "Order By",
    "One-Time Filter",
];

/// Where they tell by what rows are put in order.
const ORDERS: [&str; 3] = ["Sort Key", "Presorted Key", "Group Key"];

/// A table of a plan: schema and name.
pub type Table = (String, String);

/// A column, and the order that is wanted of it: nothing, `desc`, `desc nulls last`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// The table.
    pub table: Table,
    /// The column's name.
    pub column: String,
    /// Its order.
    pub order: String,
}

/// What a plan says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Those rows are found by, and those they are put in order by.
    pub wanted: BTreeSet<Wanted>,
    /// Those of them that one order names one after the other.
    pub sorted: BTreeSet<(Wanted, Wanted)>,
}

/// The plan in what EXPLAIN says.
pub fn root(explained: &Value) -> &Value {
    &explained[0]["Plan"]
}

/// What it would cost, all of it.
pub fn cost(explained: &Value) -> f64 {
    root(explained)["Total Cost"].as_f64().unwrap_or(f64::MAX)
}

/// Whether a plan has an index of one of these names.
pub fn uses(plan: &Value, names: &[String]) -> bool {
    let is_it = plan["Index Name"]
        .as_str()
        .is_some_and(|name| names.iter().any(|other| other == name));
    is_it || below(plan).iter().any(|plan| uses(plan, names))
}

/// Reads a plan.
pub fn read(plan: &Value) -> Columns {
    let mut tables = BTreeMap::new();
    gather(plan, &mut tables);
    let mut columns = Columns::default();
    walk(plan, &tables, &mut columns);
    columns
}

/// The tables there are, by what the plan calls them.
fn gather(plan: &Value, tables: &mut BTreeMap<String, Table>) {
    let word = |key: &str| plan[key].as_str().map(str::to_owned);
    if let (Some(alias), Some(schema), Some(name)) =
        (word("Alias"), word("Schema"), word("Relation Name"))
    {
        tables.insert(alias, (schema, name));
    }
    for plan in below(plan) {
        gather(plan, tables);
    }
}

fn below(plan: &Value) -> &[Value] {
    plan["Plans"].as_array().map_or(&[], Vec::as_slice)
}

fn walk(plan: &Value, tables: &BTreeMap<String, Table>, columns: &mut Columns) {
    for key in CONDITIONS {
        for (alias, column) in plan[key].as_str().map(named).unwrap_or_default() {
            columns.wanted.extend(wanted(tables, &alias, column, ""));
        }
    }
    for key in ORDERS {
        let keys = plan[key].as_array().map_or(&[][..], Vec::as_slice);
        let keys: Vec<Option<Wanted>> = keys
            .iter()
            .map(|key| {
                let (alias, column, order) = ordered(key.as_str()?)?;
                wanted(tables, &alias, column, &order)
            })
            .collect();
        columns.wanted.extend(keys.iter().flatten().cloned());
        for pair in keys.windows(2) {
            if let [Some(first), Some(second)] = pair
                && first.table == second.table
            {
                columns.sorted.insert((first.clone(), second.clone()));
            }
        }
    }
    for plan in below(plan) {
        walk(plan, tables, columns);
    }
}

fn wanted(
    tables: &BTreeMap<String, Table>,
    alias: &str,
    column: String,
    order: &str,
) -> Option<Wanted> {
    Some(Wanted {
        table: tables.get(alias)?.clone(),
        column,
        order: order.to_owned(),
    })
}

/// Every `alias.column` in a text.
fn named(text: &str) -> Vec<(String, String)> {
    let mut reader = Reader::new(text, 0..text.len());
    let mut found = Vec::new();
    while !reader.is_done() {
        match reader.qualified("a name") {
            Ok(name) => {
                if let Some(alias) = name.schema {
                    found.push((alias, name.name));
                }
            }
            Err(_) => reader.skip(),
        }
    }
    found
}

/// A key of an order that is a column and nothing else: `t.created_at DESC NULLS LAST`.
fn ordered(text: &str) -> Option<(String, String, String)> {
    let mut reader = Reader::new(text, 0..text.len());
    let name = reader.qualified("a name").ok()?;
    let mut order = Vec::new();
    while let Some(word) = reader.word() {
        if !["desc", "asc", "nulls", "first", "last"].contains(&word.as_str()) {
            return None;
        }
        order.push(word);
    }
    reader.done().ok()?;
    Some((name.schema?, name.name, order.join(" ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_and_orders_name_columns_of_the_tables_there_are() {
        let plan = json!({
            "Node Type": "Sort",
            "Sort Key": ["t.created_at DESC", "t.id", "(lower(t.status))", "(count(*))"],
            "Plans": [{
                "Node Type": "Hash Join",
                "Hash Cond": "(c.id = t.to_creator)",
                "Plans": [
                    {
                        "Node Type": "Seq Scan", "Schema": "public", "Relation Name": "tips", "Alias": "t",
                        "Filter": "((t.status = 'a.b'::text) AND (t.\"Odd name\" > $1) AND (stranger.x = 1))",
                    },
                    { "Node Type": "Seq Scan", "Schema": "public", "Relation Name": "creators", "Alias": "c" },
                ],
            }],
        });
        let Columns { wanted, sorted } = read(&plan);
        let shown =
            |wanted: &Wanted| format!("{}.{} {}", wanted.table.1, wanted.column, wanted.order);
        let names: Vec<String> = wanted.iter().map(shown).collect();
        assert_eq!(
            names,
            [
                "creators.id ",
                "tips.Odd name ",
                "tips.created_at desc",
                "tips.id ",
                "tips.status ",
                "tips.to_creator ",
            ]
        );
        let pairs: Vec<String> = sorted
            .iter()
            .map(|(first, second)| format!("{}, {}", shown(first), shown(second)))
            .collect();
        assert_eq!(pairs, ["tips.created_at desc, tips.id "]);
        assert_eq!(read(&json!(null)), Columns::default());
    }

    #[test]
    fn an_index_is_found_however_deep() {
        let plan = json!({ "Plans": [{ "Plans": [{ "Index Name": "<1>a" }] }] });
        assert!(uses(&plan, &["<1>a".to_owned()]));
        assert!(!uses(&plan, &["<2>a".to_owned()]));
    }
}
