//! Text that may be written to a stream: whoever wrote it may not be a friend.
//!
//! [`Printable`] is the only thing that `stream` takes for people, and its constructors are the only way to one. What
//! a terminal would obey, or would not show at all, is spelled out: control characters, those that reorder text,
//! and those without a width. A backslash is not escaped: this is for eyes, and programs read the other formats.
//!
//! Letters that are read from right to left stay, as do the joiners that words and emoji are written with: a
//! zero-width (non-)joiner between two letters of a script that joins, a zero-width joiner between two emoji, a
//! variation selector after what it varies, and the tags of a flag.

use std::fmt::{self, Write};
use std::ops::Add;

use unicode_segmentation::UnicodeSegmentation;

/// Text without anything that a terminal obeys, except for colours of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Printable(String);

/// How a piece of text stands out.
#[derive(Debug, Clone, Copy)]
pub(super) enum Emphasis {
    Bold,
    Dim,
    Red,
    Yellow,
    Green,
    Cyan,
}

impl Printable {
    /// One line: a line feed or a tab in it is shown as `\n` or `\t`.
    pub fn line(text: impl AsRef<str>) -> Self {
        Self(rewritten(text.as_ref(), |_| false, spell))
    }

    /// A text of several lines, which keeps its line feeds and tabs.
    pub fn lines(text: impl AsRef<str>) -> Self {
        Self(rewritten(
            text.as_ref(),
            |letter| matches!(letter, '\n' | '\t'),
            spell,
        ))
    }

    /// A text of several lines, all but the first indented by so many blanks: none of them passes for a line of ours.
    pub fn hanging(text: impl AsRef<str>, indent: usize) -> Self {
        let indent = format!("\n{}", " ".repeat(indent));
        Self(Self::lines(text).0.replace('\n', &indent))
    }

    /// Lines that a library of ours has coloured: sequences that set colours and nothing else survive.
    pub(super) fn colored(text: &str) -> Self {
        let mut clean = Self::default();
        let mut parts = text.split("\u{1b}[");
        clean
            .0
            .push_str(&Self::lines(parts.next().unwrap_or_default()).0);
        for part in parts {
            let codes = part
                .bytes()
                .take_while(|byte| b"0123456789;".contains(byte));
            let end = codes.count();
            if part[end..].starts_with('m') {
                let _ = write!(clean.0, "\u{1b}[{}m", &part[..end]);
                clean.0.push_str(&Self::lines(&part[end + 1..]).0);
            } else {
                clean.0.push_str(&Self::lines(format!("\u{1b}[{part}")).0);
            }
        }
        clean
    }

    /// A JSON document of the same value in which no string hides anything: JSON may write any character as `\uXXXX`.
    pub(super) fn json(document: &str) -> Self {
        // Outside of strings, JSON has no other white space that we write.
        Self(rewritten(
            document,
            |letter| letter == '\n',
            |letter, text| {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            },
        ))
    }

    /// Every character of a line as it is shown, one by one.
    pub(super) fn letters(text: &str) -> Vec<Self> {
        let mut letters = Vec::with_capacity(text.len());
        walk(text, |letter, is_hidden| {
            let mut shown = String::new();
            if is_hidden && letter != '\t' {
                spell(letter, &mut shown);
            } else {
                shown.push(letter);
            }
            letters.push(Self(shown));
        });
        letters
    }

    /// The same, standing out.
    pub(super) fn with(self, emphasis: Emphasis) -> Self {
        let code = match emphasis {
            Emphasis::Bold => "1",
            Emphasis::Dim => "2",
            Emphasis::Red => "1;31",
            Emphasis::Yellow => "1;33",
            Emphasis::Green => "32",
            Emphasis::Cyan => "36",
        };
        Self(format!("\u{1b}[{code}m{}\u{1b}[0m", self.0))
    }

    /// What is written.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many columns of a terminal the line takes.
    pub(super) fn width(&self) -> usize {
        let is_plain = self.0.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if is_plain {
            self.0.len()
        } else {
            console::measure_text_width(&self.0)
        }
    }

    /// Goes on.
    pub(super) fn push(&mut self, more: impl Into<Self>) {
        self.0.push_str(&more.into().0);
    }

    /// Goes on after so many blanks.
    pub(super) fn pad(&mut self, blanks: usize) {
        self.0.extend(std::iter::repeat_n(' ', blanks));
    }

    /// Goes on in the next line, indented by so many blanks.
    pub(super) fn below(&mut self, indent: usize, more: impl Into<Self>) {
        self.end_line();
        self.pad(indent);
        self.push(more);
    }

    /// Ends the line.
    pub(super) fn end_line(&mut self) {
        self.0.push('\n');
    }

    /// Without blanks and line feeds at the end.
    #[must_use]
    pub(super) fn trimmed(mut self) -> Self {
        self.0.truncate(self.0.trim_end().len());
        self
    }

