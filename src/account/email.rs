//! E-mail addresses: what is one, what is kept of it, and how else it may be written.

use email_address::{EmailAddress, Options};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use crate::error::{Error, Result};

/// An address as it will be stored: without blanks around it, its letters composed (NFC), otherwise as given. What
/// stands before the @ may be in any script (RFC 6531), and so may the domain (IDNA). Two that differ only in case are
/// the same person's; the database sees to that.
pub fn parse(text: &str) -> Result<String> {
    let text: String = text.trim().nfc().collect();
    let options = Options::default()
        .with_required_tld()
        .without_domain_literal()
        .without_display_text();
    let wrong = |reason: &str| {
        let mut reason = reason.to_lowercase();
        reason.truncate(reason.trim_end_matches('.').len());
        Error::usage(format!("{text:?} is no e-mail address"))
            .because(Error::usage(reason))
            .hint("write it as name@example.com")
    };
    let (name, domain) = text
        .rsplit_once('@')
        .ok_or_else(|| wrong("there is no @ in it"))?;
    let mut before = None;
    let unseen = name.chars().find(|letter| {
        let before = before.replace(*letter);
        !letter.is_ascii() && !is_visible(before, *letter)
    });
    if let Some(stranger) = unseen {
        return Err(wrong(&format!("{stranger:?} cannot be seen")).into());
    }
    if name.len() > LONGEST {
        return Err(wrong("what stands before the @ is longer than 64 bytes").into());
    }
    let known = ascii(domain);
    let domain = known.as_deref().unwrap_or(domain);
    // What is left are the rules for ASCII, where another letter is as good as any.
    let plain = |letter: char| if letter.is_ascii() { letter } else { 'x' };
    let plain: String = name.chars().map(plain).collect();
    EmailAddress::parse_with_options(&format!("{plain}@{domain}"), options)
        .map_err(|reason| wrong(&reason.to_string()))?;
    if known.is_none() {
        return Err(wrong("its domain can be none").into());
    }
    Ok(text)
}

/// Of what stands before the @, in bytes.
const LONGEST: usize = 64;

/// How an address may be written that is the same: as given first, then with its letters composed and apart, and with
/// its domain in letters and in ASCII.
pub fn spellings(text: &str) -> Vec<String> {
    let given = text.trim();
    let composed: String = given.nfc().collect();
    let mut all = vec![given.to_owned(), composed.clone(), given.nfd().collect()];
    if let Some((name, domain)) = composed.rsplit_once('@') {
        let letters = idna::domain_to_unicode(domain);
        let letters = letters.1.is_ok().then_some(letters.0);
        let domains = ascii(domain).into_iter().chain(letters);
        all.extend(domains.map(|domain| format!("{name}@{domain}")));
    }
    let mut seen = Vec::new();
    all.retain(|spelling| {
        let is_new = !seen.contains(spelling);
        seen.push(spelling.clone());
        is_new
    });
    all
}

/// A domain as it is asked for.
fn ascii(domain: &str) -> Option<String> {
    let domain = Uts46::new().to_ascii(
        domain.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::CheckFirstLast,
        DnsLength::Verify,
    );
    domain.ok().map(std::borrow::Cow::into_owned)
}

/// The combining class of the sign that takes a vowel away, as in Indic scripts.
const VIRAMA: u8 = 9;

/// Whether a letter leaves a trace on a screen, or shapes those beside it, which it only does after such a sign.
fn is_visible(before: Option<char>, letter: char) -> bool {
    let is_shaping = matches!(letter, '\u{200c}' | '\u{200d}')
        && before.is_some_and(|before| canonical_combining_class(before) == VIRAMA);
    let is_unseen = matches!(
        letter,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0080}'..='\u{e0fff}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e007f}'
    );
    is_shaping || !(is_unseen || letter.is_control() || letter.is_whitespace())
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
            "x@XN--BCHER-KVA.example",
            "राम@उदाहरण.भारत",
            "தமிழ்@example.com",
            "ผู้ใช้@ตัวอย่าง.ไทย",
            "क्\u{200d}ष@example.com",
            "用户@例子.中国",
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
            "a\u{202e}b@example.com",
            "a\u{200b}@example.com",
            "a\u{34f}@example.com",
            "a\u{fe0f}@example.com",
            "a\u{200d}@example.com",
            "a\u{115f}@example.com",
            "a\u{3164}@example.com",
            "a\u{e0100}@example.com",
            "a\u{17b4}@example.com",
            "a\u{2800}@example.com",
            "a@xn--a.com",
            "é é@example.com",
        ] {
            // A line break at the end is a blank, and blanks around an address do not matter.
            assert_eq!(parse(bad).is_ok(), bad.ends_with('\n'), "{bad:?}");
        }
        assert!(parse(&format!("{}@example.com", "a".repeat(65))).is_err());
        assert!(parse(&format!("{}@example.com", "é".repeat(33))).is_err());
    }

    #[test]
    fn letters_are_composed() {
        assert_eq!(
            parse("jose\u{301}@example.com").expect("is one"),
            "josé@example.com"
        );
    }

    #[test]
    fn one_address_has_several_spellings() {
        assert_eq!(spellings(" root@localhost "), ["root@localhost"]);
        assert_eq!(spellings("A@example.com"), ["A@example.com"]);
        assert_eq!(
            spellings("jose\u{301}@bücher.example"),
            [
                "jose\u{301}@bücher.example",
                "josé@bücher.example",
                "jose\u{301}@bu\u{308}cher.example",
                "josé@xn--bcher-kva.example",
            ]
        );
        assert!(spellings("x@xn--bcher-kva.example").contains(&"x@bücher.example".to_owned()));
    }

    proptest! {
        #[test]
        fn garbage_does_not_make_it_panic(text in "\\PC{0,80}") {
            let _ = parse(&text);
            let spellings = spellings(&text);
            prop_assert_eq!(spellings[0].as_str(), text.trim());
        }
    }
}
