//! E-mail addresses: what is one, and what is kept of it.

use email_address::{EmailAddress, Options};

use crate::error::{Error, Result};

/// An address as it will be stored: without blanks around it, otherwise as given. Two that differ only in case
/// are the same person's; the database sees to that.
pub fn parse(text: &str) -> Result<String> {
    let text = text.trim();
    let options = Options::default()
        .with_required_tld()
        .without_domain_literal()
        .without_display_text();
    EmailAddress::parse_with_options(text, options).map_err(|reason| {
        let mut reason = reason.to_string().to_lowercase();
        reason.truncate(reason.trim_end_matches('.').len());
        Error::usage(format!("{text:?} is no e-mail address"))
            .because(Error::usage(reason))
            .hint("write it as name@example.com")
    })?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_told_from_garbage() {
        for good in [
            "a@example.com",
            " Nina.K+toys@mail.example.co.uk ",
            "o'brien@example.com",
            "josé@example.com",
            "x@bücher.example",
        ] {
            assert_eq!(parse(good).expect("is one"), good.trim(), "{good}");
        }
        for bad in [
            "",
            "a",
            "@",
            "a@",
            "@b.com",
            "a@b",
            "a b@c.com",
            "a@b..com",
            "a@@b.com",
            "a@[127.0.0.1]",
            "Nina <n@x.com>",
            "a@b.com\n",
            "a\0@b.com",
            "a@-b-.com",
        ] {
            // A line break at the end is a blank, and blanks around an address do not matter.
            assert_eq!(parse(bad).is_ok(), bad.ends_with('\n'), "{bad:?}");
        }
        assert!(parse(&format!("{}@example.com", "a".repeat(65))).is_err());
    }

    proptest! {
        #[test]
        fn garbage_does_not_make_it_panic(text in "\\PC{0,80}") {
            let _ = parse(&text);
        }
    }
}
