//! Who wrote a dump, and what other versions would have written for the same database.

use std::borrow::Cow;
use std::collections::BTreeSet;

use squawk_lexer::{TokenKind, tokenize};

use super::{Piece, is_right};
use crate::migrate::heading::headings;
use crate::pg::sql::Statement;
use crate::pg::tools::major;

/// How the lines begin that name the versions: the server's and pg_dump's.
pub(super) const VERSIONS: [&str; 2] = [
    "-- Dumped from database version ",
    "-- Dumped by pg_dump version ",
];

/// All that can be granted on a table before PostgreSQL 17 came with one more.
const SEVEN: &str = "SELECT,INSERT,REFERENCES,DELETE,TRIGGER,TRUNCATE,UPDATE ON TABLE";

/// The line over the rights of the schema public, and how it stands after a statement.
const PUBLIC: &str = "-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: -";
const HEADING: &str = "\n\n\n--\n-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: -\n--\n\n";

/// The versions that wrote a dump.
#[derive(Debug)]
pub(super) struct Origin {
    server: u32,
    program: u32,
    /// What comes before `_COLUMN_not_null` in the names that PostgreSQL 18 makes up.
    tables: BTreeSet<String>,
}

impl Origin {
    /// As the dump itself says; where it does not, nothing is taken for old.
    pub(super) fn of(dump: &str) -> Self {
        let head = dump
            .lines()
            .take_while(|line| line.is_empty() || line.starts_with("--") || line.starts_with('\\'));
        let [server, program] = VERSIONS.map(|version| {
            let told = head.clone().find_map(|line| line.strip_prefix(version));
            told.map_or(u32::MAX, major)
        });
        let tables = headings(dump)
            .filter(|heading| matches!(heading.kind, "TABLE" | "FOREIGN TABLE"))
            .map(|heading| heading.name.to_owned());
        Self {
            server,
            program,
            tables: tables.collect(),
        }
    }