    /// As much from the beginning of a text without colours as fits into so many columns; nothing visible is cut in
    /// two.
    #[must_use]
    pub(super) fn cut(&self, columns: usize) -> Self {
        let mut cut = Self::default();
        let mut left = columns;
        for cluster in self.0.graphemes(true) {
            let width = console::measure_text_width(cluster);
            if width > left {
                break;
            }
            left -= width;
            cut.0.push_str(cluster);
        }
        cut
    }

    /// Makes a part of a line stand out that begins so many columns from the left, or to the right of blanks there.
    pub(super) fn dress_part(&mut self, offset: usize, part: &Self, dress: impl Fn(Self) -> Self) {
        let start = self.cut(offset).0.len();
        if let Some(found) = self.0[start..].find(&part.0) {
            let start = start + found;
            let dressed = dress(part.clone());
            self.0
                .replace_range(start..start + part.0.len(), &dressed.0);
        }
    }

    /// How many blanks it begins with.
    pub(super) fn indent(&self) -> usize {
        self.0.len() - self.0.trim_start_matches(' ').len()
    }

    /// What stands between blanks, in one without colours.
    pub(super) fn words(&self) -> impl Iterator<Item = Self> {
        let words = self.0.split(' ').filter(|word| !word.is_empty());
        words.map(|word| Self(word.to_owned()))
    }

    /// A word without colours, broken before so many columns are full: after a mark that joins its parts if there is
    /// one in the second half.
    pub(super) fn broken(&self, columns: usize) -> (Self, Self) {
        let mut head = self.cut(columns).0;
        if let Some(mark) = head.rfind(['/', '_', '-', ',', '.', ':', ';', '=', '&'])
            && mark + 1 > head.len() / 2
        {
            head.truncate(mark + 1);
        }
        if head.is_empty() {
            // Wider than a whole line: it cannot be helped.
            head.extend(self.0.graphemes(true).next());
        }
        let rest = self.0[head.len()..].to_owned();
        (Self(head), Self(rest))
    }

    /// Such lines, one below the other.
    pub(super) fn joined(lines: impl IntoIterator<Item = Self>) -> Self {
        let lines: Vec<String> = lines.into_iter().map(|line| line.0).collect();
        Self(lines.join("\n"))
    }
}

impl fmt::Display for Printable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Printable {
    fn from(text: &str) -> Self {
        Self::line(text)
    }
}

impl From<&String> for Printable {
    fn from(text: &String) -> Self {
        Self::line(text)
    }
}

impl From<String> for Printable {
    fn from(text: String) -> Self {
        Self::line(text)
    }
}

impl<T: Into<Printable>> Add<T> for Printable {
    type Output = Self;

    fn add(mut self, more: T) -> Self {
        self.push(more);
        self
    }
}

/// The text with everything hidden replaced, unless it is to be kept.
fn rewritten(text: &str, keep: fn(char) -> bool, replace: fn(char, &mut String)) -> String {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    walk(text, |letter, is_hidden| {
        if is_hidden && !keep(letter) {
            replace(letter, &mut shown);
        } else {
            shown.push(letter);
        }
    });
    shown
}

/// A character spelled out.
fn spell(letter: char, text: &mut String) {
    match letter {
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        letter => {
            let _ = write!(text, "\\u{{{:x}}}", u32::from(letter));
        }
    }
}

/// Visits every character, with whether it is one that is obeyed or not shown.
fn walk(text: &str, mut visit: impl FnMut(char, bool)) {
    let mut letters = text.chars().peekable();
    // What stands before, and what of it is not a mere addition to what stands before that.
    let (mut before, mut base) = ('\0', '\0');
    while let Some(letter) = letters.next() {
        let after = letters.peek().copied().unwrap_or('\0');
        let is_hidden = match letter {
            '\u{200c}' => !(joins(before) && joins(after)),
            '\u{200d}' => !(joins(before) && joins(after) || is_emoji(base) && is_emoji(after)),
            '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
                let is_keycap = matches!(before, '0'..='9' | '#' | '*') && after == '\u{20e3}';
                let is_varied = before == base && !base.is_ascii() && !is_invisible(base);
                !is_keycap && !is_varied
            }
            '\u{180b}'..='\u{180f}' => !joins(before),
            '\u{e0020}'..='\u{e007f}' => base != '\u{1f3f4}',
            letter => is_invisible(letter),
        };
        visit(letter, is_hidden);
        if !matches!(letter, '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}')
        {
            base = letter;
        }
        before = letter;
    }
}

/// Control characters, what reorders text, and what takes no room wherever it stands (Unicode's
/// Default_Ignorable_Code_Point, without variation selectors and tags).
fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// A letter or a sign of a script whose words are written with joiners: Arabic and its relatives, the scripts of India
/// and its neighbours, Mongolian.
fn joins(letter: char) -> bool {
    matches!(
        letter,
        '\u{620}'..='\u{6ff}'
            | '\u{700}'..='\u{7ff}'
            | '\u{840}'..='\u{8ff}'
            | '\u{900}'..='\u{dff}'
            | '\u{f40}'..='\u{109f}'
            | '\u{1780}'..='\u{17b3}'
            | '\u{17b6}'..='\u{17d3}'
            | '\u{1820}'..='\u{18aa}'
            | '\u{a840}'..='\u{a8ff}'
            | '\u{fb50}'..='\u{fdff}'
            | '\u{fe70}'..='\u{fefc}'
            | '\u{11000}'..='\u{11fff}'
    )
}

