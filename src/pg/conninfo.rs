//! The text of an address: a URL or `key=value`, read as PostgreSQL's own library reads it.
//!
//! Where that library would take part of a password for a host or a name, because somebody forgot to escape it,
//! this refuses. No error quotes a value, nor a word that may be the rest of a password.

use super::parameter;
use crate::error::{Error, Hint, Result, nearest};

/// How both spellings of a URL begin.
const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];

/// What an address looks like, for hints.
pub(super) const EXAMPLE: &str = "write it as `postgresql://user@host:5432/database`";

const ESCAPE: &str =
    "write characters such as @ / : ? # % in a user or a password as %40 %2F %3A %3F %23 %25";

const QUOTE: &str =
    "write `name=value`, and put a value with blanks in single quotes: `name='two words'`";

/// The parameters a text gives, in its order; of a name given twice, the last counts. Every name is one that
/// [`parameter`] knows; no value was looked at.
pub fn pairs(text: &str) -> Result<Vec<(String, String)>> {
    if text.contains('\0') {
        return Err(malformed(
            "the connection string holds a NUL character",
            EXAMPLE,
        ));
    }
    // A variable that was filled from a file often ends with a line break, which no URL can mean.
    let trimmed = text.trim_ascii();
    if let Some(rest) = after_scheme(trimmed) {
        return Url::default().read(rest);
    }
    if trimmed.starts_with("jdbc:") {
        return Err(malformed(
            "the connection string is one for Java",
            "leave out `jdbc:`, and say who as `postgresql://user@host:5432/database`; the password goes into a variable",
        ));
    }
    words(text).map_err(|error| {
        // Copied together with what stood before it: a variable's name, a quote, `psql`.
        let nested = SCHEMES.iter().any(|scheme| text.contains(scheme));
        let hint = match trimmed.find("://") {
            _ if nested => "leave out what stands before `postgresql://`, and quotes",
            Some(_) if !trimmed.contains('=') => "begin it with `postgresql://`",
            _ => return error,
        };
        malformed(
            "the connection string does not begin with `postgresql://`",
            hint,
        )
    })
}

/// Whether a text holds a password, or could: what cannot be read may hold one anywhere.
pub fn holds_password(text: &str) -> bool {
    pairs(text).map_or(true, |pairs| {
        pairs.iter().any(|(name, value)| {
            (!value.is_empty() && parameter::is_secret(name))
                || (name == "dbname" && is_nested(value))
        })
    })
}

/// Whether a value is a connection string itself, which libpq would not look into.
pub(super) fn is_nested(value: &str) -> bool {
    after_scheme(value).is_some() || value.contains("password=")
}

/// What follows the scheme, if the text is a URL.
fn after_scheme(text: &str) -> Option<&str> {
    SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme))
}

fn malformed(what: impl Into<String>, hint: impl Into<Hint>) -> anyhow::Error {
    Error::configuration(what).hint(hint).into()
}

/// A parameter under the name it has today.
fn modern(name: String, value: String) -> (String, String) {
    match name.as_str() {
        // libpq's name for it before there was sslmode.
        "requiressl" => {
            let mode = if value.starts_with('1') {
                "require"
            } else {
                "prefer"
            };
            ("sslmode".to_owned(), mode.to_owned())
        }
        _ => (name, value),
    }
}

/// The error of a name nobody knows. A name is repeated only if it is certainly none of a password's words.
fn unknown(name: &str, is_certain: bool) -> Error {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let what = if is_certain && !name.is_empty() && name.len() < 40 && name.chars().all(fits) {
        format!("the connection string has the unknown parameter {name}")
    } else {
        "the connection string has an unknown parameter".to_owned()
    };
    let hint = match nearest(name, parameter::names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if is_certain => {
            "leave it out; settings of the session go into `options`, as `-cname=value`".to_owned()
        }
        None => format!("check where the password ends: {ESCAPE}, or quote it as `password='...'`"),
    };
    Error::configuration(what).hint(hint)
}

/// `key=value` pairs, split by blanks.
fn words(text: &str) -> Result<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start_matches(is_blank);
    let mut seen_password = false;
    while !rest.is_empty() {
        let end = rest
            .find(|letter| letter == '=' || is_blank(letter))
            .unwrap_or(rest.len());
        let name = &rest[..end];
        let Some(value) = rest[end..].trim_start_matches(is_blank).strip_prefix('=') else {
            let what = if text.contains('=') {
                "a word in the connection string is not followed by `=`"
            } else {
                "the connection string is neither a URL nor `name=value`"
            };
            let hint = if text.contains('=') { QUOTE } else { EXAMPLE };
            return Err(malformed(what, hint));
        };
        if !parameter::is_known(name) {
            return Err(unknown(name, !seen_password).into());
        }
        let (value, after) = word(value.trim_start_matches(is_blank))?;
        seen_password |= parameter::is_secret(name);
        pairs.push(modern(name.to_owned(), value));
        rest = after.trim_start_matches(is_blank);
    }
    Ok(pairs)
}