    /// The statement as every version would write it.
    pub(super) fn usual<'a>(&self, statement: &Statement<'a>) -> Cow<'a, str> {
        let text = statement.text;
        let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
        if is_right(&statement.words) {
            return Cow::Owned(self.usual_right(text));
        }
        match words.as_slice() {
            // PostgreSQL 17 says ONLY.
            ["alter", "foreign", "table", next, ..] if *next != "only" => {
                Cow::Owned(text.replacen("ALTER FOREIGN TABLE ", "ALTER FOREIGN TABLE ONLY ", 1))
            }
            ["create", "table", ..] | ["create", _, "table", ..] => {
                self.without_made_up_names(text)
            }
            _ => Cow::Borrowed(text),
        }
    }

    fn usual_right(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if self.server < 17 {
            text = text.replacen(SEVEN, "ALL ON TABLE", 1);
        }
        if text.starts_with("ALTER DEFAULT PRIVILEGES ") {
            // PostgreSQL 15 leaves two blanks.
            text = text.replacen("  TO ", " TO ", 1);
            text = text.replacen("  FROM ", " FROM ", 1);
        }
        text
    }

    /// Without the names of NOT NULL that PostgreSQL 18 makes up, of this table or of one that it is a part of. Earlier
    /// versions know none.
    fn without_made_up_names<'a>(&self, text: &'a str) -> Cow<'a, str> {
        const WORD: &str = " CONSTRAINT ";
        if !text.contains(WORD) || has_lines_within(text) {
            return Cow::Borrowed(text);
        }
        let lines: Vec<Cow<'_, str>> = text
            .split('\n')
            .map(|line| {
                let end = line.strip_suffix(',').unwrap_or(line);
                let end = end.strip_suffix(" NO INHERIT").unwrap_or(end);
                let named = end.strip_suffix(" NOT NULL").and_then(|named| {
                    let (column, name) = named.rsplit_once(WORD)?;
                    let column = column.strip_prefix("    ")?;
                    (is_one_name(name) && self.is_made_up(&bare(name), column)).then_some(name)
                });
                match named {
                    Some(name) => Cow::Owned(line.replacen(&format!("{WORD}{name} "), " ", 1)),
                    None => Cow::Borrowed(line),
                }
            })
            .collect();
        Cow::Owned(lines.join("\n"))
    }

    /// Whether it is what PostgreSQL calls the NOT NULL of a column: `TABLE_COLUMN_not_null`, and perhaps a number.
    fn is_made_up(&self, name: &str, column: &str) -> bool {
        let column = match column.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next().unwrap_or_default(),
            None => column.split(' ').next().unwrap_or_default(),
        };
        name.trim_end_matches(|letter: char| letter.is_ascii_digit())
            .strip_suffix("_not_null")
            .and_then(|name| name.strip_suffix(column)?.strip_suffix('_'))
            .is_some_and(|table| self.tables.contains(table))
    }

    /// What PUBLIC may do with the schema public, said in full. What goes without saying is another thing for pg_dump
    /// 15 than it was before, and for servers too.
    pub(super) fn settle_public(&self, pieces: &mut Vec<Piece<'_>>) {
        if self.server >= 15 {
            return;
        }
        // That it has no comment any more is told by some versions, and by none of a schema that keeps its own.
        pieces.retain(|piece| piece.text != "COMMENT ON SCHEMA public IS ''");
        let mut rights = BTreeSet::from(["USAGE"]);
        if self.program < 15 {
            rights.insert("CREATE");
        }
        let mut place = None;
        let mut kept = Vec::new();
        for piece in pieces.drain(..) {
            let Some((is_given, what)) = of_everyone(&piece.text) else {
                kept.push(piece);
                continue;
            };
            let all = ["USAGE", "CREATE"].into_iter();
            for right in all.filter(|right| what == "ALL" || what == *right) {
                if is_given {
                    rights.insert(right);
                } else {
                    rights.remove(right);
                }
            }
            place.get_or_insert((kept.len(), piece.between));
        }
        *pieces = kept;
        let (index, between) = place.unwrap_or_else(|| place_of_public(pieces));
        let revoke = "REVOKE ALL ON SCHEMA public FROM PUBLIC".to_owned();
        let what = if rights.len() == 2 {
            Some("ALL")
        } else {
            rights.first().copied()
        };
        let grant = what.map(|what| format!("GRANT {what} ON SCHEMA public TO PUBLIC"));
        let told = std::iter::once(revoke).chain(grant).enumerate();
        let told = told.map(|(number, text)| Piece {
            between: if number == 0 { between } else { "\n" },
            words: text.split(' ').map(str::to_ascii_lowercase).collect(),
            text: Cow::Owned(text),
        });
        let told: Vec<Piece<'_>> = told.collect();
        pieces.splice(index..index, told);
    }
}

/// Whether a statement gives or takes a right of everyone on the schema public, and which.
fn of_everyone(text: &str) -> Option<(bool, &str)> {
    let (verb, rest) = text.split_once(' ')?;
    let (what, whom) = rest.split_once(" ON SCHEMA public ")?;
    match (verb, whom) {
        ("GRANT", "TO PUBLIC") => Some((true, what)),
        ("REVOKE", "FROM PUBLIC") => Some((false, what)),
        _ => None,
    }
}

/// Where pg_dump writes the rights of the schema public, and what stands before them.
fn place_of_public<'a>(pieces: &mut [Piece<'a>]) -> (usize, &'a str) {
    if let Some(index) = pieces
        .iter()
        .position(|piece| piece.between.contains(PUBLIC))
    {
        return (index, std::mem::replace(&mut pieces[index].between, "\n"));
    }
    // They come last, in the order of their objects, with schemas before all others; event triggers come after them.
    let is_later = |piece: &Piece<'_>| {
        headings(piece.between).any(|heading| {
            let schema = heading.name.strip_prefix("SCHEMA ");
            let is_acl = heading.kind == "ACL" && schema.is_none_or(|schema| schema > "public");
            is_acl || matches!(heading.kind, "DEFAULT ACL" | "EVENT TRIGGER")
        })
    };
    let index = pieces.iter().position(is_later).unwrap_or(pieces.len());
    (index, HEADING)
}

/// Whether a line may end within a text, a quoted name or a comment: then a line is not what it looks like.
fn has_lines_within(statement: &str) -> bool {
    let mut at = 0;
    tokenize(statement).any(|token| {
        let end = at + token.len as usize;
        let word = &statement[at..end];
        at = end;
        token.kind != TokenKind::Whitespace && word.contains('\n')
    })
}

