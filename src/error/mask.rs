//! Text as it may be shown: somebody may have written a password into a file, or an address with one where something
//! else belongs.

/// How a text may be shown: stars in place of passwords.
///
/// A password is known by where it stands, and not all have a place: one with a space in it ends an address early.
/// So words known to have been given to the program whole are looked for first.
#[derive(Debug, Clone, Default)]
pub struct Mask {
    /// Words that hold a password, and as they may be shown; the longest first.
    known: Vec<(String, String)>,
}

impl Mask {
    /// One that knows what was said on the command line or in variables.
    pub fn knowing<'w>(words: impl IntoIterator<Item = &'w str>) -> Self {
        let mut known: Vec<(String, String)> = words
            .into_iter()
            .flat_map(values)
            .filter_map(|word| {
                let shown = in_one(word);
                (shown != word).then(|| (word.to_owned(), shown))
            })
            .collect();
        known.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        known.dedup();
        Self { known }
    }

    /// The text as it may be shown.
    pub fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (word, shown) in &self.known {
            if text.contains(word.as_str()) {
                text = text.replace(word.as_str(), shown);
            }
            // As Rust quotes it.
            let quoted = format!("{word:?}");
            let quoted = &quoted[1..quoted.len() - 1];
            if text.contains(quoted) {
                text = text.replace(quoted, shown);
            }
        }
        masked(&text)
    }
}

/// A word, and what of it may be a value or be taken for an option: `--env=x`, `-ex`.
fn values(word: &str) -> impl Iterator<Item = &str> {
    let is_option = word.starts_with('-');
    let (before_equals, after_equals) = word.split_once('=').unzip();
    let after_letter = word.get(2..);
    let values = [before_equals, after_equals, after_letter]
        .into_iter()
        .flatten();
    std::iter::once(word).chain(values.filter(move |_| is_option))
}

/// The same text, byte for byte, with stars in place of what could be a password: the one in a URL, and whatever
/// stands after `password =`.
pub fn masked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for start in addresses(text) {
        let end = ends(&text[start..], &['"', '\'', '`', '\n', ' ']);
        star_user(text, start, start + end, &mut bytes);
    }
    star_named(text, &mut bytes, &['"', '&', '`', '\n', ' ']);
    // Stars in place of whole characters leave text that is text.
    String::from_utf8(bytes).unwrap_or_default()
}

/// The same of a word that is all there is: nothing ends an address in it.
fn in_one(word: &str) -> String {
    let mut bytes = word.as_bytes().to_vec();
    for start in addresses(word) {
        star_user(word, start, word.len(), &mut bytes);
    }
    star_named(word, &mut bytes, &['&']);
    String::from_utf8(bytes).unwrap_or_default()
}

/// Where the part of an address begins that may name a user: after `://`, or what somebody wrote instead of it.
fn addresses(text: &str) -> impl Iterator<Item = usize> {
    let schemes = text
        .match_indices("://")
        .map(|(start, _)| start + "://".len());
    let mistyped = ["postgresql", "postgres"].into_iter().flat_map(|scheme| {
        text.match_indices(scheme).filter_map(|(start, _)| {
            let start = start + scheme.len();
            let marks = text[start..].bytes();
            let marks = marks.take_while(|mark| matches!(mark, b':' | b'/')).count();
            (marks > 0).then_some(start + marks)
        })
    });
    schemes.chain(mistyped)
}

/// What stands between the first colon and the last @. A password may hold an @ that nobody escaped; a host may not.
fn star_user(text: &str, start: usize, end: usize, bytes: &mut [u8]) {
    let address = &text[start..end];
    if let (Some(colon), Some(at)) = (address.find(':'), address.rfind('@'))
        && colon < at
    {
        bytes[start + colon + 1..start + at].fill(b'*');
    }
}

