//! A TOML text, read value by value, so that whatever is wrong in it has its place.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use super::Word;
use crate::error::{Error, Excerpt, Result, nearest};

/// A key with its place.
pub(super) type Key<'a> = Spanned<DeString<'a>>;

/// A value with its place.
pub(super) type Item<'a> = Spanned<DeValue<'a>>;

/// The text, for showing places in it.
#[derive(Clone, Copy)]
pub(super) struct Document<'a> {
    path: &'a str,
    text: &'a str,
}

impl<'a> Document<'a> {
    /// The text as a tree.
    pub(super) fn parse(path: &'a str, text: &'a str) -> Result<(Self, Spanned<DeTable<'a>>)> {
        let document = Self { path, text };
        match DeTable::parse(text) {
            Ok(table) => Ok((document, table)),
            Err(error) => {
                let what = error.message().lines().next().unwrap_or("it is no TOML");
                let span = error.span().unwrap_or(0..0);
                let message = format!("{path} cannot be read: {}", what.replace('`', ""));
                Err(document
                    .error(&span, message)
                    .hint("mend that line and try again")
                    .into())
            }
        }
    }

    /// A place in it.
    pub(super) fn place(&self, span: &Range<usize>) -> Excerpt {
        Excerpt::new(self.path, self.text, span.start, span.len())
    }

    /// Something wrong at a place in it.
    pub(super) fn error(&self, span: &Range<usize>, message: impl Into<String>) -> Error {
        Error::configuration(message).at(self.place(span))
    }

    /// A key as a word.
    pub(super) fn word(&self, key: &Key<'_>) -> Word {
        Word {
            text: key.get_ref().to_string(),
            place: self.place(&key.span()),
        }
    }

    /// There is nothing of that name; `what` says of what: `there is no actor`.
    pub(super) fn unknown<'n>(
        &self,
        span: &Range<usize>,
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'n str> + Clone,
    ) -> Error {
        let error = self.error(span, format!("{what} {name}"));
        if let Some(near) = nearest(name, known.clone()) {
            return error.hint(format!("did you mean `{near}`?"));
        }
        let known: Vec<&str> = known.collect();
        error.hint(if known.is_empty() {
            "add it to the file, or correct the name".to_owned()
        } else {
            format!("there is {}", known.join(", "))
        })
    }

    /// The entries of a table in the order of the file; a key that is none of the known ones is refused.
    pub(super) fn entries<'t>(
        &self,
        table: &'t DeTable<'a>,
        known: &[&str],
    ) -> Result<Vec<(&'t Key<'a>, &'t Item<'a>)>> {
        let entries = in_order(table);
        for (key, _) in &entries {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                return Err(self
                    .unknown(&key.span(), "there is no key", name, known.iter().copied())
                    .into());
            }
        }
        Ok(entries)
    }

    pub(super) fn table<'t>(&self, item: &'t Item<'a>, what: &str) -> Result<&'t DeTable<'a>> {
        item.get_ref()
            .as_table()
            .ok_or_else(|| self.mistyped(item, what, "a table").into())
    }

    pub(super) fn array<'t>(&self, item: &'t Item<'a>, what: &str) -> Result<&'t DeArray<'a>> {
        item.get_ref()
            .as_array()
            .ok_or_else(|| self.mistyped(item, what, "a list").into())
    }

    /// A text that is not empty.
    pub(super) fn string(&self, item: &Item<'a>, what: &str) -> Result<Word> {
        let text = item
            .get_ref()
            .as_str()
            .ok_or_else(|| self.mistyped(item, what, "a text in quotes"))?;
        if text.is_empty() {
            return Err(self
                .error(&item.span(), format!("{what} is empty"))
                .hint("say something between the quotes, or leave the key out")
                .into());
        }
        Ok(Word {
            text: text.to_owned(),
            place: self.place(&item.span()),
        })
    }

    /// A list of texts, each with its place.
    pub(super) fn strings(&self, item: &Item<'a>, what: &str) -> Result<Vec<(Word, Range<usize>)>> {
        let items = self.array(item, what)?.iter();
        items
            .map(|item| Ok((self.string(item, what)?, item.span())))
            .collect()
    }

    pub(super) fn mistyped(&self, item: &Item<'a>, what: &str, wanted: &str) -> Error {
        let found = item.get_ref().type_str();
        self.error(
            &item.span(),
            format!("{what} is {wanted}, and not of type {found}"),
        )
        .hint("mend that value and try again")
    }
}

/// The entries of a table in the order of the file.
pub(super) fn in_order<'t, 'a>(table: &'t DeTable<'a>) -> Vec<(&'t Key<'a>, &'t Item<'a>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}
