//! How full indexes are, measured.
//!
//! pgstatindex reads an index from end to end, and is asked about one at a time, outside of any snapshot. Where it is
//! not to be had, that is said, and nothing is estimated.

use std::fmt::Write as _;

use super::stock::Index;
use super::{Advice, Kind, Weight};
use crate::error::{self, Result, command};
use crate::pg::{Db, Ident, Query};
use crate::plan::Progress;

/// Smaller ones are not worth a look, in bytes.
const SMALL: i64 = 1 << 20;

/// Fuller ones are full enough: pages that were split in the middle again and again are half full.
const SPARSE: f64 = 50.0;

/// More room than this to be gained is worth a warning, in bytes.
const MUCH: i64 = 64 << 20;

/// How full pages of a btree are made, unless it says otherwise.
const FULL: f64 = 90.0;

crate::row! {
    /// Whether the functions of an extension can be called.
    pub struct Extension {
        /// Where they are; nothing if this database has not got it.
        pub schema: Option<String>,
        /// Whether this role may call what it takes.
        pub may_call: bool,
        /// Whether the server could have it.
        pub is_available: bool,
        /// This role.
        pub role: String,
    }
}

crate::row! {
    /// What pgstatindex says.
    pub struct Measured {
        /// How large the index is, in bytes.
        pub size: i64,
        /// How much of that is pages of entries.
        pub leaves: i64,
        /// How much of it is pages without any.
        pub idle: i64,
        /// How full the pages of entries are, in percent; nothing if there are none.
        pub density: Option<f64>,
    }
}

static EXTENSION: Query<Extension> = crate::query!("index/extension");
static THERE: Query<There> = crate::query!("index/there");

impl Extension {
    /// What this database has of an extension, and whether this role may call the function it is for.
    pub async fn of(db: &Db, name: &str, function: &str) -> Result<Self> {
        db.one(&EXTENSION, &[&name, &function]).await
    }
}

/// Measures what is worth it.
pub async fn measure(db: &Db, indexes: &[Index], progress: &dyn Progress) -> Result<Vec<Advice>> {
    let worthy: Vec<&Index> = indexes
        .iter()
        .filter(|index| index.method == "btree" && index.is_valid && index.is_permanent)
        .filter(|index| !index.is_partitioned && index.size >= SMALL)
        .collect();
    if worthy.is_empty() {
        return Ok(Vec::new());
    }
    let extension = Extension::of(db, "pgstattuple", "pgstatindex").await?;
    let Some(schema) = extension.schema.as_ref().filter(|_| extension.may_call) else {
        return Ok(vec![no_measure(&extension, db.server_major(), &worthy)]);
    };
    let query = Query::composed("index/density", question(schema));
    let mut advice = Vec::new();
    for (number, index) in (1..).zip(&worthy) {
        progress.working(&format!(
            "measuring {} ({number} of {})",
            index.object,
            worthy.len()
        ));
        match db.one(&query, &[&index.oid]).await {
            Ok(measured) => advice.extend(judge(index, &measured)),
            // Somebody dropped it meanwhile, holds a lock on it, or it takes too long. A replica's answer is for those
            // who can ask another server.
            Err(error) => match error::sqlstate(&error) {
                None | Some("40001") => return Err(error),
                Some("42704" | "XX000") if !is_there(db, index).await? => {}
                Some(_) => advice.push(not_measured(index, &error)),
            },
        }
    }
    Ok(advice)
}

fn question(schema: &str) -> String {
    format!(
        "select
            index_size as size,
            leaf_pages * current_setting('block_size')::bigint as leaves,
            (empty_pages + deleted_pages) * current_setting('block_size')::bigint as idle,
            nullif(avg_leaf_density, 'NaN')::float8 as density
        from {}.pgstatindex($1::bigint::oid::regclass)",
        Ident(schema)
    )
}

crate::row! {
    /// Whether something is there.
    pub struct There {
        /// Whether it is.
        pub there: bool,
    }
}

async fn is_there(db: &Db, index: &Index) -> Result<bool> {
    Ok(db.one(&THERE, &[&index.oid]).await?.there)
}

/// What a measurement comes to.
fn judge(index: &Index, measured: &Measured) -> Option<Advice> {
    let density = measured.density.unwrap_or(FULL);
    let is_sparse = density < SPARSE || measured.idle * 2 > measured.size;
    if !is_sparse {
        return None;
    }
    let full = fill(&index.options);
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    // Bytes of an index, and a share of them.
    let spare = (measured.leaves as f64 * (1.0 - density / full).max(0.0)) as i64 + measured.idle;
    let weight = if spare >= MUCH {
        Weight::Warning
    } else {
        Weight::Note
    };
    let mut evidence = format!("its pages are {density:.0} % full, as measured");
    if measured.idle > 0 {
        #[allow(clippy::cast_precision_loss)] // A share.
        let empty = measured.idle as f64 / measured.size.max(1) as f64 * 100.0;
        let _ = write!(evidence, ", and {empty:.0} % of them are empty");
    }
    let _ = write!(
        evidence,
        "; a rebuild fills them to {full:.0} % and gives back about {} MB",
        spare >> 20
    );
    Some(Advice {
        kind: Kind::LowDensity,
        weight,
        object: index.object.clone(),
        table: Some(index.on_table.clone()),
        evidence,
        size: Some(index.size),
        remedy: format!(
            "rebuild it: {}",
            command(format!("index rebuild {}", index.title()))
        ),
        sql: Some(format!("reindex index concurrently {}", index.object)),
        file: None,
        place: None,
    })
}

