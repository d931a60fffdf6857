//! Relations of a database: finding the one a person means.

use serde::Serialize;

use super::ident::{self, Ident};
use super::reader::Qualified;
use super::{Db, Query};
use crate::error::{Error, Result, command, nearest};

crate::row! {
    /// A table, a view, or whatever else has rows.
    #[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Relation {
        /// Its schema.
        pub schema: String,
        /// Its name.
        pub name: String,
    }
}

crate::row! {
    /// A column.
    pub struct Column {
        /// Its name.
        pub name: String,
    }
}

static ALL: Query<Relation> = crate::query!("relation/all");
static FAMILY: Query<Relation> = crate::query!("relation/family");
static COLUMNS: Query<Column> = crate::query!("relation/columns");

/// A relation as a person names it: `content`, `public.content`, `"Odd Name"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Its schema, if that was said.
    pub schema: Option<String>,
    /// Its name.
    pub name: String,
}

impl Named {
    /// Reads a name; nothing if the text is no name.
    pub fn parse(text: &str) -> Option<Self> {
        let (named, rest) = Self::first(text.trim())?;
        rest.is_empty().then_some(named)
    }

    /// The name a text begins with, and what follows it.
    pub fn first(text: &str) -> Option<(Self, &str)> {
        let (first, rest) = ident::first(text)?;
        let Some(below) = rest.strip_prefix('.') else {
            let name = first;
            return Some((Self { schema: None, name }, rest));
        };
        let (name, rest) = ident::first(below)?;
        let schema = Some(first);
        Some((Self { schema, name }, rest))
    }

    /// As SQL names it.
    pub fn sql(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", Ident(schema), Ident(&self.name)),
            None => Ident(&self.name).to_string(),
        }
    }

    /// The one of these that is meant: without a schema the one in public, else the only one of that name. An error
    /// that names the nearest if there is none.
    pub fn among(&self, relations: &[Relation]) -> Result<Relation> {
        let is_meant = |relation: &&Relation| {
            relation.name == self.name
                && self
                    .schema
                    .as_ref()
                    .is_none_or(|schema| *schema == relation.schema)
        };
        let found: Vec<&Relation> = relations.iter().filter(is_meant).collect();
        match found.as_slice() {
            [] => Err(self.unknown(relations)),
            [one] => Ok((*one).clone()),
            many => {
                if let Some(one) = many.iter().find(|relation| relation.schema == "public") {
                    return Ok((*one).clone());
                }
                let titles: Vec<String> = many.iter().map(|relation| relation.title()).collect();
                Err(
                    Error::failed(format!("{self} may be {}", titles.join(" or ")))
                        .hint("name its schema, too")
                        .into(),
                )
            }
        }
    }

    fn unknown(&self, relations: &[Relation]) -> anyhow::Error {
        let told = self.to_string();
        // Who leaves out the schema means the name.
        let written = |relation: &Relation| match self.schema {
            Some(_) => format!("{}.{}", relation.schema, relation.name),
            None => relation.name.clone(),
        };
        let names: Vec<String> = relations.iter().map(written).collect();
        let near = nearest(&told, names.iter().map(String::as_str));
        let near = near.and_then(|near| relations.iter().find(|other| written(other) == near));
        let error = Error::failed(format!("there is no table {told} in this database"));
        match near {
            Some(near) => error.hint(format!("did you mean {}?", near.title())),
            None => error.hint(command("psql -c '\\d'").hint("see the tables with {}")),
        }
        .into()
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl std::fmt::Display for Relation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.title())
    }
}

impl From<&Qualified> for Relation {
    /// The one in public if no schema is said.
    fn from(name: &Qualified) -> Self {
        Self::new(name.schema.as_deref().unwrap_or(PUBLIC), &name.name)
    }
}

/// The schema of a relation that names none.
pub const PUBLIC: &str = "public";

