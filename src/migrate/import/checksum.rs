//! What other tools make of a file's bytes, to see later whether it is what ran.

use std::hash::{DefaultHasher, Hash, Hasher};

use sha2::{Digest, Sha256, Sha384};

use crate::plan::hex;

/// Whether sqlx's checksum, in hexadecimal, is of this file; how its lines end does not matter.
pub fn is_sqlx(bytes: &[u8], checksum: &str) -> bool {
    is_of(bytes, |bytes| sqlx(bytes) == checksum)
}

/// Whether Prisma's checksum, SHA-256 in hexadecimal, is of this file, likewise.
pub fn is_prisma(bytes: &[u8], checksum: &str) -> bool {
    is_of(bytes, |bytes| hex(Sha256::digest(bytes)) == checksum)
}

/// Whether refinery's checksum is of this file, of this number and description, likewise. refinery hashes the number
/// as it was built to hold it.
pub fn is_refinery(bytes: &[u8], number: i64, description: &str, checksum: &str) -> bool {
    is_of(bytes, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let narrow = i32::try_from(number).map(|number| refinery(number, description, &text));
        [Ok(refinery(number, description, &text)), narrow]
            .into_iter()
            .flatten()
            .any(|hash| hash.to_string() == checksum)
    })
}

/// refinery's: SipHash-1-3 without a key, which the standard library's hasher is.
fn refinery(number: impl Hash, description: &str, text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    description.hash(&mut hasher);
    number.hash(&mut hasher);
    text.hash(&mut hasher);
    hasher.finish()
}

/// Whether it holds for the file as it is, or with its lines ended otherwise.
fn is_of(bytes: &[u8], holds: impl Fn(&[u8]) -> bool) -> bool {
    let unix = unix(bytes);
    let windows = unix.replace('\n', "\r\n");
    [bytes, unix.as_bytes(), windows.as_bytes()]
        .into_iter()
        .any(holds)
}

/// sqlx's: SHA-384 of the whole file.
pub fn sqlx(bytes: &[u8]) -> String {
    hex(Sha384::digest(bytes))
}

fn unix(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("\r\n", "\n")
}

/// Flyway's: CRC-32 of the lines, without their ends and without a byte order mark.
pub fn flyway(text: &str) -> i32 {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut crc = u32::MAX;
    for byte in text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc >>= 1;
            if carry == 1 {
                crc ^= 0xedb8_8320;
            }
        }
    }
    (!crc).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flyways_is_the_crc_of_its_lines() {
        // The check value of CRC-32, 0xcbf43926.
        assert_eq!(flyway("123456789"), 0xcbf4_3926_u32.cast_signed());
        assert_eq!(flyway("\u{feff}123\r\n456\n789\n"), flyway("123456789"));
        assert_eq!(flyway(""), 0);
    }

    #[test]
    fn sqlxs_is_of_the_whole_file() {
        let empty = "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b";
        assert_eq!(sqlx(b""), empty);
        let checksum = sqlx(b"select 1;\r\n");
        assert!(is_sqlx(b"select 1;\n", &checksum));
        assert!(is_sqlx(b"select 1;\r\n", &sqlx(b"select 1;\n")));
        assert!(!is_sqlx(b"select 2;\n", &checksum));
    }

    #[test]
    fn refinerys_is_of_description_number_and_text() {
        let theirs = |number, text| crate::migrate::file::checksum(number, "a", text);
        let checksum = theirs(1, "select 1;\n").expect("fits").to_string();
        assert!(is_refinery(b"select 1;\r\n", 1, "a", &checksum));
        assert!(!is_refinery(b"select 2;\n", 1, "a", &checksum));
        assert!(!is_refinery(b"select 1;\n", 1, "b", &checksum));
        let narrow = refinery(1_i32, "a", "select 1;\n").to_string();
        assert_ne!(narrow, checksum);
        assert!(is_refinery(b"select 1;\n", 1, "a", &narrow));
    }
}
