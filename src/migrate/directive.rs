//! Directives: what a file asks for, in comments before its first statement.
//!
//! ```text
//! -- toysoldiers: no-transaction
//! -- toysoldiers: lock-timeout 5s
//! -- toysoldiers: statement-timeout 0
//! -- toysoldiers: allow ban-drop-column because "nobody reads it since May"
//! -- toysoldiers: irreversible because "the old values are not kept"
//! -- toysoldiers: detach-policies content, comments
//! ```
//!
//! One a line. What is not understood is a mistake and never a comment: the file would run as it must not.

use std::time::Duration;

use squawk_lexer::{TokenKind, tokenize};

use super::lint::facts::Span;
use super::lint::{Level, Rule};
use crate::error::nearest;
use crate::pg::duration::duration;
use crate::pg::relation::Named;

/// What opens a directive.
const PREFIX: &str = "toysoldiers";

const NAMES: [&str; 6] = [
    "no-transaction",
    "lock-timeout",
    "statement-timeout",
    "allow",
    "irreversible",
    "detach-policies",
];

/// What a file asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directives {
    /// Whether it runs in a transaction.
    pub transaction: bool,
    /// How long it waits for a lock; zero is for ever.
    pub lock_timeout: Option<Duration>,
    /// How long one of its statements may take; zero is for ever.
    pub statement_timeout: Option<Duration>,
    /// Rules that are silent about it, and why.
    pub allowed: Vec<(&'static Rule, String)>,
    /// Why nothing takes it back.
    pub irreversible: Option<String>,
    /// Relations whose policies, and those that read them, are gone while it runs.
    pub detached: Vec<Named>,
}

impl Default for Directives {
    fn default() -> Self {
        Self {
            transaction: true,
            lock_timeout: None,
            statement_timeout: None,
            allowed: Vec::new(),
            irreversible: None,
            detached: Vec::new(),
        }
    }
}

/// A directive that is not understood, or in the wrong place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// All directives of a file.
#[derive(Debug, Default)]
pub struct Read {
    /// What is understood.
    pub directives: Directives,
    /// Where each rule is allowed.
    pub allows: Vec<(Span, &'static Rule)>,
    /// Where it runs without a transaction.
    pub no_transaction: Option<Span>,
    /// Where it detaches policies.
    pub detach_policies: Option<Span>,
    /// What is not understood.
    pub mistakes: Vec<Mistake>,
}

/// Reads the directives of a normalised text.
pub fn read(text: &str) -> Read {
    let mut read = Read::default();
    // Most files have none, and need not be looked at token by token.
    let may_have = |letters: &[u8]| letters.eq_ignore_ascii_case(&PREFIX.as_bytes()[..3]);
    if !text.as_bytes().windows(3).any(may_have) {
        return read;
    }
    let mut is_header = true;
    let mut at = 0;
    for token in tokenize(text) {
        let end = at + token.len as usize;
        match token.kind {
            TokenKind::LineComment => {
                let comment = text[at..end].trim_end();
                if let Err(mistake) = read.comment(comment, at, is_header) {
                    read.mistakes.push(mistake);
                }
            }
            TokenKind::Whitespace | TokenKind::BlockComment { .. } | TokenKind::Semi => {}
            TokenKind::Eof => break,
            _ => is_header = false,
        }
        at = end;
    }
    read.refuse_detaching_without_transaction();
    read
}

/// A line with a directive, and the part of it that is looked at.
struct Line<'a> {
    comment: &'a str,
    at: usize,
    directive: &'a str,
    name: &'a str,
    argument: &'a str,
}

impl Line<'_> {
    /// Where a part of the comment is in the text.
    fn place(&self, part: &str) -> Span {
        let start = part.as_ptr() as usize - self.comment.as_ptr() as usize;
        Span::from((self.at + start, part.len().max(1)))
    }

    fn mistake(&self, part: &str, message: impl Into<String>, hint: impl Into<String>) -> Mistake {
        Mistake {
            span: self.place(part),
            message: message.into(),
            hint: hint.into(),
        }
    }

    fn twice(&self) -> Mistake {
        self.mistake(
            self.name,
            format!("{} is said twice", self.name),
            "say it once",
        )
    }

    /// The reason in `because "..."`, which has to be there and nothing else.
    fn reason(&self, text: &str) -> Result<String, Mistake> {
        reason(text).ok_or_else(|| {
            let message = format!("{} wants a reason", self.name);
            self.mistake(self.directive, message, usage(self.name))
        })
    }
}