/// What is drawn as a picture, roughly (Unicode's Extended_Pictographic).
fn is_emoji(letter: char) -> bool {
    matches!(
        letter,
        '\u{2190}'..='\u{21ff}'
            | '\u{2300}'..='\u{23ff}'
            | '\u{25a0}'..='\u{27bf}'
            | '\u{2b00}'..='\u{2bff}'
            | '\u{1f000}'..='\u{1faff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(text: &str) -> String {
        Printable::line(text).0
    }

    #[test]
    fn what_a_terminal_obeys_is_spelled_out() {
        assert_eq!(
            line("\u{1b}[2J\u{7}\0\r\n\t\u{7f}\u{9b}31m\u{85}"),
            "\\u{1b}[2J\\u{7}\\u{0}\\r\\n\\t\\u{7f}\\u{9b}31m\\u{85}"
        );
        assert_eq!(
            line("a\u{202e}b\u{2066}\u{2069}\u{200e}\u{61c}\u{2028}\u{2029}"),
            "a\\u{202e}b\\u{2066}\\u{2069}\\u{200e}\\u{61c}\\u{2028}\\u{2029}"
        );
        assert_eq!(
            line("\u{200b}\u{2060}\u{feff}ad\u{ad}min\u{3164}\u{e0061}"),
            "\\u{200b}\\u{2060}\\u{feff}ad\\u{ad}min\\u{3164}\\u{e0061}"
        );
        assert_eq!(
            Printable::lines("naïve\n\tßü日本\u{9b}").0,
            "naïve\n\tßü日本\\u{9b}"
        );
        assert_eq!(Printable::hanging("a\nerror: b", 2).0, "a\n  error: b");
    }

    #[test]
    fn what_words_and_emoji_are_written_with_stays() {
        for honest in [
            // Persian, Hindi, Sinhala; Hebrew, from right to left without a control character.
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "ශ්\u{200d}රී",
            "שלום",
            "👩🏽\u{200d}🚀",
            "❤\u{fe0f}\u{200d}🔥",
            "1\u{fe0f}\u{20e3}",
            "🏴\u{e0067}\u{e0062}\u{e007f}",
            "e\u{301}葛\u{e0100}",
        ] {
            assert_eq!(line(honest), honest);
        }
        assert_eq!(line("ad\u{200d}min\u{200c}"), "ad\\u{200d}min\\u{200c}");
        assert_eq!(line("a\u{fe0f}b"), "a\\u{fe0f}b");
        assert_eq!(line("🚀\u{200d}a"), "🚀\\u{200d}a");
        assert_eq!(line("❤\u{fe0f}\u{fe0f}"), "❤\u{fe0f}\\u{fe0f}");
    }

    #[test]
    fn only_colours_of_a_library_survive() {
        assert_eq!(
            Printable::colored("\u{1b}[1;31merror\u{1b}[0m \u{1b}[2J\u{1b}]0;x\u{7}\u{1b}[31").0,
            "\u{1b}[1;31merror\u{1b}[0m \\u{1b}[2J\\u{1b}]0;x\\u{7}\\u{1b}[31"
        );
    }

    #[test]
    fn a_line_is_cut_between_what_is_seen_as_one() {
        let cut = |text: &str, columns| Printable::line(text).cut(columns).0;
        assert_eq!(cut("日本", 3), "日");
        assert_eq!(cut("e\u{301}a", 1), "e\u{301}");
        assert_eq!(cut("a👩\u{200d}🚀b", 2), "a");
    }

    proptest! {
        #[test]
        fn nothing_that_is_obeyed_is_left(text in any::<String>()) {
            let line = line(&text);
            prop_assert!(!line.chars().any(char::is_control));
            // What was cleaned needs no cleaning.
            prop_assert_eq!(Printable::line(&line).0, line);
            let letters: String = Printable::letters(&text).into_iter().map(|letter| letter.0).collect();
            prop_assert_eq!(letters.replace('\t', "\\t"), self::line(&text));
        }

        #[test]
        fn json_keeps_its_value(text in any::<String>()) {
            let document = serde_json::to_string_pretty(&serde_json::json!({ "a": text })).expect("is JSON");
            let escaped = Printable::json(&document).0;
            prop_assert!(!escaped.chars().any(|letter| letter.is_control() && letter != '\n'));
            let value: serde_json::Value = serde_json::from_str(&escaped).expect("is JSON");
            prop_assert_eq!(&value["a"], &text);
        }
    }
}
