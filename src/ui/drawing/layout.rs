//! How a table comes to fit its terminal: rows stay rows as long as they can.
//!
//! Long texts whose end is worth less than other columns give way to those. Columns without any value go first, and are not missed. The least important are shortened, then left out, in the order the table says; then what may be cut is cut,
//! to no less than still helps; then texts wrap at their blanks, the last column first. What fits in none of these
//! ways is drawn as records. Numbers, and texts that nobody said may be cut, are whole or not there.

use super::{Column, Piece};
use crate::ui::Printable;

/// A wrapped column is no narrower than this.
const PROSE: usize = 16;

/// A table while it becomes narrower: the heading and the rows, a piece a column.
pub(super) struct Layout {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Piece>>,
    /// Blanks between columns.
    pub gap: usize,
    /// Headings of columns that are left out.
    pub left_out: Vec<Printable>,
    /// What a cut text ends in.
    pub ellipsis: &'static str,
}

impl Layout {
    /// Makes it fit; false if it cannot, and is better drawn as records.
    pub(super) fn fit(&mut self, width: usize) -> bool {
        while self.excess_beyond(width, |column| column.enough) > 0 {
            let ranks = self.columns.iter().enumerate();
            let ranks = ranks.filter_map(|(place, column)| {
                let rank = column.rank.map(|rank| rank + 1);
                Some((if column.is_empty { 0 } else { rank? }, place))
            });
            let Some((_, place)) = ranks.min() else { break };
            if !self.shorten(place, width) {
                let column = self.columns.remove(place);
                let mut removed = self.rows.iter_mut().map(|row| row.remove(place));
                let heading = removed.next().filter(|_| !column.is_empty);
                self.left_out.extend(heading.map(Piece::into_text));
                removed.for_each(drop);
            }
        }
        // Once only the least of each is left, there is nothing more to take.
        let mut cuttable: Vec<usize> = (0..self.columns.len())
            .filter(|place| self.columns[*place].least.is_some())
            .collect();
        cuttable.sort_by_key(|place| std::cmp::Reverse(self.width_of(*place)));
        for place in cuttable {
            let Some(least) = self.columns[place].least else {
                continue;
            };
            let there = self.width_of(place);
            let room = there.saturating_sub(self.excess(width)).max(least);
            if room < there {
                self.cut(place, room);
            }
        }
        self.wrap(width);
        if self.excess(width) > 0 {
            self.gap = 1;
        }
        self.excess(width) == 0
    }

    /// How many columns of the terminal are missing.
    pub(super) fn excess(&self, width: usize) -> usize {
        self.excess_beyond(width, |_| None)
    }

    /// The same if columns took no more than this.
    fn excess_beyond(&self, width: usize, most: impl Fn(&Column) -> Option<usize>) -> usize {
        let columns = self.columns.len();
        let capped = |place: usize| {
            let most = most(&self.columns[place]).unwrap_or(usize::MAX);
            self.width_of(place).min(most)
        };
        let sum: usize = (0..columns).map(capped).sum();
        (sum + self.gap * columns.saturating_sub(1)).saturating_sub(width)
    }

    fn width_of(&self, place: usize) -> usize {
        let widths = self.rows.iter().map(|row| row[place].width);
        widths.max().unwrap_or(0).max(1)
    }

    /// Cuts a column that would be left out, if that is enough.
    fn shorten(&mut self, place: usize, width: usize) -> bool {
        let excess = self.excess_beyond(width, |column| column.enough);
        let room = self.width_of(place).saturating_sub(excess);
        let is_enough = self.columns[place].least.is_some_and(|least| room >= least);
        if is_enough {
            self.cut(place, room);
        }
        is_enough
    }

    fn cut(&mut self, place: usize, room: usize) {
        for row in &mut self.rows {
            row[place].cut(room, self.ellipsis);
        }
    }

    /// Wraps the last column, and if that is not enough the widest of those that may. No word is broken as long as there
    /// is a blank to break another column at.
    fn wrap(&mut self, width: usize) {
        let last = self.columns.len().saturating_sub(1);
        let mut wrapping: Vec<usize> = (0..self.columns.len())
            .filter(|place| self.columns[*place].wraps || *place == last)
            .filter(|place| !self.columns[*place].right)
            .collect();
        wrapping.sort_by_key(|place| (*place != last, std::cmp::Reverse(self.width_of(*place))));
        let mut widths: Vec<usize> = (0..self.columns.len())
            .map(|place| self.width_of(place))
            .collect();
        let gaps = self.gap * last;
        for breaks_words in [false, true] {
            for place in &wrapping {
                let floor = if breaks_words {
                    PROSE
                } else {
                    PROSE.max(self.longest_word(*place))
                };
                let excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
                let room = widths[*place].saturating_sub(excess).max(floor);
                widths[*place] = widths[*place].min(room);
            }
        }
        for place in wrapping {
            for row in &mut self.rows {
                row[place].wrap(widths[place]);
            }
        }
    }

