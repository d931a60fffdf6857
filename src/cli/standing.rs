//! How a database stands to what files declare, in a line, and a line a note.

use crate::error::command;
use crate::plan::counted;

/// Whether what is `here` is as declared, and what mends it if not; every difference says whether no file declares what
/// it takes away, so that it goes only with `--prune`.
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
    let apply = command(format!("{noun} apply"));
    let these = |count: usize| if count == 1 { "it" } else { "them" };
    let undeclared = format!(
        "{} declares what no file does, and {} takes it away",
        command(format!("{noun} adopt")),
        command(format!("{noun} apply --prune"))
    );
    let text = if count == 0 {
        format!("as declared: {here}")
    } else {
        let mends = match count - left {
            0 => undeclared,
            mended if left == 0 => format!("{apply} mends {}", these(mended)),
            mended => format!("{apply} mends {mended} of them; {undeclared}"),
        };
        format!(
            "{} from what is declared: {here}; {mends}",
            counted(count, "difference")
        )
    };
    let notes = notes.iter().map(|note| format!("note: {note}"));
    std::iter::once(text).chain(notes).collect()
}
