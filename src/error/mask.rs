//! Text as it may be shown: somebody may have written a password into a file, or an address with one where something
//! else belongs. Where it is not clear where a password ends, more is hidden rather than less.

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

/// The same text, byte for byte, with stars in place of what could be a password: the one in an address, and whatever
/// stands after `password =`.
pub fn masked(text: &str) -> String {
    let mut stars = Stars::over(text);
    for start in stars.addresses() {
        let line = ends(&text[start..], &['\n']);
        let next = next_address(&stars.lower[start..]);
        stars.user(start, start + line.min(next));
    }
    stars.named(false);
    stars.bare();
    stars.text()
}

/// The same of a configuration file, which may be broken: whatever is said of a key that sounds like a secret is hidden,
/// up to the next key or the end of its table.
pub fn masked_file(text: &str) -> String {
    let text = masked(text);
    let mut stars = Stars::over(&text);
    stars.secrets();
    stars.text()
}

/// The same of a word that is all there is: nothing ends an address in it.
fn in_one(word: &str) -> String {
    let mut stars = Stars::over(word);
    let addresses = stars.addresses();
    for start in &addresses {
        stars.user(*start, word.len());
    }
    stars.named(true);
    if let (true, Some(colon), Some(at)) = (addresses.is_empty(), word.find(':'), word.rfind('@'))
        && is_user(&word[..colon])
    {
        stars.fill(colon + 1, at);
    }
    stars.bare();
    stars.text()
}

/// A text, and what of it is hidden.
struct Stars<'t> {
    text: &'t str,
    /// In small letters, each in its place.
    lower: String,
    bytes: Vec<u8>,
}

impl<'t> Stars<'t> {
    fn over(text: &'t str) -> Self {
        Self {
            text,
            lower: text.to_ascii_lowercase(),
            bytes: text.as_bytes().to_vec(),
        }
    }

    /// Stars in place of whole characters leave text that is text.
    fn text(self) -> String {
        String::from_utf8(self.bytes).unwrap_or_default()
    }

    fn fill(&mut self, from: usize, until: usize) {
        if from < until {
            self.bytes[from..until].fill(b'*');
        }
    }

    /// Where the part of an address begins that may name a user: after `://`, or what somebody wrote instead of it.
    fn addresses(&self) -> Vec<usize> {
        let text = &self.lower;
        let schemes = text
            .match_indices("://")
            .map(|(start, _)| start + "://".len());
        let mistyped = SCHEMES.into_iter().flat_map(|scheme| {
            text.match_indices(scheme).filter_map(|(start, _)| {
                let start = start + scheme.len();
                let marks = text[start..].bytes();
                let marks = marks.take_while(|mark| matches!(mark, b':' | b'/')).count();
                (marks > 0).then_some(start + marks)
            })
        });
        schemes.chain(mistyped).collect()
    }

    /// What stands between the first colon and the last @ of an address. A password may hold an @ that nobody escaped,
    /// and what ends an address elsewhere; a host may not.
    fn user(&mut self, start: usize, end: usize) {
        let address = &self.text[start..end];
        let Some(at) = address.rfind('@') else {
            return;
        };
        let first = address.find('@').unwrap_or(at);
        let word = ends(address, &['"', '\'', '`', ' ']);
        let is_ours = SCHEMES.into_iter().any(|scheme| {
            self.lower[..start]
                .trim_end_matches([':', '/'])
                .ends_with(scheme)
        });
        let colon = address[..at].match_indices(':').find(|(colon, _)| {
            // After a host stands a port, or what is said about it.
            let rest = &address[colon + 1..];
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let is_port = digits > 0 && !rest[digits..].starts_with(is_word);
            let is_over = is_port || rest.starts_with(char::is_whitespace);
            let is_past =
                first < *colon && is_over && !address[*colon..word.max(*colon)].contains('@');
            !is_past && (is_ours || *colon < word)
        });
        if let Some((colon, _)) = colon {
            self.fill(start + colon + 1, start + at);
        }
    }

