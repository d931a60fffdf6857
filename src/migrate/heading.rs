//! The headings that pg_dump writes over what it writes: `-- Name: t; Type: TABLE; Schema: app; Owner: -`.
//!
//! In a function's body, a default or what is said about something anybody may write what looks like one: only what is a
//! comment to SQL is a heading.

use squawk_lexer::{TokenKind, tokenize};

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heading<'a> {
    /// Where its line begins, in bytes.
    pub start: usize,
    /// What is called so: `t`, `TABLE t` of rights on it.
    pub name: &'a str,
    /// `TABLE`, `ACL`
    pub kind: &'a str,
    /// `-` for what is in none.
    pub schema: &'a str,
}

/// Those of a dump, in order.
pub fn headings(dump: &str) -> impl Iterator<Item = Heading<'_>> {
    let mut end = 0;
    tokenize(dump).filter_map(move |token| {
        let start = end;
        end += token.len as usize;
        let is_line = start == 0 || dump[..start].ends_with('\n');
        if !is_line || !matches!(token.kind, TokenKind::LineComment) {
            return None;
        }
        let line = dump[start..end].trim_end_matches(['\n', '\r']);
        let (name, rest) = line.strip_prefix("-- Name: ")?.rsplit_once("; Type: ")?;
        let (kind, rest) = rest.split_once("; Schema: ")?;
        let schema = rest.split_once("; Owner");
        Some(Heading {
            start,
            name,
            kind,
            schema: schema.map_or(rest, |(schema, _)| schema),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_no_heading() {
        let fake = "-- Name: fake; Type: TABLE; Schema: public; Owner: -";
        let dump = format!(
            "--\n-- Name: a; Type: ACL; b; Type: TABLE; Schema: app; Owner: -\n--\n\n\
             CREATE TABLE app.\"x\n{fake}\n\" (\n    a text DEFAULT '\n{fake}\n',\n    b text DEFAULT E'\\'\n{fake}\n'\n);\n\
             COMMENT ON TABLE app.t IS '\n{fake}\n';\n\
             CREATE FUNCTION app.f() RETURNS void LANGUAGE sql AS $_$\n{fake}\n$_$;\n/*\n{fake}\n*/\n select 1; {fake}\n\
             --\n-- Name: f(); Type: FUNCTION; Schema: -\n--\n"
        );
        let found: Vec<_> = headings(&dump)
            .map(|one| {
                assert!(dump[one.start..].starts_with("-- Name: "));
                (one.name, one.kind, one.schema)
            })
            .collect();
        assert_eq!(
            found,
            [
                ("a; Type: ACL; b", "TABLE", "app"),
                ("f()", "FUNCTION", "-")
            ]
        );
    }
}