    fn longest_word(&self, place: usize) -> usize {
        let pieces = self.rows.iter().map(|row| &row[place]);
        let lines = pieces.flat_map(|piece| &piece.lines);
        let words = lines.flat_map(Printable::words);
        words.map(|word| word.width()).max().unwrap_or(0)
    }
}

/// The text in lines of at most so many columns, broken between words; a word that is longer than a line is broken
/// after a mark that joins its parts, or else where the line ends. All of them are indented as the text is; what goes on
/// from a line of a difference stands behind its sign.
pub(super) fn wrapped(text: &Printable, width: usize) -> Vec<Printable> {
    let indent = text.indent().min(width / 2);
    let first = text.words().next();
    let is_difference = first.is_some_and(|word| matches!(word.as_str(), "+" | "-"));
    let sign = if is_difference { 2.min(width / 4) } else { 0 };
    let lines = filled(text.words(), width - indent - sign).into_iter();
    lines
        .enumerate()
        .map(|(number, line)| {
            let mut indented = Printable::default();
            indented.pad(if number == 0 { indent } else { indent + sign });
            indented.push(line);
            indented
        })
        .collect()
}

/// A line for people as it fits a terminal, all but the first indented. What stands in backquotes is copied, so it stays
/// together; what is longer than a line is left to the terminal, which copies it whole.
pub(in crate::ui) fn prose(text: Printable, width: Option<u16>, indent: usize) -> Printable {
    let width = width.map_or(usize::MAX, usize::from);
    if text.width() <= width {
        return text;
    }
    let mut lines = Printable::default();
    lines.pad(text.indent());
    let mut used = text.indent();
    for (number, part) in uncut(text.words()).into_iter().enumerate() {
        if number > 0 && used + 1 + part.width() <= width {
            lines.pad(1);
            used += 1;
        } else if number > 0 {
            lines.end_line();
            lines.pad(indent);
            used = indent;
        }
        used += part.width();
        lines.push(part);
    }
    lines
}

/// Words, those between two backquotes in one.
fn uncut(words: impl Iterator<Item = Printable>) -> Vec<Printable> {
    let mut parts: Vec<Printable> = Vec::new();
    let mut is_open = false;
    for word in words {
        let goes_on = is_open;
        is_open ^= word.as_str().matches('`').count() % 2 == 1;
        match parts.last_mut().filter(|_| goes_on) {
            Some(part) => {
                part.pad(1);
                part.push(word);
            }
            None => parts.push(word),
        }
    }
    parts
}

/// The same of what stays together.
pub(super) fn filled(words: impl Iterator<Item = Printable>, width: usize) -> Vec<Printable> {
    let mut lines = Vec::new();
    let mut line = Printable::default();
    for mut word in words {
        let blank = usize::from(!line.is_empty());
        if line.width() + blank + word.width() <= width {
            line.pad(blank);
            line.push(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        while word.width() > width {
            let (head, rest) = word.broken(width);
            lines.push(head);
            word = rest;
        }
        line = word;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_stay_whole_where_they_can() {
        let lines = |text: &str, width| -> Vec<String> {
            let lines = wrapped(&Printable::line(text), width).into_iter();
            lines.map(|line| line.to_string()).collect()
        };
        assert_eq!(
            lines("PostgreSQL 15.18 at the private server", 16),
            ["PostgreSQL 15.18", "at the private", "server"]
        );
        assert_eq!(
            lines("in database/migrations/001_roles.sql", 20),
            ["in", "database/migrations/", "001_roles.sql"]
        );
        assert_eq!(lines("日本語テキスト", 6), ["日本語", "テキス", "ト"]);
        assert_eq!(lines("", 6), [""]);
        assert_eq!(
            lines("  - where status = 'completed'", 18),
            ["  - where status", "    = 'completed'"]
        );
    }

    #[test]
    fn what_is_copied_stays_in_one_line() {
        let lines = |text: &str| prose(Printable::line(text), Some(20), 2).to_string();
        assert_eq!(lines("it fits as it  is"), "it fits as it  is");
        assert_eq!(
            lines("2 differences; `index apply` builds them; see `index status --check -o json`"),
            "2 differences;\n  `index apply`\n  builds them; see\n  `index status --check -o json`"
        );
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_line_is_too_long(text in "[a-z日é/]{0,12}( [a-z]{1,9}){0,6}", width in 4_usize..20) {
            let lines = wrapped(&Printable::line(&text), width);
            prop_assert!(lines.iter().all(|line| line.width() <= width));
            let there: String = lines.iter().map(ToString::to_string).collect();
            prop_assert_eq!(there.replace(' ', ""), text.replace(' ', ""));
        }
    }
}
