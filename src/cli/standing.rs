//! How a database stands to what files declare, in a line, and a line a note.

use crate::error::command;
use crate::plan::counted;

/// Whether what is `here` is as declared, and what mends it if not; every difference says whether it goes only with
/// `--prune`.
pub(super) fn standing(
    noun: &str,
    here: &str,
    differences: impl Iterator<Item = bool>,
    notes: &[String],
) -> Vec<String> {
    let (mut count, mut left) = (0, 0);
    for prune in differences {
        count += 1;
        left += usize::from(prune);
    }
    let text = if count == 0 {
        format!("as declared: {here}")
    } else {
        let option = if left > 0 { " --prune" } else { "" };
        format!(
            "{} from what is declared: {here}; {} mends {}",
            counted(count, "difference"),
            command(format!("{noun} apply{option}")),
            if count == 1 { "it" } else { "them" },
        )
    };
    let notes = notes.iter().map(|note| format!("note: {note}"));
    std::iter::once(text).chain(notes).collect()
}