fn is_one_name(name: &str) -> bool {
    let mut tokens = tokenize(name);
    let first = tokens.next();
    let is_name = first.is_some_and(|token| {
        matches!(token.kind, TokenKind::Ident | TokenKind::QuotedIdent { .. })
    });
    is_name && tokens.next().is_none()
}

/// A name as it is, without what makes it one in SQL.
fn bare(name: &str) -> String {
    match name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'))
    {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::settled;

    /// What a database is to the versions that wrote these: the statements are as each of them wrote them.
    fn dumped(server: &str, program: &str, statements: &str) -> String {
        let dump = format!(
            "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version {server}\n\
             -- Dumped by pg_dump version {program}\n\n{statements}\n\n\
             --\n-- PostgreSQL database dump complete\n--\n\n"
        );
        settled(&dump).expect("can be read").text
    }

    const RIGHTS_15: &str = r#"--
-- Name: TABLE "We ird"; Type: ACL; Schema: app; Owner: -
--

REVOKE ALL ON TABLE app."We ird" FROM owner1;
GRANT SELECT,REFERENCES,DELETE,TRIGGER,TRUNCATE,UPDATE ON TABLE app."We ird" TO owner1;
GRANT ALL ON TABLE app."We ird" TO "We ird";
GRANT ALL ON TABLE app."We ird" TO writer WITH GRANT OPTION;


--
-- Name: DEFAULT PRIVILEGES FOR TABLES; Type: DEFAULT ACL; Schema: app; Owner: -
--

ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA app GRANT SELECT ON TABLES  TO anon;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA app GRANT ALL ON TABLES  TO writer;


--
-- Name: DEFAULT PRIVILEGES FOR FUNCTIONS; Type: DEFAULT ACL; Schema: -; Owner: -
--

ALTER DEFAULT PRIVILEGES FOR ROLE postgres REVOKE ALL ON FUNCTIONS  FROM PUBLIC;"#;

    #[test]
    fn all_rights_are_all_rights_whoever_counts_them() {
        let by_16 = RIGHTS_15.replace("  TO", " TO").replace("  FROM", " FROM");
        let seven = "SELECT,INSERT,REFERENCES,DELETE,TRIGGER,TRUNCATE,UPDATE ON TABLE";
        let by_17 = by_16.replace("ALL ON TABLE", seven);
        let text = dumped("15.18", "15.18 (Debian 15.18-0+deb12u1)", RIGHTS_15);
        assert!(text.contains("GRANT ALL ON TABLES TO writer;"), "{text}");
        assert_eq!(text, dumped("15.18", "16.15", &by_16));
        assert_eq!(text, dumped("15.18", "17.11", &by_17));
        assert_eq!(text, dumped("15.18", "18.6", &by_17));
        // To 17 they are all but one.
        assert!(dumped("17.11", "18.6", &by_17).contains(seven));
    }

    #[test]
    fn what_is_in_quotes_is_left_alone() {
        for column in [
            "a text DEFAULT 'x\n    a CONSTRAINT t_a_not_null NOT NULL\n' NOT NULL",
            "a web.\"t'::web.z_a_not_null\" DEFAULT E'x CONSTRAINT t'::web.z_a_not_null NOT NULL",
            "a web.e DEFAULT 'x\n    a CONSTRAINT t'::web.z_a_not_null NOT NULL",
        ] {
            let table = format!(
                "CREATE TABLE web.t (\n    {column}\n);\n\nCREATE TABLE web.\"t'::web.z\" (\n    a integer\n);"
            );
            let text = dumped("15.18", "18.6", &table);
            assert!(text.contains(&format!("    {column}\n")), "{text}");
        }
    }

    #[test]
    fn options_of_columns_are_set_for_one_table_alone() {
        let by_15 =
            "ALTER FOREIGN TABLE public.ft ALTER COLUMN a OPTIONS (\n    column_name 'z'\n);";
        let by_17 = by_15.replacen("TABLE ", "TABLE ONLY ", 1);
        let text = dumped("15.18", "15.18", by_15);
        assert_eq!(text, dumped("15.18", "17.11", &by_17));
        assert!(text.contains("ONLY"), "{text}");
    }

    const BY_18: &str = r#"--
-- Name: p; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.p (
    id integer NOT NULL,
    "We ird" text NOT NULL
)
PARTITION BY LIST (k);


--
-- Name: p1; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.p1 (
    id integer DEFAULT 1 CONSTRAINT p_id_not_null NOT NULL,
    "We ird" text CONSTRAINT "p_We ird_not_null1" NOT NULL NO INHERIT,
    mine integer CONSTRAINT its_mine_not_null NOT NULL,
    email text CONSTRAINT email_not_null NOT NULL,
    x text DEFAULT ' CONSTRAINT p_x_not_null NOT NULL'::text
);"#;

    #[test]
    fn names_nobody_gave_are_left_out() {
        let by_17 = BY_18
            .replace(" CONSTRAINT p_id_not_null NOT", " NOT")
            .replace(" CONSTRAINT \"p_We ird_not_null1\"", "");
        assert_ne!(by_17, BY_18);
        assert_eq!(
            dumped("18.6", "18.6", BY_18),
            dumped("18.6", "18.6", &by_17)
        );
    }

    const SCHEMA: &str = "--\n-- Name: public; Type: SCHEMA; Schema: -; Owner: -\n--\n\n\
        -- *not* creating schema, since initdb creates it\n\n\n";
    const TABLE: &str = "--\n-- Name: a; Type: TABLE; Schema: public; Owner: -\n--\n\nCREATE TABLE public.a (\n);\n\n\n";
    const OF_PUBLIC: &str = "--\n-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: -\n--\n\n";
    const OF_APP: &str = "--\n-- Name: SCHEMA app; Type: ACL; Schema: -; Owner: -\n--\n\nGRANT USAGE ON SCHEMA app TO anon;\n\n\n";
    const OF_TYPE: &str = "--\n-- Name: TYPE mood; Type: ACL; Schema: app; Owner: -\n--\n\nGRANT ALL ON TYPE app.mood TO anon;\n\n\n";

    #[test]
    fn what_everyone_may_in_public_is_said_in_full_where_servers_differ() {
        let given =
            "REVOKE USAGE ON SCHEMA public FROM PUBLIC;\nGRANT ALL ON SCHEMA public TO PUBLIC;\n";
        let taken =
            "REVOKE ALL ON SCHEMA public FROM PUBLIC;\nGRANT USAGE ON SCHEMA public TO PUBLIC;\n";
        let writer = "GRANT CREATE ON SCHEMA public TO writer;\n";
        // What 14 wrote, and what 15 to 18 wrote, of the same server of 14.
        for (by_14, by_15) in [
            (String::new(), format!("{OF_PUBLIC}{given}\n\n")),
            (
                format!("{OF_PUBLIC}{writer}\n\n"),
                format!("{OF_PUBLIC}{given}{writer}\n\n"),
            ),
            (
                format!("{OF_PUBLIC}{taken}{writer}\n\n"),
                format!("{OF_PUBLIC}{writer}\n\n"),
            ),
            (format!("{OF_PUBLIC}{taken}\n\n"), String::new()),
            (
                format!("{OF_PUBLIC}REVOKE ALL ON SCHEMA public FROM PUBLIC;\n\n\n"),
                format!("{OF_PUBLIC}REVOKE USAGE ON SCHEMA public FROM PUBLIC;\n\n\n"),
            ),
        ] {
            for (app, other) in [(OF_APP, OF_TYPE), ("", OF_TYPE), (OF_APP, ""), ("", "")] {
                let by_14 = dumped("14.23", "14.23", &format!("{TABLE}{app}{by_14}{other}"));
                let by_15 = format!("{SCHEMA}{TABLE}{app}{by_15}{other}");
                assert_eq!(by_14, dumped("14.23", "18.6", &by_15));
                assert!(by_14.contains("\n\nREVOKE ALL ON SCHEMA public FROM PUBLIC;\n"));
            }
        }
        // From 15 on they agree, and what pg_dump says is enough.
        let text = dumped("15.18", "18.6", &format!("{SCHEMA}{TABLE}"));
        assert_eq!(text, dumped("15.18", "15.18", TABLE));
        assert!(!text.contains("public FROM"), "{text}");
    }
}
