//! Cells say what they are; the format decides how they look.

use std::time::Duration;

use crate::plan::spent;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// One value of a result.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A text of several lines, each of which stays a line: SQL, or what changes. Words are one line whatever is in them.
    Lines(String),
    /// Words that say what is wrong. They say it without colour too.
    Alarm(String),
    /// How many.
    Count(i64),
    /// The number of a migration.
    Version(i64),
    /// How large, in bytes.
    Bytes(u64),
    /// US dollars, exact.
    Dollars(Decimal),
    /// A length of time in seconds, exact.
    Seconds(Decimal),
    /// A length of time in milliseconds.
    Millis(i64),
    /// A point in time.
    Time(Timestamp),
    /// Yes or no.
    Flag(bool),
    /// One number a day, oldest first.
    Days(Vec<i64>),
    /// US dollars a day, exact, oldest first.
    DollarDays(Vec<Decimal>),
    /// There is no value.
    Missing,
}

impl Cell {
    /// A text.
    #[allow(clippy::needless_pass_by_value)] // so that references and values read alike
    pub fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    /// A text of several lines.
    pub fn lines(text: impl Into<String>) -> Self {
        Self::Lines(text.into())
    }

    /// How many; more than fit are shown as the most there are.
    pub fn count(count: impl TryInto<i64>) -> Self {
        Self::Count(count.try_into().unwrap_or(i64::MAX))
    }

    /// A length of time in milliseconds, likewise.
    pub fn millis(millis: impl TryInto<i64>) -> Self {
        Self::Millis(millis.try_into().unwrap_or(i64::MAX))
    }

    /// Whether the cell stands at the right of its column.
    pub fn is_number(&self) -> bool {
        matches!(
            self,
            Self::Count(_) | Self::Bytes(_) | Self::Dollars(_) | Self::Seconds(_) | Self::Millis(_)
        )
    }

    /// As people read it who can read nothing but ASCII.
    pub fn plain(&self, now: Timestamp) -> String {
        match self {
            Self::Days(days) => ramp(days, &PLAIN_BLOCKS),
            Self::DollarDays(days) => ramp(&hundredths(days), &PLAIN_BLOCKS),
            other => other.human(now),
        }
    }

    /// As people read it; `now` makes times relative.
    pub fn human(&self, now: Timestamp) -> String {
        match self {
            Self::Text(text) | Self::Lines(text) | Self::Alarm(text) => text.clone(),
            Self::Count(count) => grouped(&count.to_string()),
            Self::Version(version) => format!("{version:03}"),
            Self::Bytes(bytes) => human_bytes(*bytes),
            Self::Dollars(amount) => dollars(*amount),
            Self::Seconds(seconds) => human_seconds(*seconds),
            Self::Millis(millis) => human_millis(*millis),
            Self::Time(time) => relative(*time, now),
            Self::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
            Self::Days(days) => sparkline(days),
            Self::DollarDays(days) => sparkline(&hundredths(days)),
            Self::Missing => "-".to_owned(),
        }
    }

    /// As programs read it, in CSV: no grouping, no units, times in RFC 3339.
    pub fn raw(&self) -> String {
        match self {
            Self::Text(text) | Self::Lines(text) | Self::Alarm(text) => text.clone(),
            Self::Count(count) | Self::Millis(count) | Self::Version(count) => count.to_string(),
            Self::Bytes(bytes) => bytes.to_string(),
            Self::Dollars(amount) => cents(*amount).to_string(),
            Self::Seconds(seconds) => seconds.normalize().to_string(),
            Self::Time(time) => time.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Days(days) => joined(days),
            Self::DollarDays(days) => joined(days.iter().copied().map(cents)),
            Self::Missing => String::new(),
        }
    }

