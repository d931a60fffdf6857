//! Passwords: what may be one, and the hash the platform keeps of it.
//!
//! The hash is bcrypt with cost 12, written `$2a$`. The letter matters: pgcrypto's `crypt()` takes `$2b$` for
//! the old DES form, hashes something else, and says nothing.

use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Kind, Result};

/// bcrypt's work factor.
const COST: u32 = 12;
/// bcrypt reads no further; a longer password would be cut in silence.
const LIMIT: usize = 72;
/// Letters and digits nobody mistakes for one another.
const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const GENERATED: usize = 20;

/// Refuses what bcrypt would cut, or what other programs would read otherwise.
pub fn check(password: &SecretString) -> Result<()> {
    let text = password.expose_secret();
    let reason = if text.is_empty() {
        "it is empty".to_owned()
    } else if text.len() > LIMIT {
        format!(
            "it has {} bytes, and bcrypt reads {LIMIT}; letters outside of ASCII take 2 to 4 bytes each",
            text.len()
        )
    } else if text.contains('\0') {
        "it holds a NUL character, where other programs would stop reading".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::usage("this cannot be a password")
        .because(Error::usage(reason))
        .hint("choose another, or have one made with `--generate`")
        .into())
}

/// The hash to store: 60 characters, `$2a$12$...`. Takes about a third of a second, on purpose.
pub fn hash(password: &SecretString) -> Result<String> {
    check(password)?;
    let parts = bcrypt::hash_with_result(password.expose_secret(), COST).map_err(|error| {
        Error::new(Kind::Failed, "the password cannot be hashed").because(error)
    })?;
    Ok(parts.format_for_version(bcrypt::Version::TwoA))
}

/// A password nobody has to think of: 20 characters, 116 bits of the system's randomness.
pub fn generate() -> Result<SecretString> {
    let mut password = String::with_capacity(GENERATED);
    // Bytes past the last whole multiple of the alphabet are thrown away, so that all letters are equally likely.
    let fair = 256 - 256 % ALPHABET.len();
    while password.len() < GENERATED {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes).map_err(|error| {
            Error::failed("the system gives no random bytes").note(error.to_string())
        })?;
        let letters = bytes
            .iter()
            .map(|byte| usize::from(*byte))
            .filter(|byte| *byte < fair);
        password.extend(letters.map(|byte| char::from(ALPHABET[byte % ALPHABET.len()])));
    }
    password.truncate(GENERATED);
    Ok(SecretString::from(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn the_limit_is_72_bytes_not_characters() {
        assert!(check(&secret(&"a".repeat(72))).is_ok());
        assert!(check(&secret(&"a".repeat(73))).is_err());
        assert!(check(&secret(&"🎈".repeat(18))).is_ok());
        assert!(check(&secret(&format!("{}a", "🎈".repeat(18)))).is_err());
        assert!(check(&secret("")).is_err());
        assert!(check(&secret("a\0b")).is_err());
    }

    #[test]
    fn every_byte_up_to_the_limit_counts() {
        let long = "a".repeat(72);
        let hash = hash(&secret(&long)).expect("can be hashed");
        assert!(hash.starts_with("$2a$12$"), "{hash}");
        assert_eq!(hash.len(), 60);
        assert!(bcrypt::verify(&long, &hash).expect("can be verified"));
        assert!(!bcrypt::verify(format!("{}b", "a".repeat(71)), &hash).expect("can be verified"));
    }

    #[test]
    fn generated_passwords_differ_and_pass() {
        let first = generate().expect("is made");
        let second = generate().expect("is made");
        assert_ne!(first.expose_secret(), second.expose_secret());
        assert_eq!(first.expose_secret().len(), GENERATED);
        assert!(check(&first).is_ok());
    }
}
