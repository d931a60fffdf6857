//! What other tools make of a file's bytes, to see later whether it is what ran.

use crate::plan::hex;
use sha2::{Digest, Sha384};

/// Whether sqlx's checksum, in hexadecimal, is of this file; how its lines end does not matter.
pub fn is_sqlx(bytes: &[u8], checksum: &str) -> bool {
    let unix = unix(bytes);
    let windows = unix.replace('\n', "\r\n");
    [bytes, unix.as_bytes(), windows.as_bytes()]
        .into_iter()
        .any(|bytes| sqlx(bytes) == checksum)
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
}
