//! Which function a GRANT means: its arguments as PostgreSQL reads them, each with a mode and a name if they are written.

use std::ops::Range;

use super::Refusal;
use crate::pg::reader::Reader;

/// Words that begin a type and cannot be the name of an argument.
const TYPE_WORDS: [&str; 20] = [
    "bigint",
    "bit",
    "boolean",
    "char",
    "character",
    "dec",
    "decimal",
    "float",
    "int",
    "integer",
    "interval",
    "national",
    "nchar",
    "numeric",
    "real",
    "setof",
    "smallint",
    "time",
    "timestamp",
    "varchar",
];

/// Where the types stand that tell the function from others of its name, in what stands between its parentheses. An
/// argument that only comes out is none of them.
pub(super) fn types(text: &str, inside: Range<usize>) -> Result<Vec<Range<usize>>, Refusal> {
    let mut reader = Reader::new(text, inside);
    let mut types = Vec::new();
    while !reader.is_done() {
        let mut comes_out = mode(&mut reader);
        if has_name(&reader) {
            reader.skip();
            comes_out |= mode(&mut reader);
        }
        let start = reader.place().start;
        while !(reader.is_done() || sees_end(&reader)) {
            reader.pass();
        }
        if start >= reader.end() {
            return Ok(reader.misread("the type of an argument")?);
        }
        if !comes_out {
            types.push(start..reader.end());
        }
        // A default value, as `\df` shows it, tells no function from another.
        while !(reader.is_done() || reader.sees_comma()) {
            reader.pass();
        }
        if reader.comma() && reader.is_done() {
            return Ok(reader.misread("another argument")?);
        }
    }
    Ok(types)
}

/// Whether an argument that is written like this only comes out.
fn mode(reader: &mut Reader<'_>) -> bool {
    if reader.take(&["out"]) {
        return true;
    }
    // `IN OUT` is one, too.
    if reader.take(&["in"]) {
        reader.take(&["out"]);
    } else if !reader.take(&["inout"]) {
        reader.take(&["variadic"]);
    }
    false
}

/// Whether the name of an argument comes next, and its type after it.
fn has_name(reader: &Reader<'_>) -> bool {
    reader.sees_two_names()
        && !TYPE_WORDS.iter().any(|word| reader.sees(&[word]))
        && !reader.sees(&["double", "precision"])
        && !["array", "default"]
            .iter()
            .any(|word| reader.sees_second(word))
}

fn sees_end(reader: &Reader<'_>) -> bool {
    reader.sees_comma() || reader.sees_equals() || reader.sees(&["default"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<&str> {
        let types = types(text, 0..text.len()).expect(text);
        types.into_iter().map(|span| &text[span]).collect()
    }

    #[test]
    fn types_are_what_is_left_of_modes_names_and_defaults() {
        for (text, types) in [
            ("", &[][..]),
            ("a int, variadic b text[]", &["int", "text[]"]),
            (
                "IN a integer, OUT b text, INOUT c date",
                &["integer", "date"],
            ),
            ("in out a int, b out int, c in int", &["int", "int"]),
            (
                "double precision, a double precision",
                &["double precision", "double precision"],
            ),
            (
                "timestamp with time zone, \"At\" timestamp(3) without time zone",
                &["timestamp with time zone", "timestamp(3) without time zone"],
            ),
            (
                "a numeric(8, 2) default 1.5, b text = 'a, b'",
                &["numeric(8, 2)", "text"],
            ),
            ("a int[] default array[1, 2], b int", &["int[]", "int"]),
            (
                "app.kind, a app.\"Kind\"[], int array[3], k array",
                &["app.kind", "app.\"Kind\"[]", "int array[3]", "k array"],
            ),
            (
                "a -- the first, of two\n int, /* b, */ character varying",
                &["int", "character varying"],
            ),
            ("double, t users.id%type", &["double", "users.id%type"]),
        ] {
            assert_eq!(read(text), types, "{text}");
        }
    }

    #[test]
    fn an_argument_without_a_type_is_none() {
        for text in ["int,", "a int, , b int", "variadic", "default 1"] {
            assert!(types(text, 0..text.len()).is_err(), "{text}");
        }
    }
}
