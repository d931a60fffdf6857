//! Values of a matrix on their way into SQL.

use toml::de::DeValue;

use super::document::{Document, Item};
use crate::error::Result;
use crate::pg::ident::Literal;

/// Whoever asks, in a value.
const ME: &str = "@me";

/// A value. It enters SQL in quotes whatever it is, so that the server reads it as what its column is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// As the server reads it.
    Text(String),
    /// An array.
    List(Vec<Self>),
    /// The identity of whoever asks; null without one.
    Me,
}

impl Value {
    /// For SQL, asked by somebody of this identity.
    pub fn sql(&self, me: Option<&str>) -> String {
        match self {
            Self::Text(text) => Literal(text).to_string(),
            Self::Me => me.map_or_else(|| "null".to_owned(), |me| Literal(me).to_string()),
            Self::List(_) => Literal(&self.element(me)).to_string(),
        }
    }

    /// As an element of an array, or as the array itself, in the server's own form.
    fn element(&self, me: Option<&str>) -> String {
        let quoted = |text: &str| {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{text}\"")
        };
        match self {
            Self::Text(text) => quoted(text),
            Self::Me => me.map_or_else(|| "null".to_owned(), quoted),
            Self::List(values) => {
                let values: Vec<String> = values.iter().map(|value| value.element(me)).collect();
                format!("{{{}}}", values.join(","))
            }
        }
    }
}

/// What stands in the file before references are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Raw {
    Text(String),
    List(Vec<Raw>),
    Me,
    /// `@table.row.column`, and where it stands.
    Reference(String, std::ops::Range<usize>),
}

/// Reads a value; `what` is what it is called.
pub(super) fn read<'a>(document: &Document<'a>, item: &Item<'a>, what: &str) -> Result<Raw> {
    Ok(match item.get_ref() {
        DeValue::String(text) => match text.strip_prefix('@') {
            None => Raw::Text(text.to_string()),
            Some(rest) if rest.starts_with('@') => Raw::Text(rest.to_owned()),
            Some(_) if text == ME => Raw::Me,
            Some(rest) => Raw::Reference(rest.to_owned(), item.span()),
        },
        DeValue::Integer(number) => {
            let value = i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| {
                document
                    .error(&item.span(), format!("{what} is too large a number"))
                    .hint("write it as a text in quotes")
            })?;
            Raw::Text(value.to_string())
        }
        DeValue::Float(number) => Raw::Text(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Raw::Text(flag.to_string()),
        DeValue::Datetime(time) => Raw::Text(time.to_string()),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| read(document, item, what));
            Raw::List(items.collect::<Result<_>>()?)
        }
        DeValue::Table(_) => {
            return Err(document
                .error(&item.span(), format!("{what} is a table, which is no value"))
                .hint("write JSON as a text in quotes; a table of another schema is [rows.\"schema.table\"]").into());
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_leave_their_quotes() {
        let text = Value::Text("it's".to_owned());
        assert_eq!(text.sql(None), "E'it''s'");
        assert_eq!(Value::Me.sql(None), "null");
        assert_eq!(Value::Me.sql(Some("a'b")), "E'a''b'");
        // Twice: once as an element of the array, once as a text.
        let list = Value::List(vec![
            Value::Text("a\"b".to_owned()),
            Value::Me,
            Value::List(vec![Value::Text("\\".to_owned())]),
        ]);
        assert_eq!(list.sql(None), r#"E'{"a\\"b",null,{"\\\\"}}'"#);
        assert_eq!(Value::List(Vec::new()).sql(None), "E'{}'");
    }
}