    /// What stands after `password =`, in quotes or up to where it ends; in a word of its own that is nowhere but at
    /// the next parameter of a URL.
    fn named(&mut self, is_whole: bool) {
        for (equals, _) in self.text.match_indices('=') {
            if !is_password_before(&self.text[..equals]) {
                continue;
            }
            let value = self.text[equals + 1..].trim_start();
            let from = self.text.len() - value.len();
            // As a hint writes it: fill it in.
            let written = value.trim_start_matches(['\'', '"']);
            let is_blank = written.strip_prefix("...").is_some_and(|rest| {
                rest.chars()
                    .next()
                    .is_none_or(|next| "'\"` \n".contains(next))
            });
            if is_blank {
                continue;
            }
            let url = self.url_around(equals);
            let (from, length) = match value.chars().next() {
                Some(quote @ ('\'' | '"')) if url.is_none() => {
                    (from + 1, quoted(&value[1..], quote))
                }
                _ if is_whole && url.is_some() => (from, ends(value, &['&'])),
                _ if is_whole => (from, value.len()),
                _ => (from, plain(value, url)),
            };
            self.fill(from, from + length);
        }
    }

    /// What a line says after a key that sounds like a secret, and the lines that go on with it.
    fn secrets(&mut self) {
        let mut hidden = Hidden::Nothing;
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            let content = line.trim_end_matches(['\n', '\r']);
            if hidden.ends_before(content) {
                hidden = Hidden::Nothing;
            }
            let shown = if hidden == Hidden::Nothing {
                match after_secret(content) {
                    Some(end) if is_header(content) => {
                        hidden = Hidden::Table;
                        end
                    }
                    Some(end) => {
                        hidden = Hidden::Value { is_open: false };
                        end
                    }
                    None => content.len(),
                }
            } else {
                0
            };
            if let Hidden::Value { is_open } = &mut hidden {
                let marks = ["\"\"\"", "'''"].map(|mark| content.matches(mark).count());
                *is_open ^= marks.iter().sum::<usize>() % 2 == 1;
            }
            self.fill(start + shown, start + content.len());
            start += line.len();
        }
    }

    /// Whether this place is in the parameters of a URL, and the quote before that.
    #[allow(clippy::option_option)] // Whether it is in one, and whether that is in quotes.
    fn url_around(&self, place: usize) -> Option<Option<char>> {
        let before = &self.text[..place];
        let scheme = before.rfind("://")?;
        let between = &before[scheme..];
        let is_name = |letter: char| letter.is_ascii_alphanumeric();
        let start = before[..scheme].trim_end_matches(is_name).len();
        let quote = before[..start].chars().next_back();
        let quote = quote.filter(|letter| QUOTES.contains(letter));
        let is_within = !between.contains('\n')
            && between.contains('?')
            && match quote {
                Some(quote) => !between.contains(quote),
                None => !between.contains(char::is_whitespace),
            };
        is_within.then_some(quote)
    }

    /// `user:password@host` without anything before it.
    fn bare(&mut self) {
        let mut offset = 0;
        for word in self.text.split_inclusive(char::is_whitespace) {
            let start = offset;
            offset += word.len();
            let (Some(colon), Some(at)) = (word.find(':'), word.rfind('@')) else {
                continue;
            };
            let is_address = word.contains("://")
                || SCHEMES
                    .into_iter()
                    .any(|scheme| self.lower[..start + colon].ends_with(scheme));
            let is_host = |letter: char| letter.is_alphanumeric() || letter == '[' || letter == '/';
            if !is_address && is_user(&word[..colon]) && word[at + 1..].starts_with(is_host) {
                self.fill(start + colon + 1, start + at);
            }
        }
    }
}

/// What of a file is hidden that goes on after its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hidden {
    Nothing,
    /// What a key says.
    Value {
        /// Whether a text of several lines has begun and not ended.
        is_open: bool,
    },
    /// What a whole table says.
    Table,
}

impl Hidden {
    /// Whether this line is about something else.
    fn ends_before(self, line: &str) -> bool {
        match self {
            Self::Nothing => true,
            Self::Value { is_open: true } => false,
            Self::Value { is_open: false } => is_header(line) || is_assignment(line),
            Self::Table => is_header(line),
        }
    }
}