impl Read {
    fn comment(&mut self, comment: &str, at: usize, is_header: bool) -> Result<(), Mistake> {
        let body = comment.trim_start_matches('-');
        let Some((opening, rest)) = body.split_once(':') else {
            return Ok(());
        };
        let word = opening.trim();
        let directive = rest.trim();
        let (name, argument) = directive
            .split_once(char::is_whitespace)
            .map_or((directive, ""), |(name, argument)| (name, argument.trim()));
        let line = Line {
            comment,
            at,
            directive,
            name,
            argument,
        };
        if !word.eq_ignore_ascii_case(PREFIX) {
            return if is_almost_the_prefix(word) {
                let message = format!("{word} opens no directive");
                Err(line.mistake(word, message, format!("did you mean `-- {PREFIX}:`?")))
            } else {
                Ok(())
            };
        }
        if name.is_empty() {
            return Err(line.mistake(word, "here is no directive", known()));
        }
        if !is_header {
            let message = "a directive after the first statement has no effect";
            return Err(line.mistake(directive, message, "move it to the top of the file"));
        }
        match name {
            "no-transaction" => self.no_transaction(&line),
            "lock-timeout" | "statement-timeout" => self.timeout(&line),
            "allow" => self.allow(&line),
            "detach-policies" => self.detach_policies(&line),
            "irreversible" => {
                let reason = line.reason(argument)?;
                let before = self.directives.irreversible.replace(reason);
                before.map_or(Ok(()), |_| Err(line.twice()))
            }
            _ => {
                let hint = nearest(name, NAMES)
                    .map_or_else(known, |near| format!("did you mean `{near}`?"));
                Err(line.mistake(name, format!("there is no directive {name}"), hint))
            }
        }
    }

    fn no_transaction(&mut self, line: &Line<'_>) -> Result<(), Mistake> {
        if !line.argument.is_empty() {
            return Err(line.mistake(
                line.argument,
                "no-transaction stands alone",
                "write nothing behind it, and other directives on lines of their own",
            ));
        }
        if !self.directives.transaction {
            return Err(line.twice());
        }
        self.directives.transaction = false;
        self.no_transaction = Some(line.place(line.directive));
        Ok(())
    }

    fn detach_policies(&mut self, line: &Line<'_>) -> Result<(), Mistake> {
        if self.detach_policies.is_some() {
            return Err(line.twice());
        }
        self.detach_policies = Some(line.place(line.directive));
        let mut rest = line.argument;
        loop {
            let Some((named, after)) = Named::first(rest) else {
                let part = if rest.is_empty() { line.name } else { rest };
                let message = "detach-policies wants tables";
                return Err(line.mistake(part, message, usage(line.name)));
            };
            if self.directives.detached.contains(&named) {
                let part = &rest[..rest.len() - after.len()];
                return Err(line.mistake(part, format!("{named} is said twice"), "say it once"));
            }
            self.directives.detached.push(named);
            let after = after.trim_start();
            match after.strip_prefix(',') {
                Some(next) => rest = next.trim_start(),
                None if after.is_empty() => return Ok(()),
                None => {
                    let message = "tables stand apart by commas";
                    return Err(line.mistake(after, message, usage(line.name)));
                }
            }
        }
    }

    /// Between statements that are transactions of their own everybody would see the table without its policies.
    fn refuse_detaching_without_transaction(&mut self) {
        let (Some(span), false) = (self.detach_policies, self.directives.transaction) else {
            return;
        };
        self.mistakes.push(Mistake {
            span,
            message: "detach-policies wants a transaction, and no-transaction none".to_owned(),
            hint: "leave out one of them; without a transaction, `policy detach` before the migration and `policy attach` after it do the same".to_owned(),
        });
    }