/// C's isspace.
fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}

/// One value and what follows it.
fn word(text: &str) -> Result<(String, &str)> {
    let quoted = text.strip_prefix('\'');
    let mut letters = quoted.unwrap_or(text).chars();
    let mut value = String::new();
    loop {
        match letters.next() {
            None if quoted.is_some() => {
                return Err(malformed(
                    "a single quote in the connection string is not closed",
                    "close it; write a quote inside a value as \\'",
                ));
            }
            None => break,
            Some('\\') => value.extend(letters.next()),
            Some('\'') if quoted.is_some() => break,
            Some(letter) if quoted.is_none() && is_blank(letter) => break,
            Some(letter) => value.push(letter),
        }
    }
    Ok((value, letters.as_str()))
}

/// A URL on its way to be read.
#[derive(Default)]
struct Url {
    pairs: Vec<(String, String)>,
}

impl Url {
    fn read(mut self, rest: &str) -> Result<Vec<(String, String)>> {
        let (credentials, rest) = match rest.find(['@', '/']) {
            Some(end) if rest[end..].starts_with('@') => (&rest[..end], &rest[end + 1..]),
            _ => ("", rest),
        };
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        if user.contains('?') {
            return Err(misplaced("the user part"));
        }
        self.push("user", user, "the user part")?;
        self.push("password", password, "the password part")?;
        let (hosts, ports, rest) = authority(rest)?;
        self.push("host", &hosts, "the host part")?;
        self.push("port", &ports, "the port part")?;
        let (database, query) = rest.split_once('?').unwrap_or((rest, ""));
        let database = database.strip_prefix('/').unwrap_or(database);
        if database.contains('@') {
            return Err(misplaced("the database part"));
        }
        self.push("dbname", database, "the database part")?;
        // An @ here is fine unless the password broke off before; then no word of it is told.
        let is_certain = !query.contains('@');
        self.parameters(query, is_certain)?;
        Ok(self.pairs)
    }

    /// What is empty counts as not said.
    fn push(&mut self, name: &str, text: &str, part: &str) -> Result<()> {
        if !text.is_empty() {
            self.pairs.push((name.to_owned(), decoded(text, part)?));
        }
        Ok(())
    }

    fn parameters(&mut self, query: &str, mut is_certain: bool) -> Result<()> {
        let query = query.strip_suffix('&').unwrap_or(query);
        if query.is_empty() {
            return Ok(());
        }
        for pair in query.split('&') {
            let Some((name, value)) = pair.split_once('=') else {
                return Err(malformed(
                    "a parameter of the connection string is not followed by `=`",
                    "write parameters as `?name=value&name=value`, and & inside a value as %26",
                ));
            };
            if value.contains('=') {
                return Err(malformed(
                    "a parameter of the connection string has two `=`",
                    "write = inside a value as %3D",
                ));
            }
            let name = decoded(name, "the name of a parameter")?;
            let value = decoded(value, "the value of a parameter")?;
            // Java's way to say it.
            if name == "ssl" && value == "true" {
                self.pairs
                    .push(("sslmode".to_owned(), "require".to_owned()));
                continue;
            }
            if !parameter::is_known(&name) {
                return Err(unknown(&name, is_certain).into());
            }
            is_certain &= !parameter::is_secret(&name);
            self.pairs.push(modern(name, value));
        }
        Ok(())
    }
}

/// Somebody's password went on where it was taken to have ended.
fn misplaced(part: &str) -> anyhow::Error {
    malformed(
        format!("{part} of the connection string holds a character that has to be escaped there"),
        ESCAPE,
    )
}

/// Hosts and ports, each joined by commas, and what follows them.
fn authority(text: &str) -> Result<(String, String, &str)> {
    let (mut hosts, mut ports) = (String::new(), String::new());
    let mut rest = text;
    loop {
        let host;
        (host, rest) = if let Some(inner) = rest.strip_prefix('[') {
            bracketed(inner)?
        } else {
            rest.split_at(rest.find([':', '/', '?', ',']).unwrap_or(rest.len()))
        };
        if host.contains('@') {
            return Err(misplaced("the host part"));
        }
        hosts.push_str(host);
        if let Some(port) = rest.strip_prefix(':') {
            let (port, after) = port.split_at(port.find(['/', '?', ',']).unwrap_or(port.len()));
            if port.contains(':') {
                return Err(malformed(
                    "a host in the connection string has two colons",
                    "write an IPv6 address in brackets, `[::1]:5432`, and a colon in a password as %3A",
                ));
            }
            if port.contains('@') {
                return Err(misplaced("the port part"));
            }
            ports.push_str(port);
            rest = after;
        }
        let Some(more) = rest.strip_prefix(',') else {
            return Ok((hosts, ports, rest));
        };
        hosts.push(',');
        ports.push(',');
        rest = more;
    }
}