/// What stands after `password =`, in quotes or up to one of these marks.
fn star_named(text: &str, bytes: &mut [u8], marks: &[char]) {
    const NAME: &str = "password";
    let lower = text.to_ascii_lowercase();
    for (start, _) in lower.match_indices(NAME) {
        let rest = &text[start + NAME.len()..];
        let Some(value) = rest.trim_start_matches(' ').strip_prefix('=') else {
            continue;
        };
        let value = value.trim_start_matches(' ');
        let from = text.len() - value.len();
        let (from, length) = match value.chars().next() {
            Some(quote @ ('\'' | '"')) => (from + 1, quoted(&value[1..], quote)),
            _ => (from, ends(value, marks)),
        };
        // As a hint writes it: fill it in.
        if &text[from..from + length] != "..." {
            bytes[from..from + length].fill(b'*');
        }
    }
}

/// How long what is in quotes is, to the one that ends it.
fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (index, letter) in text.char_indices() {
        if letter == '\n' || (letter == quote && !is_escaped) {
            return index;
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    text.len()
}

fn ends(text: &str, marks: &[char]) -> usize {
    text.find(marks).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn passwords_are_stars_and_everything_stays_in_its_place() {
        for (text, shown) in [
            (
                "url = \"postgresql://me:söme@thing@db.example.com/x\"",
                "url = \"postgresql://me:***********@db.example.com/x\"",
            ),
            (
                "env = { x = { url = \"postgres://me:pw@h/x\", protectd = true } }",
                "env = { x = { url = \"postgres://me:**@h/x\", protectd = true } }",
            ),
            (
                "url = \"host=h password=secret dbname=x\"",
                "url = \"host=h password=****** dbname=x\"",
            ),
            (
                "url = \"postgresql://me@h:5432/x?password=pw&sslmode=disable",
                "url = \"postgresql://me@h:5432/x?password=**&sslmode=disable",
            ),
            ("password = \"pw\"", "password = \"**\""),
            (
                "host=h password = 'a b\\'c' user=x",
                "host=h password = '******' user=x",
            ),
            ("host=h sslpassword='a b", "host=h sslpassword='***"),
            ("PGPASSWORD=pw psql", "PGPASSWORD=** psql"),
            (
                "set it: `export X_PASSWORD=...`",
                "set it: `export X_PASSWORD=...`",
            ),
            ("postgresql:/u:pw@h/d", "postgresql:/u:**@h/d"),
            ("postgres:u:pw@h/d", "postgres:u:**@h/d"),
            (
                "see `postgresql://u:p%40w@h`",
                "see `postgresql://u:*****@h`",
            ),
            ("# a comment: nothing", "# a comment: nothing"),
            (
                "password_command = [\"op\"], postgresql://u@h:5432/d, a@b",
                "password_command = [\"op\"], postgresql://u@h:5432/d, a@b",
            ),
        ] {
            assert_eq!(masked(text), shown);
            assert_eq!(masked(text).len(), text.len());
        }
    }

    #[test]
    fn a_word_that_is_known_has_no_end_within() {
        for (word, text, shown) in [
            (
                "postgresql://u:my \"pw@h/d",
                "there is no postgresql://u:my \"pw@h/d (from --env)",
                "there is no postgresql://u:******@h/d (from --env)",
            ),
            (
                "postgresql://u:a\"b'c@h/d",
                "\"postgresql://u:a\\\"b'c@h/d\" is no e-mail address",
                "\"postgresql://u:*****@h/d\" is no e-mail address",
            ),
            (
                "host=h password=a b",
                "no host=h password=a b here",
                "no host=h password=*** here",
            ),
        ] {
            assert_eq!(Mask::knowing([word, "u", "--env"]).apply(text), shown);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(://|:|@|password|=|'|\"|\\\\| |\n|ä|x|postgres|/){0,24}") {
            prop_assert_eq!(masked(&text).len(), text.len());
            prop_assert_eq!(in_one(&text).len(), text.len());
        }
    }
}