    fn timeout(&mut self, line: &Line<'_>) -> Result<(), Mistake> {
        let Line { name, argument, .. } = line;
        let time = duration(argument).map_err(|hint| {
            let part = if argument.is_empty() { name } else { argument };
            line.mistake(part, format!("{name} wants a length of time"), hint)
        })?;
        let slot = if *name == "lock-timeout" {
            &mut self.directives.lock_timeout
        } else {
            &mut self.directives.statement_timeout
        };
        slot.replace(time).map_or(Ok(()), |_| Err(line.twice()))
    }

    fn allow(&mut self, line: &Line<'_>) -> Result<(), Mistake> {
        let (name, rest) = line
            .argument
            .split_once(char::is_whitespace)
            .unwrap_or((line.argument, ""));
        if name.is_empty() {
            return Err(line.mistake(line.name, "allow wants a rule", usage(line.name)));
        }
        let rule = Rule::named(name).ok_or_else(|| {
            let message = format!("there is no rule {name}");
            line.mistake(name, message, Rule::suggestion(name))
        })?;
        if rule.level == Level::Error {
            let message = format!("{rule} finds what cannot work, which nothing can allow");
            return Err(line.mistake(name, message, rule.rewrite));
        }
        let reason = line.reason(rest)?;
        if self
            .directives
            .allowed
            .iter()
            .any(|(other, _)| *other == rule)
        {
            let message = format!("{rule} is allowed twice");
            return Err(line.mistake(name, message, "say it once"));
        }
        self.allows.push((line.place(line.directive), rule));
        self.directives.allowed.push((rule, reason));
        Ok(())
    }
}

fn known() -> String {
    format!("the directives are {}", NAMES.join(", "))
}

/// `-- toysolders: no-transaction` is meant to be one; prose such as `-- toys: ...` is not.
fn is_almost_the_prefix(word: &str) -> bool {
    let letters = word
        .chars()
        .all(|letter| letter.is_ascii_alphabetic() || letter == '-' || letter == '_');
    letters && strsim::levenshtein(&word.to_ascii_lowercase(), PREFIX) <= 2
}

/// How a directive with something behind it is written.
fn usage(name: &str) -> String {
    let rest = match name {
        "detach-policies" => "TABLE, TABLE",
        "allow" => "RULE because \"...\"",
        _ => "because \"...\"",
    };
    format!("write `-- {PREFIX}: {name} {rest}`")
}

