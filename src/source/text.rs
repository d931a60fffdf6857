//! The text of a file.
//!
//! A byte order mark is dropped and CRLF becomes LF before anything is hashed or run, so that an editor or a
//! checkout on another system changes nothing.

use std::borrow::Cow;

use crate::error::{Error, Excerpt, Result};

/// What to do about bytes that are no text.
pub const RESAVE: &str = "save the file as UTF-8";

/// The byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Why the bytes of a file are no text.
#[derive(Debug)]
pub struct Illegible {
    /// What is wrong, as it is said of the file: `is not UTF-8 text: ...`.
    pub what: String,
    /// Where, unless it is everywhere.
    pub place: Option<Excerpt>,
    /// What to do.
    pub hint: &'static str,
}

impl Illegible {
    /// The same, with the file it is about.
    pub fn about(self, path: &str) -> Error {
        let error = Error::failed(format!("{path} {}", self.what))
            .note("nothing was run")
            .hint(self.hint);
        match self.place {
            Some(place) => error.at(place),
            None => error,
        }
    }
}

/// The text of a file, or why it is none. Bytes that are given away become the text: a file may be large.
pub fn decode<'a>(bytes: impl Into<Cow<'a, [u8]>>, path: &str) -> Result<String, Illegible> {
    let mut bytes: Cow<'a, [u8]> = bytes.into();
    let refuse = |what: String, place| Illegible {
        what: format!("is not UTF-8 text: {what}"),
        place,
        hint: RESAVE,
    };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(refuse("it begins like UTF-16".to_owned(), None));
    }
    let mark = if bytes.starts_with(MARK) {
        MARK.len()
    } else {
        0
    };
    if mark > 0 {
        bytes.to_mut().drain(..mark);
    }
    let text = String::from_utf8(bytes.into_owned()).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let place = Excerpt::new(path, &String::from_utf8_lossy(bytes), offset, 1);
        let what = format!("byte {:#04x} at offset {}", bytes[offset], offset + mark);
        refuse(what, Some(place))
    })?;
    if let Some(offset) = text.find('\0') {
        return Err(Illegible {
            what: format!("holds a NUL character at offset {}", offset + mark),
            place: Some(Excerpt::new(path, &text, offset, 1)),
            hint: "remove the character; SQL text has none",
        });
    }
    Ok(if text.contains('\r') {
        unix(text)
    } else {
        text
    })
}

/// The text with `\n` for every `\r\n`, in the place where it is.
fn unix(text: String) -> String {
    let mut bytes = text.into_bytes();
    let mut kept = 0;
    for at in 0..bytes.len() {
        if bytes[at] != b'\r' || bytes.get(at + 1) != Some(&b'\n') {
            bytes[kept] = bytes[at];
            kept += 1;
        }
    }
    bytes.truncate(kept);
    // Whole characters went, so it is text still.
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_text_is_refused_with_its_place() {
        for (bytes, message) in [
            (
                &b"select 'caf\xe9';"[..],
                "f is not UTF-8 text: byte 0xe9 at offset 11",
            ),
            (
                b"\xff\xfes\0e\0",
                "f is not UTF-8 text: it begins like UTF-16",
            ),
            (
                b"select 1;\nselect '\0';",
                "f holds a NUL character at offset 18",
            ),
        ] {
            assert_eq!(
                decode(bytes, "f")
                    .expect_err("is refused")
                    .about("f")
                    .to_string(),
                message
            );
        }
    }

    #[test]
    fn a_carriage_return_by_itself_stays() {
        let text = decode(b"\xef\xbb\xbf\r\n\r\ra\r\n\xc3\xa9\r", "f").expect("is text");
        assert_eq!(text, "\n\r\ra\n\u{e9}\r");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode(&bytes, "f");
        }

        #[test]
        fn lines_end_alike(text in "[a\r\n\u{e9}]{0,20}") {
            let unix = decode(text.as_bytes(), "f").expect("is text");
            assert_eq!(unix, text.replace("\r\n", "\n"));
        }
    }
}