    /// As programs read it, in JSON. Money is a string, so that no reader makes a float of it.
    pub fn json(&self) -> Value {
        match self {
            Self::Count(count) | Self::Millis(count) | Self::Version(count) => json!(count),
            Self::Bytes(bytes) => json!(bytes),
            Self::Flag(flag) => json!(flag),
            Self::Days(days) => json!(days),
            Self::DollarDays(days) => days.iter().map(|day| cents(*day).to_string()).collect(),
            Self::Missing => Value::Null,
            other => json!(other.raw()),
        }
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::text(value)
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Timestamp> for Cell {
    fn from(value: Timestamp) -> Self {
        Self::Time(value)
    }
}

fn joined(values: impl IntoIterator<Item: ToString>) -> String {
    let values: Vec<_> = values.into_iter().map(|value| value.to_string()).collect();
    values.join(" ")
}

/// Money with at least two decimals and every one it has.
pub fn cents(amount: Decimal) -> Decimal {
    let mut amount = amount.normalize();
    if amount.scale() < 2 {
        amount.rescale(2);
    }
    amount
}

fn dollars(amount: Decimal) -> String {
    let amount = cents(amount);
    let sign = if amount.is_sign_negative() { "-" } else { "" };
    format!("{sign}${}", grouped(&amount.abs().to_string()))
}

/// Groups the digits before the decimal point by three.
fn grouped(number: &str) -> String {
    let (sign, rest) = number
        .strip_prefix('-')
        .map_or(("", number), |rest| ("-", rest));
    let (whole, fraction) = rest
        .split_once('.')
        .map_or((rest, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut text = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

fn human_bytes(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut unit = 0;
    // Tenths of the unit, rounded half up: integers all the way.
    let mut tenths = u128::from(bytes) * 10;
    while tenths >= 9_995 && unit + 1 < units.len() {
        tenths = (tenths + 500) / 1000;
        unit += 1;
    }
    if unit == 0 || tenths >= 1000 {
        format!("{} {}", (tenths + 5) / 10, units[unit])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, units[unit])
    }
}

fn human_seconds(seconds: Decimal) -> String {
    let whole = i64::try_from(seconds.trunc()).unwrap_or(i64::MAX);
    match whole {
        ..60 => format!("{} s", seconds.round_dp(1).normalize()),
        60..3600 => format!("{}m {:02}s", whole / 60, whole % 60),
        _ => format!(
            "{}h {:02}m",
            grouped(&(whole / 3600).to_string()),
            whole % 3600 / 60
        ),
    }
}

/// A length of time in milliseconds, for people.
pub fn human_millis(millis: i64) -> String {
    spent(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
}

/// "3 days ago".
fn relative(time: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(time).as_secs();
    if seconds.abs() < 2 {
        return "just now".to_owned();
    }
    let (amount, unit) = match seconds.abs() {
        seconds @ ..60 => (seconds, "second"),
        seconds @ 60..3600 => (seconds / 60, "minute"),
        seconds @ 3600..86_400 => (seconds / 3600, "hour"),
        seconds @ 86_400..63_072_000 => (seconds / 86_400, "day"),
        seconds => (seconds / 31_536_000, "year"),
    };
    let plural = if amount == 1 { "" } else { "s" };
    if seconds > 0 {
        format!("{amount} {unit}{plural} ago")
    } else {
        format!("in {amount} {unit}{plural}")
    }
}

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const PLAIN_BLOCKS: [char; 8] = ['_', '.', '-', '~', '=', '+', '*', '#'];

/// Whole cents: close enough for a block of eight sizes.
fn hundredths(amounts: &[Decimal]) -> Vec<i64> {
    let cents = |amount: &Decimal| i64::try_from((amount * Decimal::ONE_HUNDRED).trunc());
    amounts
        .iter()
        .map(|amount| cents(amount).unwrap_or(i64::MAX))
        .collect()
}

/// One block a number, the highest number the full block; a day without anything keeps the lowest.
pub fn sparkline(values: &[i64]) -> String {
    ramp(values, &BLOCKS)
}

fn ramp(values: &[i64], blocks: &[char; 8]) -> String {
    let highest = values.iter().copied().max().unwrap_or(0).max(1);
    let block = |value: i64| {
        let level = i128::from(value.max(0)) * 7 / i128::from(highest);
        blocks[usize::try_from(level).unwrap_or(0).min(7)]
    };
    values.iter().map(|value| block(*value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact_and_grouped() {
        let tips = Cell::Dollars("1234567.5".parse().expect("is a number"));
        assert_eq!(tips.human(Timestamp::UNIX_EPOCH), "$1,234,567.50");
        assert_eq!(tips.raw(), "1234567.50");
        assert_eq!(tips.json(), json!("1234567.50"));
        let fraction = Cell::Dollars("-0.125".parse().expect("is a number"));
        assert_eq!(fraction.human(Timestamp::UNIX_EPOCH), "-$0.125");
        let sum = Cell::Dollars("12.5000".parse().expect("is a number"));
        assert_eq!(sum.raw(), "12.50");
    }

    #[test]
    fn bytes_have_three_digits() {
        let human = |bytes| Cell::Bytes(bytes).human(Timestamp::UNIX_EPOCH);
        assert_eq!(human(0), "0 B");
        assert_eq!(human(999), "999 B");
        assert_eq!(human(1_000), "1.0 kB");
        assert_eq!(human(1_499), "1.5 kB");
        assert_eq!(human(99_960), "100 kB");
        assert_eq!(human(1_219_000_000), "1.2 GB");
        assert_eq!(human(u64::MAX), "18447 PB");
    }

    #[test]
    fn times_are_relative_for_people_and_exact_for_programs() {
        let now: Timestamp = "2026-03-04T12:00:00Z".parse().expect("is a time");
        let then: Timestamp = "2026-03-01T11:00:00Z".parse().expect("is a time");
        assert_eq!(Cell::Time(then).human(now), "3 days ago");
        assert_eq!(Cell::Time(now).human(then), "in 3 days");
        assert_eq!(Cell::Time(now).human(now), "just now");
        assert_eq!(Cell::Time(then).raw(), "2026-03-01T11:00:00Z");
    }

    #[test]
    fn a_sparkline_has_one_block_a_day() {
        assert_eq!(sparkline(&[0, 1, 7, 14]), "▁▁▄█");
        assert_eq!(sparkline(&[0, 0]), "▁▁");
        assert_eq!(
            Cell::Days(vec![0, 1, 7, 14]).plain(Timestamp::UNIX_EPOCH),
            "__~#"
        );
        assert_eq!(sparkline(&[i64::MAX, -3]), "█▁");
        let days = ["0", "0.5", "1.00"].map(|day| day.parse().expect("is a number"));
        let tips = Cell::DollarDays(days.into());
        assert_eq!(tips.human(Timestamp::UNIX_EPOCH), "▁▄█");
        assert_eq!(tips.raw(), "0.00 0.50 1.00");
        assert_eq!(tips.json(), json!(["0.00", "0.50", "1.00"]));
    }
}
