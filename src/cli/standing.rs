//! How a database stands to what files declare, in a sentence.

use crate::error::command;
use crate::plan::counted;

/// Whether what is `here` is as declared, and what mends it if not; every difference says whether it goes only with
/// `--prune`.
pub(super) fn standing(
    noun: &str,
    here: &str,
    differences: impl Iterator<Item = bool>,
    notes: &[String],
) -> String {
    let (mut count, mut left) = (0, 0);
    for prune in differences {
        count += 1;
        left += usize::from(prune);
    }
    let mut text = if count == 0 {
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
    for note in notes {
        text.push_str("\nnote: ");
        text.push_str(note);
    }
    text
}
