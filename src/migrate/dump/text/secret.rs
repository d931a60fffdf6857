//! Secrets that PostgreSQL keeps in the options of foreign servers, and what is written in their place.

use squawk_lexer::{LiteralKind, TokenKind, tokenize};

use crate::error::masked as mask;

/// What stands where a secret was.
const MASK: &str = "'***'";

/// Of who one is over there, what may be seen. Whatever else there is may be what proves it.
const KNOWN_OF_USER: [&str; 6] = [
    "user",
    "username",
    "password_required",
    "sslcert",
    "sslkey",
    "sslrootcert",
];

/// What an option is called whose value is a secret, as a part of its name.
const SECRET: [&str; 11] = [
    "passw",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "credential",
    "apikey",
    "api_key",
    "access_key",
    "private_key",
    "account_key",
];

/// Names of such options that are a part of harmless ones.
const SECRET_NAMES: [&str; 5] = [
    "key",
    "sa_key",
    "encryption_key",
    "conn_str",
    "authorization",
];

/// A statement without its secrets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Masked {
    /// Its text.
    pub text: String,
    /// `password of SERVER s`
    pub what: String,
}

/// The statement without its secrets, if it has any.
pub(super) fn masked(source: &str, words: &[String]) -> Option<Masked> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let is_user = matches!(words.as_slice(), ["create", "user", "mapping", ..]);
    let has_options = is_user
        || matches!(
            words.as_slice(),
            ["create", "server", ..] | ["create" | "alter", "foreign", "data" | "table", ..]
        );
    if !has_options {
        return None;
    }
    let mut text = String::with_capacity(source.len());
    let mut names: Vec<String> = Vec::new();
    let (mut at, mut depth, mut is_behind_options) = (0, 0_usize, false);
    // The name of the option whose value comes next.
    let mut option: Option<String> = None;
    for token in tokenize(source) {
        let end = at + token.len as usize;
        let word = &source[at..end];
        at = end;
        match token.kind {
            TokenKind::OpenParen if is_behind_options || depth > 0 => depth += 1,
            TokenKind::CloseParen => depth = depth.saturating_sub(1),
            TokenKind::Ident if depth == 0 => {
                is_behind_options = word.eq_ignore_ascii_case("options");
            }
            TokenKind::Ident | TokenKind::QuotedIdent { .. } if depth > 0 => {
                option = Some(word.trim_matches('"').to_owned());
            }
            TokenKind::Literal {
                kind: LiteralKind::Str { .. } | LiteralKind::EscStr { .. },
            } if depth > 0 => {
                let name = option.take().unwrap_or_default();
                let shown = shown(&name.to_ascii_lowercase(), word, is_user);
                if shown != word {
                    names.push(name);
                }
                text.push_str(&shown);
                continue;
            }
            _ => {}
        }
        text.push_str(word);
    }
    if names.is_empty() {
        return None;
    }
    let first = source.lines().next().unwrap_or_default();
    let (_, object) = first.split_once(' ').unwrap_or_default();
    let object = object.trim_end_matches(" (").trim_end_matches(" OPTIONS");
    let object = object.split(" FOREIGN DATA WRAPPER ").next();
    let object = object.unwrap_or_default();
    Some(Masked {
        text,
        what: format!("{} of {object}", names.join(", ")),
    })
}

/// How the value of an option is written.
fn shown(name: &str, value: &str, is_user: bool) -> String {
    let is_secret = SECRET.iter().any(|part| name.contains(part)) || SECRET_NAMES.contains(&name);
    let is_secret = is_secret && name != "password_required";
    let is_unknown = is_user && !KNOWN_OF_USER.contains(&name);
    if is_secret || is_unknown || mask(value) != value {
        MASK.to_owned()
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::sql;

    fn shown(text: &str) -> String {
        let statement = sql::statements(text)
            .next()
            .expect("is one")
            .expect("can be read");
        if let Some(masked) = masked(statement.text, &statement.words) {
            return format!("{}\n[{}]", masked.text, masked.what);
        }
        assert_eq!(format!("{};", statement.text), text);
        "nothing".to_owned()
    }

    #[test]
    fn secrets_are_masked_and_what_is_none_stays() {
        insta::assert_snapshot!(shown("CREATE USER MAPPING FOR \"We (ird\" SERVER s OPTIONS (\n    \"user\" 'u',\n    password E'hun''ter\\\\3;',\n    code 'x'\n);"), @r#"
        CREATE USER MAPPING FOR "We (ird" SERVER s OPTIONS (
            "user" 'u',
            password '***',
            code '***'
        )
        [password, code of USER MAPPING FOR "We (ird" SERVER s]
        "#);
        insta::assert_snapshot!(shown("CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (\n    api_key 'sk_live',\n    host 'x',\n    password_required 'false',\n    url 'https://me:pw@x/'\n);"), @"
        CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (
            api_key '***',
            host 'x',
            password_required 'false',
            url '***'
        )
        [api_key, url of SERVER s]
        ");
        insta::assert_snapshot!(shown("CREATE FOREIGN DATA WRAPPER w VALIDATOR public.v OPTIONS (\n    token 'a'\n);"), @"
        CREATE FOREIGN DATA WRAPPER w VALIDATOR public.v OPTIONS (
            token '***'
        )
        [token of FOREIGN DATA WRAPPER w VALIDATOR public.v]
        ");
        insta::assert_snapshot!(shown("CREATE FOREIGN TABLE public.t (\n    password text DEFAULT 'x'\n)\nSERVER s\nOPTIONS (\n    schema_name 'public',\n    \"Secret\" 'a'\n);"), @r#"
        CREATE FOREIGN TABLE public.t (
            password text DEFAULT 'x'
        )
        SERVER s
        OPTIONS (
            schema_name 'public',
            "Secret" '***'
        )
        [Secret of FOREIGN TABLE public.t]
        "#);
        for harmless in [
            "CREATE TABLE t (password text DEFAULT 'x');",
            "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (\n    host 'password',\n    keepalives '1'\n);",
            "CREATE USER MAPPING FOR a SERVER s OPTIONS (\n    \"user\" 'a'\n);",
            "CREATE USER MAPPING FOR a SERVER s;",
        ] {
            assert_eq!(shown(harmless), "nothing");
        }
    }
}