/// The text of `because "..."`, if that and nothing else is there.
fn reason(text: &str) -> Option<String> {
    let quoted = text.strip_prefix("because")?.trim();
    let reason = quoted.strip_prefix('"')?.strip_suffix('"')?.trim();
    (!reason.is_empty()).then(|| reason.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mistakes(text: &str) -> Vec<(String, String, String)> {
        read(text)
            .mistakes
            .into_iter()
            .map(|mistake| {
                let part = text[mistake.span.start..mistake.span.end()].to_owned();
                (part, mistake.message, mistake.hint)
            })
            .collect()
    }

    #[test]
    fn the_header_is_read() {
        let read = read(
            "-- Tips in other currencies.\n\
             -- toysoldiers: no-transaction\n\
             --toysoldiers:lock-timeout 5s\n\n\
             -- toysoldiers: statement-timeout 0\n\
             /* -- toysoldiers: nothing */\n\
             -- toysoldiers: allow ban-drop-column because \"nobody reads it\"\n\
             -- toysoldiers: irreversible because \"the old \"values\" are gone\"\n\
             create table a();",
        );
        assert_eq!(read.mistakes, []);
        assert_eq!(
            read.directives,
            Directives {
                transaction: false,
                lock_timeout: Some(Duration::from_secs(5)),
                statement_timeout: Some(Duration::ZERO),
                allowed: vec![(
                    Rule::named("ban-drop-column").expect("is one"),
                    "nobody reads it".to_owned()
                )],
                irreversible: Some("the old \"values\" are gone".to_owned()),
                detached: Vec::new(),
            }
        );
    }

    #[test]
    fn policies_of_several_tables_may_be_detached() {
        let read = read("-- toysoldiers: detach-policies Content , app.\"Odd, name\"\nselect 1;");
        assert_eq!(read.mistakes, []);
        let tables = read.directives.detached.iter();
        let tables: Vec<String> = tables.map(Named::sql).collect();
        assert_eq!(tables, ["\"content\"", "\"app\".\"Odd, name\""]);
    }

    #[test]
    fn a_file_that_says_nothing_is_a_transaction() {
        for text in [
            "",
            "select 1;",
            "-- toys: soldiers\nselect '-- toysoldiers: x';",
        ] {
            let read = read(text);
            assert_eq!(
                (read.directives, read.mistakes.len()),
                (Directives::default(), 0),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_understood_is_named_with_what_is_near() {
        let one = |text: &str| {
            let [(part, message, hint)] = mistakes(text).try_into().expect("is one mistake");
            format!("{part} | {message} | {hint}")
        };
        for (text, expected) in [
            (
                "-- toysoldiers: no-transactoin",
                "no-transactoin | there is no directive no-transactoin | did you mean `no-transaction`?",
            ),
            (
                "-- toysolders: no-transaction",
                "toysolders | toysolders opens no directive | did you mean `-- toysoldiers:`?",
            ),
            (
                "-- toysoldiers: no-transaction, lock-timeout 5s",
                "no-transaction, | there is no directive no-transaction, | did you mean `no-transaction`?",
            ),
            (
                "-- toysoldiers: no-transaction please",
                "please | no-transaction stands alone | write nothing behind it, and other directives on lines of their own",
            ),
            (
                "-- toysoldiers: lock-timeout 5",
                "5 | lock-timeout wants a length of time | write a number with its unit: 500ms, 2s, 5m, 1h, or 0",
            ),
            (
                "-- toysoldiers: lock-timeout",
                "lock-timeout | lock-timeout wants a length of time | write a number with its unit: 500ms, 2s, 5m, 1h, or 0",
            ),
            (
                "-- toysoldiers: allow ban-drop-colum because \"x\"",
                "ban-drop-colum | there is no rule ban-drop-colum | did you mean `ban-drop-column`?",
            ),
            (
                "-- toysoldiers: allow ban-drop-column",
                "allow ban-drop-column | allow wants a reason | write `-- toysoldiers: allow RULE because \"...\"`",
            ),
            (
                "-- toysoldiers: allow psql-command because \"x\"",
                "psql-command | psql-command finds what cannot work, which nothing can allow | write it in SQL, or remove it",
            ),
            (
                "-- toysoldiers: irreversible because \"\"",
                "irreversible because \"\" | irreversible wants a reason | write `-- toysoldiers: irreversible because \"...\"`",
            ),
            (
                "-- toysoldiers: lock-timeout 5s\n-- toysoldiers: lock-timeout 6s",
                "lock-timeout | lock-timeout is said twice | say it once",
            ),
            (
                "select 1; -- toysoldiers: no-transaction",
                "no-transaction | a directive after the first statement has no effect | move it to the top of the file",
            ),
            (
                "-- toysoldiers: detach-policies",
                "detach-policies | detach-policies wants tables | write `-- toysoldiers: detach-policies TABLE, TABLE`",
            ),
            (
                "-- toysoldiers: detach-policies a, 1",
                "1 | detach-policies wants tables | write `-- toysoldiers: detach-policies TABLE, TABLE`",
            ),
            (
                "-- toysoldiers: detach-policies a b",
                "b | tables stand apart by commas | write `-- toysoldiers: detach-policies TABLE, TABLE`",
            ),
            (
                "-- toysoldiers: detach-policies a, A",
                "A | a is said twice | say it once",
            ),
            (
                "-- toysoldiers: detach-policies a\n-- toysoldiers: no-transaction",
                "detach-policies a | detach-policies wants a transaction, and no-transaction none | leave out one of them; without a transaction, `policy detach` before the migration and `policy attach` after it do the same",
            ),
            (
                "-- toysoldiers:",
                "toysoldiers | here is no directive | the directives are no-transaction, lock-timeout, statement-timeout, allow, irreversible, detach-policies",
            ),
        ] {
            assert_eq!(one(text), expected);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(-- ?toysoldiers: ?|allow |because |no-transaction|detach-policies |, ?|lock-timeout |ban-drop-table |[\" é:\n;a-z'$]){0,12}") {
            for mistake in read(&text).mistakes {
                prop_assert!(text.get(mistake.span.start..).is_some());
            }
        }
    }
}
