//! How plans and results put numbers, times and hashes.

use std::fmt::Write;
use std::time::Duration;

/// `1 user`, `2 users`.
pub fn counted(count: usize, noun: &str) -> String {
    counted_as(count, noun, &format!("{noun}s"))
}

/// `1 index`, `2 indexes`.
pub fn counted_as(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// How long something took: `12 ms`, `3.4 s`, `2m 05s`, `1h 30m`.
pub fn spent(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..60 => {
            let tenths = time.as_millis() / 100;
            match tenths % 10 {
                0 => format!("{seconds} s"),
                tenth => format!("{seconds}.{tenth} s"),
            }
        }
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Bytes as two hexadecimal digits each, in lower case.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!(counted(1, "user"), "1 user");
        assert_eq!(counted(0, "user"), "0 users");
        assert_eq!(counted_as(2, "index", "indexes"), "2 indexes");
    }

    #[test]
    fn times_are_as_exact_as_they_are_long() {
        for (millis, words) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1 s"),
            (3_449, "3.4 s"),
            (59_999, "59.9 s"),
            (125_000, "2m 05s"),
            (5_400_000, "1h 30m"),
        ] {
            assert_eq!(spent(Duration::from_millis(millis)), words);
        }
    }

    #[test]
    fn bytes_are_two_digits_each() {
        assert_eq!(hex([0, 10, 255]), "000aff");
    }
}