/// Whether a line begins a table. A list may go on with a bracket, but names no key after it.
fn is_header(line: &str) -> bool {
    let line = line.trim_start();
    let name = line.trim_start_matches('[');
    name.len() < line.len() && name.starts_with(is_word)
}

/// Whether a line begins with a key.
fn is_assignment(line: &str) -> bool {
    let is_part = |letter: char| is_word(letter) || letter == '-' || letter == '.';
    let line = line.trim_start();
    let rest = line.trim_start_matches(is_part);
    rest.len() < line.len() && rest.trim_start().starts_with('=')
}

/// Where the first key of a line ends that sounds like a secret.
fn after_secret(line: &str) -> Option<usize> {
    let is_part = |letter: char| is_word(letter) || letter == '-';
    let mut end = 0;
    for word in line.split_inclusive(|letter| !is_part(letter)) {
        let key = word.trim_end_matches(|letter| !is_part(letter));
        if is_secret(key) {
            let rest = &line[end + key.len()..];
            let value = rest.trim_start_matches([' ', '\t', '=', ':']);
            return Some(line.len() - value.len());
        }
        end += word.len();
    }
    None
}

/// Whether a key of a file, mistyped perhaps, says a secret or how to get one.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["pass", "pwd", "secret", "token"]
        .into_iter()
        .any(|word| key.contains(word))
        || key
            .split(['_', '-'])
            .any(|part| strsim::jaro_winkler(part, "password") > 0.9)
}

const SCHEMES: [&str; 2] = ["postgresql", "postgres"];

const QUOTES: [char; 3] = ['"', '\'', '`'];

