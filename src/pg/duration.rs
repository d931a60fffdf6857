//! Lengths of time, as people write them and PostgreSQL takes them.

use std::time::Duration;

/// `500ms`, `2s`, `5m`, `1h`, or 0.
pub fn duration(text: &str) -> std::result::Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let parsed: jiff::SignedDuration = text
        .parse()
        .map_err(|_| "write a number with its unit: 500ms, 2s, 5m, 1h, or 0".to_owned())?;
    let duration =
        Duration::try_from(parsed).map_err(|_| "time does not run backwards".to_owned())?;
    if duration.as_millis() > i32::MAX as u128 {
        return Err("the longest is 24 days".to_owned());
    }
    if duration < Duration::from_millis(1) {
        return Err("the shortest is 1ms".to_owned());
    }
    Ok(duration)
}

/// The same the other way round; zero is no limit.
pub fn written(duration: Duration) -> String {
    match jiff::SignedDuration::try_from(duration) {
        Ok(duration) if !duration.is_zero() => format!("{duration:#}"),
        _ => "no limit".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("5m"), Ok(Duration::from_mins(5)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        for text in ["500ms", "2s", "5m", "1h"] {
            assert_eq!(duration(text).map(written).as_deref(), Ok(text));
        }
        for bad in ["", "5", "-1s", "1ns", "99999h", "soon"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