/// How full it is meant to be.
fn fill(options: &[String]) -> f64 {
    let told = options
        .iter()
        .find_map(|option| option.strip_prefix("fillfactor="));
    told.and_then(|text| text.parse().ok()).unwrap_or(FULL)
}

fn no_measure(extension: &Extension, major: u32, worthy: &[&Index]) -> Advice {
    let (evidence, remedy, sql) = if let Some(schema) = &extension.schema {
        (
            format!("the role {} may not call pgstatindex", extension.role),
            "ask as another role, or have the right granted".to_owned(),
            format!(
                "grant pg_stat_scan_tables to {0}; grant usage on schema {1} to {0}",
                Ident(&extension.role),
                Ident(schema)
            ),
        )
    } else {
        let remedy = if extension.is_available {
            "create the extension, on the primary".to_owned()
        } else {
            format!(
                "install postgresql-contrib on the server (Debian has it in postgresql-{major}), then create the extension, on the primary"
            )
        };
        (
            "this database has not got the extension pgstattuple".to_owned(),
            remedy,
            "create extension pgstattuple".to_owned(),
        )
    };
    Advice {
        kind: Kind::NotMeasurable,
        weight: Weight::Note,
        object: "density of indexes".to_owned(),
        table: None,
        evidence: format!(
            "how full {} of 1 MB and more {} is not measurable: {evidence}",
            match worthy.len() {
                1 => "the one btree index".to_owned(),
                count => format!("the {count} btree indexes"),
            },
            if worthy.len() == 1 { "is" } else { "are" },
        ),
        size: Some(worthy.iter().map(|index| index.size).sum()),
        remedy,
        sql: Some(sql),
        file: None,
        place: None,
    }
}

fn not_measured(index: &Index, error: &anyhow::Error) -> Advice {
    let told = error::explain(error);
    Advice {
        kind: Kind::NotMeasurable,
        weight: Weight::Note,
        object: index.object.clone(),
        table: Some(index.on_table.clone()),
        evidence: format!("how full it is could not be measured: {}", told.message),
        size: Some(index.size),
        remedy: told.hint().unwrap_or_else(|| "try again".to_owned()),
        sql: None,
        file: None,
        place: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::advise::stock::tests::index;

    const MB: i64 = 1 << 20;

    fn weight(size: i64, idle: i64, density: Option<f64>) -> Option<Weight> {
        let measured = Measured {
            size,
            leaves: size - idle,
            idle,
            density,
        };
        judge(&index("a: x"), &measured).map(|advice| advice.weight)
    }

    #[test]
    fn what_is_half_full_is_full_enough() {
        assert_eq!(weight(10 * MB, 0, Some(50.0)), None);
        assert_eq!(weight(10 * MB, 0, Some(49.9)), Some(Weight::Note));
        assert_eq!(weight(10 * MB, 5 * MB, Some(90.0)), None);
        assert_eq!(weight(10 * MB, 6 * MB, Some(90.0)), Some(Weight::Note));
        assert_eq!(weight(10 * MB, 9 * MB, None), Some(Weight::Note));
    }

    #[test]
    fn much_to_be_gained_is_worth_a_warning() {
        assert_eq!(weight(100 * MB, 0, Some(45.0)), Some(Weight::Note));
        assert_eq!(weight(200 * MB, 0, Some(45.0)), Some(Weight::Warning));
    }

    #[test]
    fn an_index_may_be_meant_to_be_less_full() {
        let told = |option: &str| format!("{:.0}", fill(&[option.to_owned()]));
        assert_eq!(told("fillfactor=60"), "60");
        assert_eq!(told("deduplicate_items=off"), "90");
    }

    #[test]
    fn what_is_missing_on_the_server_has_to_be_installed_first() {
        let extension = Extension {
            schema: None,
            may_call: false,
            is_available: false,
            role: "r".to_owned(),
        };
        let advice = no_measure(&extension, 16, &[&index("a: x")]);
        assert!(
            advice.remedy.starts_with(
                "install postgresql-contrib on the server (Debian has it in postgresql-16)"
            ),
            "{}",
            advice.remedy
        );
    }
}