/// Where the next address begins.
fn next_address(lower: &str) -> usize {
    let starts = SCHEMES
        .into_iter()
        .filter_map(|scheme| lower.find(&format!("{scheme}://")));
    starts.min().unwrap_or(lower.len())
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Whether a user may stand at the end of this.
fn is_user(text: &str) -> bool {
    text.ends_with(is_word)
}

/// Whether a key stands before an `=` that says a password. libpq takes it for the same however it is encoded in a URL,
/// and people mistype it. A program that prints one is hidden in files only.
fn is_password_before(text: &str) -> bool {
    let text = text.trim_end().trim_end_matches(['"', '\'']);
    let is_part = |letter: char| is_word(letter) || letter == '%' || letter == '-';
    let key = &text[text.trim_end_matches(is_part).len()..];
    let key = decoded(key).to_ascii_lowercase();
    if key.ends_with("password_command") || key.ends_with("passwd_command") {
        return false;
    }
    let is_like = |word: &str| strsim::jaro_winkler(word, "password") > 0.9;
    [
        "password",
        "passwd",
        "passwort",
        "passphrase",
        "pass",
        "pwd",
        "secret",
    ]
    .into_iter()
    .any(|word| key.ends_with(word))
        || (is_like(&key) && !key.starts_with("password_"))
        || key.rsplit('_').next().is_some_and(is_like)
}

/// Without the `%xx` of a URL.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).map(|digits| u8::from_str_radix(digits, 16));
        if let Some(Ok(byte)) = digits {
            decoded.push(byte);
            decoded.extend_from_slice(&part.as_bytes()[2..]);
        } else {
            decoded.push(b'%');
            decoded.extend_from_slice(part.as_bytes());
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// How long what is in quotes is, to the one that ends it.
fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (index, letter) in text.char_indices() {
        let is_end = letter == quote && !is_escaped && closes(&text[index + 1..]);
        if letter == '\n' || is_end {
            return index;
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    text.len()
}

/// How long what is in no quotes is. In a URL in quotes only those end it.
#[allow(clippy::option_option)] // As above.
fn plain(text: &str, url: Option<Option<char>>) -> usize {
    let around = url.flatten();
    let mut is_escaped = false;
    for (index, letter) in text.char_indices() {
        let is_quote = match around {
            Some(quote) => letter == quote,
            None => QUOTES.contains(&letter),
        };
        let is_blank = letter.is_whitespace() && around.is_none();
        let is_end = is_blank
            || (letter == '&' && url.is_some())
            || (is_quote && closes(&text[index + letter.len_utf8()..]));
        if letter == '\n' || (is_end && !is_escaped) {
            return index;
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    text.len()
}

/// Whether a quote with this behind it ends something.
fn closes(rest: &str) -> bool {
    rest.chars()
        .next()
        .is_none_or(|letter| letter.is_whitespace() || ",;:.]})\"'`".contains(letter))
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
            ("password=x&pw now", "password=**** now"),
            ("password\t=\tpw\tx", "password\t=\t**\tx"),
            (
                "postgresql://h/x?%70assword=pw&a=b, pass%77ord=pw",
                "postgresql://h/x?%70assword=**&a=b, pass%77ord=**",
            ),
            ("Postgres:u:pw@h/x", "Postgres:u:**@h/x"),
            ("passwrd=pw passwd=pw pwd=pw", "passwrd=** passwd=** pwd=**"),
            ("no environment u:pw@host/x", "no environment u:**@host/x"),
            (
                "url = \"postgresql://u:p a'p`p\"w@h/db\" x",
                "url = \"postgresql://u:*********@h/db\" x",
            ),
            (
                "url = \"postgresql://h/db?password=p w\" x",
                "url = \"postgresql://h/db?password=***\" x",
            ),
            (
                "there is no password: a@b.example, postgresql://me@h:5432/d: role \"a@b\"",
                "there is no password: a@b.example, postgresql://me@h:5432/d: role \"a@b\"",
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
    fn a_file_hides_what_prints_a_password() {
        for (text, shown) in [
            (
                "password_command = \"echo pw\" x\ny = 1",
                "password_command = ***********\ny = 1",
            ),
            (
                "password_command = [\n \"a]\",\n \"pw\",\n]\nurl = \"\"",
                "password_command = *\n******\n******\n*\nurl = \"\"",
            ),
            ("password_env = \"PW\"", "password_env = ****"),
            (
                "password = \"\"\"\nx = pw\n\"\"\"\nurl = \"u\"",
                "password = ***\n******\n***\nurl = \"u\"",
            ),
            (
                "[env.x.password_command]\nx = \"pw\"\n[env.y]\nurl = \"u\"",
                "[env.x.password_command*\n********\n[env.y]\nurl = \"u\"",
            ),
        ] {
            assert_eq!(masked_file(text), shown);
        }
        for text in [
            "password = '''pw'''",
            "password: \"pw\"",
            "password \"pw\"",
            "password.x = \"pw\"",
            "password_comand = [\"a\", \"pw\"]",
            "password-command = [\"a\", \"pw\"]",
            "passwordcommand = [\"a\", \"pw\"]",
            "password_cmd = [\"a\", \"pw\"]",
            "password_command =\n[\"a\", \"pw\"]",
            "password_command =\n[\n\"a=\",\n\"pw\",\n]",
            "password_command [\"a\", \"pw\"]",
            "password_env = pw",
            "pasword_env = \"pw\"",
            "password_file = \"pw\"",
            "x = { url = \"u\", passwordcommand = [\"a\", \"pw\"] }",
        ] {
            let shown = masked_file(text);
            assert!(!shown.contains("pw"), "{shown}");
            assert_eq!(shown.len(), text.len());
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
            (
                "password=x&pw z",
                "no password=x&pw z",
                "no password=******",
            ),
            ("u:p w@h/x", "no u:p w@h/x", "no u:***@h/x"),
        ] {
            assert_eq!(Mask::knowing([word, "u", "--env"]).apply(text), shown);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(://|:|@|password|password_command|\\?|%70|&|\\[|\\]|\t|=|'|\"|\\\\| |\n|ä|x|postgres|/){0,24}") {
            prop_assert_eq!(masked(&text).len(), text.len());
            prop_assert_eq!(masked_file(&text).len(), text.len());
            prop_assert_eq!(in_one(&text).len(), text.len());
        }
    }
}