/// What stands in brackets, and what follows them.
fn bracketed(inner: &str) -> Result<(&str, &str)> {
    const HINT: &str = "write an IPv6 address in brackets: `[::1]:5432`";
    let Some((host, after)) = inner.split_once(']') else {
        return Err(malformed("a bracket in the host part is not closed", HINT));
    };
    if host.is_empty() {
        return Err(malformed("the brackets in the host part are empty", HINT));
    }
    if after.is_empty() || after.starts_with([':', '/', '?', ',']) {
        Ok((host, after))
    } else {
        Err(malformed(
            "the brackets in the host part are followed by something else than a port",
            HINT,
        ))
    }
}

/// Without the blanks around it, and with its percent signs resolved.
fn decoded(text: &str, part: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.trim_matches(' ').bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(malformed(
                format!("a percent sign in {part} is not followed by two hex digits"),
                "write a percent sign itself as %25",
            ));
        };
        match u8::try_from(high * 16 + low) {
            Ok(byte) if byte != 0 => bytes.push(byte),
            _ => {
                return Err(malformed(
                    format!("%00 in {part} stands for no character"),
                    "leave it out",
                ));
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| {
        malformed(
            format!("the percent signs in {part} make no UTF-8"),
            "write the bytes of each character in UTF-8: ü is %C3%BC",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::explain;

    fn read(text: &str) -> String {
        match pairs(text) {
            Ok(pairs) => pairs
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
                .join("|"),
            Err(error) => {
                let told = explain(&error);
                format!("{}; {}", told.message, told.hint().unwrap_or_default())
            }
        }
    }

    #[test]
    fn urls_are_taken_apart() {
        for (text, read_as) in [
            (
                "postgresql://me:p%40ss@db:6000/shop",
                "user=me|password=p@ss|host=db|port=6000|dbname=shop",
            ),
            ("postgres://", ""),
            ("postgresql:///shop", "dbname=shop"),
            ("postgresql://a,b:1,[::1]:2/", "host=a,b,::1|port=,1,2"),
            (
                "postgresql://me@%2Frun%2Fpg/x?sslmode=disable&",
                "user=me|host=/run/pg|dbname=x|sslmode=disable",
            ),
            ("postgresql://h?ssl=true", "host=h|sslmode=require"),
            (" postgresql://h/x\n", "host=h|dbname=x"),
            ("postgresql://h/a b ", "host=h|dbname=a b"),
        ] {
            assert_eq!(read(text), read_as, "{text}");
        }
    }

    #[test]
    fn words_are_taken_apart() {
        for (text, read_as) in [
            ("", ""),
            ("host=a  user = b\nport= 1", "host=a|user=b|port=1"),
            (
                r"password='it\'s \\ ' user=a\ b dbname=''",
                r"password=it's \ |user=a b|dbname=",
            ),
            ("host='a'user=b", "host=a|user=b"),
            (
                "requiressl=1 requiressl=0",
                "sslmode=require|sslmode=prefer",
            ),
        ] {
            assert_eq!(read(text), read_as, "{text}");
        }
    }

    #[test]
    fn what_is_malformed_is_named_but_never_quoted() {
        for (text, told) in [
            (
                "postgresql://me:100%@db/x",
                "a percent sign in the password part is not followed by two hex digits; write a percent sign itself as %25",
            ),
            (
                "postgresql://me:a@b@db/x",
                "the host part of the connection string holds a character that has to be escaped there; write characters such as @ / : ? # % in a user or a password as %40 %2F %3A %3F %23 %25",
            ),
            (
                "postgresql://db/x?sslmod=require",
                "the connection string has the unknown parameter sslmod; did you mean `sslmode`?",
            ),
            (
                "host=db password=my dog=rex",
                "the connection string has an unknown parameter; check where the password ends: write characters such as @ / : ? # % in a user or a password as %40 %2F %3A %3F %23 %25, or quote it as `password='...'`",
            ),
            (
                "jdbc:postgresql://db/x",
                "the connection string is one for Java; leave out `jdbc:`, and say who as `postgresql://user@host:5432/database`; the password goes into a variable",
            ),
            (
                "DATABASE_URL='postgresql://db/x'",
                "the connection string does not begin with `postgresql://`; leave out what stands before `postgresql://`, and quotes",
            ),
            (
                "postgis://db/x",
                "the connection string does not begin with `postgresql://`; begin it with `postgresql://`",
            ),
            (
                "hunter2",
                "the connection string is neither a URL nor `name=value`; write it as `postgresql://user@host:5432/database`",
            ),
        ] {
            assert_eq!(read(text), told, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_may_hold_a_password() {
        for text in [
            "postgresql://me:x@db/shop",
            "service=shop password=x",
            "postgresql://db/shop?sslpassword=x",
            "dbname=postgresql://me:x@db/shop",
            "hunter2",
            "postgresql://[db/shop",
        ] {
            assert!(holds_password(text), "{text}");
        }
        for text in ["postgresql://me:@db/shop", "service=shop password=''", ""] {
            assert!(!holds_password(text), "{text}");
        }
    }
}
