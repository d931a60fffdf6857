//! The statements of a matrix.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde_json::json;

use super::catalog::Catalog;
use super::{Action, Actor, Identity, Matrix, Pair, Probe, Relation, Row, Target};
use crate::error::Result;
use crate::pg::ident::Literal;
use crate::pg::{Db, Ident};

/// What the statements are made from.
#[derive(Clone, Copy)]
pub(super) struct Script<'a> {
    pub matrix: &'a Matrix,
    pub catalog: &'a Catalog,
    pub identity: Identity,
}

/// Ends what [`Script::opening`] has begun, and takes back everything since.
pub(super) const CLOSING: &str =
    "rollback to savepoint toysoldiers_matrix; release savepoint toysoldiers_matrix";

/// The statements of a cell before its probe: one takes back, one says who asks.
pub(super) const LEAD: usize = 2;

impl Script<'_> {
    /// Settings for what is to come. Locks are waited for here and once, and not in every cell.
    pub(super) fn opening(&self, db: &Db, deadline: Duration) -> String {
        let mut sql = "savepoint toysoldiers_matrix; set local row_security = off".to_owned();
        let _ = write!(
            sql,
            "; set local statement_timeout = {}",
            deadline.as_millis()
        );
        let search_path = self.matrix.search_path.in_transaction(db.endpoint());
        let views = db.read_views();
        let _ = write!(sql, "; {search_path}; {views}");
        let rows = self.matrix.rows.iter().map(|row| &row.table);
        let probes = self
            .matrix
            .probes
            .iter()
            .filter_map(|probe| probe.table.as_ref());
        let mut tables: Vec<String> = rows
            .chain(probes.map(|(table, _)| table))
            .filter(|table| self.catalog.find(table).is_some_and(|known| known.lockable))
            .map(Relation::sql)
            .collect();
        tables.sort();
        tables.dedup();
        if !tables.is_empty() {
            let _ = write!(
                sql,
                "; lock table {} in row exclusive mode",
                tables.join(", ")
            );
        }
        if let Some(role) = &self.matrix.fixtures_as {
            let _ = write!(sql, "; set local role {}", Ident(&role.text));
        }
        sql
    }

    /// Takes back what the cell before has done, and says who asks now.
    fn lead(&self, actor: &Actor) -> String {
        let user = actor.user.as_deref();
        let (claims, setting) = match (self.identity, user) {
            (Identity::Claims, Some(user)) => (
                json!({ "sub": user, "role": actor.role.text }).to_string(),
                "",
            ),
            (Identity::Setting, Some(user)) => (String::new(), user),
            (_, None) => (String::new(), ""),
        };
        let settings = [
            ("request.jwt.claims", claims.as_str()),
            ("app.user_id", setting),
            ("row_security", "on"),
            ("role", &actor.role.text),
        ];
        let settings = settings.map(|(name, value)| {
            format!(
                "pg_catalog.set_config({}, {}, true)",
                Literal(name),
                Literal(value)
            )
        });
        format!(
            "rollback to savepoint toysoldiers_cell; select {}",
            settings.join(", ")
        )
    }

    fn sql(&self, probe: &Probe, actor: &Actor) -> Result<String> {
        let me = actor.user.as_deref();
        let table = probe.table.as_ref().map(|(table, _)| table.sql());
        let table = table.unwrap_or_default();
        let key = |number: usize| -> Result<String> {
            if probe.blind {
                return Ok(format!(" where current of toysoldiers_row_{number}"));
            }
            let keys = self.catalog.keys(self.matrix, number, &probe.place)?;
            Ok(condition(keys, me))
        };
        Ok(match &probe.action {
            Action::Select(target, columns) => {
                let columns: Vec<String> = columns
                    .iter()
                    .map(|column| Ident(&column.text).to_string())
                    .collect();
                let condition = match target {
                    Target::Row(number) => key(*number)?,
                    Target::Condition(pairs) => condition(pairs, me),
                };
                format!(
                    "select {} from {table}{condition} limit 1",
                    columns.join(", ")
                )
            }
            Action::Insert(pairs) => insert(&table, pairs, "", me),
            Action::Update(number, set) => {
                let set: Vec<String> = set.iter().map(|pair| equation(pair, me)).collect();
                format!("update {table} set {}{}", set.join(", "), key(*number)?)
            }
            Action::Delete(number) => format!("delete from {table}{}", key(*number)?),
            // Whoever only gets a row of nulls gets nothing. The newline ends a comment.
            Action::Call(call) => format!(
                "select from {}\n as toysoldiers_found where not (toysoldiers_found is null) limit 1",
                call.text
            ),
            Action::Truncate => String::new(),
        })
    }

    /// Rows are made; cells begin. Whoever has made the rows, cells become who they are from whoever is connected. A
    /// row that is to be changed blindly has a cursor on it: nothing else names a row without reading any of it.
    pub(super) fn made(&self, probes: &[usize]) -> Result<String> {
        let probes = probes.iter().map(|number| &self.matrix.probes[*number]);
        let blind = probes.filter(|probe| probe.blind);
        let rows: BTreeMap<usize, &Probe> = blind
            .filter_map(|probe| Some((probe.row()?, probe)))
            .collect();
        let mut sql = String::new();
        for (number, probe) in rows {
            let keys = self.catalog.keys(self.matrix, number, &probe.place)?;
            let (table, condition) = (self.matrix.rows[number].table.sql(), condition(keys, None));
            let _ = write!(
                sql,
                "declare toysoldiers_row_{number} no scroll cursor for select 1 from {table}{condition}; \
                 move toysoldiers_row_{number}; "
            );
        }
        sql.push_str("savepoint toysoldiers_cell");
        Ok(sql)
    }

    /// Makes a row.
    pub(super) fn row(row: &Row) -> String {
        // A column the server counts by itself takes a number all the same.
        insert(
            &row.table.sql(),
            &row.values,
            " overriding system value",
            None,
        )
    }

    /// Asks.
    pub(super) fn cell(&self, probe: &Probe, actor: &Actor) -> Result<String> {
        Ok(format!("{};{}", self.lead(actor), self.sql(probe, actor)?))
    }
}

fn insert(table: &str, pairs: &[Pair], option: &str, me: Option<&str>) -> String {
    if pairs.is_empty() {
        return format!("insert into {table} default values");
    }
    let columns: Vec<String> = pairs
        .iter()
        .map(|pair| Ident(&pair.column.text).to_string())
        .collect();
    let values: Vec<String> = pairs.iter().map(|pair| pair.value.sql(me)).collect();
    format!(
        "insert into {table} ({}){option} values ({})",
        columns.join(", "),
        values.join(", ")
    )
}

fn equation(pair: &Pair, me: Option<&str>) -> String {
    format!("{} = {}", Ident(&pair.column.text), pair.value.sql(me))
}

fn condition<'a>(pairs: impl IntoIterator<Item = &'a Pair>, me: Option<&str>) -> String {
    let pairs: Vec<String> = pairs.into_iter().map(|pair| equation(pair, me)).collect();
    if pairs.is_empty() {
        String::new()
    } else {
        format!(" where {}", pairs.join(" and "))
    }
}