impl Relation {
    /// A relation.
    pub fn new(schema: &str, name: &str) -> Self {
        Self {
            schema: schema.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The relation a file of this name is about, in which a dot ends the schema: `content`, `app.content`,
    /// `"Odd.Name"`, `%4fdd%2eName`.
    pub fn written(stem: &str) -> Self {
        if let Some(named) = stem.contains('"').then(|| Named::parse(stem)).flatten() {
            return Self::new(named.schema.as_deref().unwrap_or(PUBLIC), &named.name);
        }
        let (schema, name) = stem.split_once('.').unwrap_or((PUBLIC, stem));
        Self::new(&decoded(schema), &decoded(name))
    }

    /// Whether a file of this name may be about it. A dot, or a percent sign, may be part of a name: what the file
    /// speaks of decides.
    pub fn is_named(&self, stem: &str) -> bool {
        let Self { schema, name } = self;
        stem == format!("{schema}.{name}")
            || (schema == PUBLIC && stem == name)
            || Self::written(stem) == *self
    }

    /// What the file about it is called, without its ending.
    pub fn stem(&self) -> String {
        let is_plain = |name: &str| {
            let is_odd = |letter: char| letter.is_control() || "./\\\"%:*?<>|".contains(letter);
            !name.contains(is_odd)
        };
        if !(is_plain(&self.schema) && is_plain(&self.name)) {
            return self
                .encoded(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte));
        }
        match self.schema.as_str() {
            // The file of that name is about functions.
            PUBLIC if self.name != "functions" => self.name.clone(),
            schema => format!("{schema}.{}", self.name),
        }
    }

    /// The same, where no other file of these names may have it, be it in capitals: many a disk does not tell them
    /// apart.
    pub fn stem_beside<'a>(&self, taken: &(impl Iterator<Item = &'a str> + Clone)) -> String {
        let is_free = |stem: &String| {
            let folded = stem.to_lowercase();
            !taken.clone().any(|other| other.to_lowercase() == folded)
        };
        let spelt =
            self.encoded(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte));
        let candidates = [self.stem(), spelt];
        let free = candidates.into_iter().find(is_free);
        free.unwrap_or_else(|| self.encoded(|_| false))
    }

    /// What the file about it is called where all bytes are spelt out but these.
    fn encoded(&self, stays: impl Fn(u8) -> bool) -> String {
        let encode = |name: &str| -> String {
            let bytes = name.bytes().map(|byte| {
                if stays(byte) {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02x}")
                }
            });
            bytes.collect()
        };
        match self.schema.as_str() {
            PUBLIC => encode(&self.name),
            schema => format!("{}.{}", encode(schema), encode(&self.name)),
        }
    }

    /// All of the platform's.
    pub async fn all(db: &Db) -> Result<Vec<Self>> {
        db.all(&ALL, &[]).await
    }

    /// It and whatever inherits from it.
    pub async fn family(&self, db: &Db) -> Result<Vec<Self>> {
        db.all(&FAMILY, &[&self.schema, &self.name]).await
    }

    /// The names of its columns.
    pub async fn columns(&self, db: &Db) -> Result<Vec<String>> {
        let columns = db.all(&COLUMNS, &[&self.schema, &self.name]).await?;
        Ok(columns.into_iter().map(|column| column.name).collect())
    }

    /// For people, who may type it again: those in public by their name alone.
    pub fn title(&self) -> String {
        let plain = |name: &str| {
            let is_plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            if name.bytes().all(is_plain) {
                name.to_owned()
            } else {
                Ident(name).to_string()
            }
        };
        if self.schema == PUBLIC {
            plain(&self.name)
        } else {
            format!("{}.{}", plain(&self.schema), plain(&self.name))
        }
    }

    /// For SQL.
    pub fn sql(&self) -> String {
        format!("{}.{}", Ident(&self.schema), Ident(&self.name))
    }
}

/// A name in which bytes may be spelt out: `%41`. What is not spelt right is meant as it stands.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let code = others
            .get(..2)
            .filter(|code| *first == b'%' && code.iter().all(u8::is_ascii_hexdigit));
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            bytes.push(byte);
            rest = &others[2..];
        } else {
            bytes.push(*first);
            rest = others;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn files_have_the_names_of_what_they_are_about() {
        for (schema, name, stem) in [
            ("public", "content", "content"),
            ("app", "content", "app.content"),
            ("public", "Users", "Users"),
            ("public", "functions", "public.functions"),
            ("public", "a.b", "a%2eb"),
            ("my.app", "a/b", "my%2eapp.a%2fb"),
            ("public", "50%", "50%25"),
            ("public", "größe", "größe"),
        ] {
            assert_eq!(Relation::new(schema, name).stem(), stem);
        }
        // A person may write what is there as well.
        assert!(Relation::new("public", "a.b").is_named("a.b"));
        assert!(Relation::new("public", "50%off").is_named("50%off"));
        assert!(!Relation::new("app", "content").is_named("content"));
    }

    #[test]
    fn names_that_differ_in_capitals_do_not_share_a_file() {
        let beside = |name: &str, taken: &[&str]| {
            Relation::new("app", name).stem_beside(&taken.iter().copied())
        };
        assert_eq!(beside("users", &["users"]), "app.users");
        assert_eq!(beside("Users", &["app.users"]), "app.%55sers");
        assert_eq!(beside("users", &["app.Users"]), "%61%70%70.%75%73%65%72%73");
    }

    proptest! {
        #[test]
        fn every_relation_has_a_file_that_is_about_it(schema in "[a-zA-Z./%é\"]{1,4}|public", name in "[a-zA-Z0-9./%é\" \n]{1,6}|functions") {
            let relation = Relation::new(&schema, &name);
            let stem = relation.stem();
            prop_assert!(relation.is_named(&stem));
            prop_assert_eq!(Relation::written(&stem), relation.clone());
            prop_assert!(!stem.contains('/') && stem != "functions");
            let taken = stem.to_uppercase();
            let other = relation.stem_beside(&[taken.as_str()].into_iter());
            prop_assert_eq!(Relation::written(&other), relation);
            prop_assert!(stem.contains('%') || other.to_lowercase() != taken.to_lowercase());
        }
    }

    #[test]
    fn a_name_may_have_a_schema_and_quotes() {
        let sql = |text: &str| Named::parse(text).map(|named| named.sql());
        assert_eq!(sql(" Content ").as_deref(), Some("\"content\""));
        assert_eq!(sql("app.\"A.b\"").as_deref(), Some("\"app\".\"A.b\""));
        for text in ["", "a b", "a.", "a.b.c", "a;", "1"] {
            assert_eq!(sql(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_alone_is_in_public_or_the_only_one() {
        let all = [
            Relation::new("app", "a"),
            Relation::new("public", "a"),
            Relation::new("app", "b"),
            Relation::new("app", "c"),
            Relation::new("other", "c"),
        ];
        let among = |text: &str| {
            let named = Named::parse(text).expect("is a name");
            named.among(&all).map(|relation| relation.title())
        };
        assert_eq!(among("a").expect("is there"), "a");
        assert_eq!(among("app.a").expect("is there"), "app.a");
        assert_eq!(among("b").expect("is there"), "app.b");
        let refusal = |text| among(text).expect_err("is refused").to_string();
        assert_eq!(refusal("c"), "c may be app.c or other.c");
        assert_eq!(refusal("d"), "there is no table d in this database");
    }
}
