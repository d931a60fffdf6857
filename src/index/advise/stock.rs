//! An index, as the catalog and the counters know it.

use jiff::Timestamp;

use crate::pg::relation::Relation;

crate::row! {
    /// An index. Counters and sizes of one on a partitioned table are those of its partitions together.
    pub struct Index {
        /// Its number.
        pub oid: i64,
        /// Its schema.
        pub schema: String,
        /// Its table.
        pub table: String,
        /// It, as SQL names it.
        pub object: String,
        /// Its table, as SQL names it.
        pub on_table: String,
        /// Its name.
        pub name: String,
        /// Its access method.
        pub method: String,
        /// Its keys; two are the same text only if they mean the same.
        pub keys: Vec<String>,
        /// Its keys, as people read them.
        pub columns: Vec<String>,
        /// Columns it only carries.
        pub included: Vec<String>,
        /// Which rows are in it.
        pub predicate: Option<String>,
        /// Its storage parameters.
        pub options: Vec<String>,
        /// Whether it is about more than columns.
        pub has_expression: bool,
        /// Whether it rejects rows.
        pub is_unique: bool,
        /// Whether queries may use it.
        pub is_valid: bool,
        /// Whether writes keep it up to date.
        pub is_ready: bool,
        /// Whether it stands for those of partitions.
        pub is_partitioned: bool,
        /// Whether it outlives a crash.
        pub is_permanent: bool,
        /// Whether a constraint, replication or an order of rows stands on it.
        pub is_needed: bool,
        /// Whether it belongs to one on a partitioned table.
        pub is_attached: bool,
        /// The foreign keys of its table that it helps.
        pub foreign_keys: Vec<String>,
        /// Partitions that have no valid part of it.
        pub unattached: Vec<String>,
        /// The process that builds it.
        pub builder: Option<i32>,
        /// Whether it may be that somebody builds it whom this role cannot see.
        pub may_be_built: bool,
        /// How often it was used.
        pub scans: i64,
        /// When it was used last, as far as the server knows.
        pub last_scan: Option<Timestamp>,
        /// How large it is, in bytes.
        pub size: i64,
        /// How often its table was read, by whatever way.
        pub reads: i64,
    }
}

impl Index {
    /// Its table.
    pub fn on(&self) -> Relation {
        Relation::new(&self.schema, &self.table)
    }

    /// As people name it.
    pub fn title(&self) -> String {
        Relation::new(&self.schema, &self.name).title()
    }

    /// Whether somebody could drop it without asking for more than its uses.
    pub fn is_droppable(&self) -> bool {
        self.is_valid && !self.is_unique && !self.is_needed && !self.is_attached
    }

    /// The statement that drops it: concurrently wherever PostgreSQL can.
    pub fn drop_sql(&self) -> String {
        let way = if self.is_partitioned {
            ""
        } else {
            "concurrently "
        };
        format!("drop index {way}{}", self.object)
    }
}

#[cfg(test)]
pub(in crate::index) mod tests {
    use super::*;

    /// A valid btree on public.t, like `a_idx: a, b`.
    pub(in crate::index::advise) fn index(text: &str) -> Index {
        let (name, columns) = text.split_once(": ").expect("has a name");
        let columns: Vec<String> = columns.split(", ").map(str::to_owned).collect();
        Index {
            oid: 0,
            schema: "public".to_owned(),
            table: "t".to_owned(),
            object: format!("public.{name}"),
            on_table: "public.t".to_owned(),
            name: name.to_owned(),
            method: "btree".to_owned(),
            keys: columns.clone(),
            columns,
            included: Vec::new(),
            predicate: None,
            options: Vec::new(),
            has_expression: false,
            is_unique: false,
            is_valid: true,
            is_ready: true,
            is_partitioned: false,
            is_permanent: true,
            is_needed: false,
            is_attached: false,
            foreign_keys: Vec::new(),
            unattached: Vec::new(),
            builder: None,
            may_be_built: false,
            scans: 0,
            last_scan: None,
            size: 8192,
            reads: 1000,
        }
    }
}
