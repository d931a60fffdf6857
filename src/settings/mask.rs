//! The text of a configuration file as it may be shown: an error quotes the line it is about, and somebody may have
//! written a password there.

/// The same text, byte for byte, with stars in place of what could be a password: the one in a URL, and whatever
/// stands after `password=`.
pub(super) fn masked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (start, _) in text.match_indices("://") {
        let start = start + "://".len();
        let end = ends(&text[start..], &['"', '\'', '\n', ' ']);
        let address = &text[start..start + end];
        // A password may hold an @ that nobody escaped; a host may not.
        if let (Some(colon), Some(at)) = (address.find(':'), address.rfind('@'))
            && colon < at
        {
            bytes[start + colon + 1..start + at].fill(b'*');
        }
    }
    for (start, word) in text.match_indices("password=") {
        let start = start + word.len();
        let end = ends(&text[start..], &['"', '&', '\n', ' ']);
        bytes[start..start + end].fill(b'*');
    }
    // Stars in place of whole characters leave text that is text.
    String::from_utf8(bytes).unwrap_or_default()
}

fn ends(text: &str, marks: &[char]) -> usize {
    text.find(marks).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
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
            ("# a comment: nothing", "# a comment: nothing"),
        ] {
            assert_eq!(masked(text), shown);
            assert_eq!(masked(text).len(), text.len());
        }
    }
}
