//! What the file of a check says about it, in the comment above the query.

use serde::Serialize;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Somebody can do what nobody should.
    Error,
    /// Somebody may be able to, or the database suffers.
    Warning,
    /// Worth knowing.
    Note,
    /// audit.toml says why it is right.
    Waived,
}

impl Level {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
            Self::Waived => "waived",
        }
    }
}

/// The comment of a check.
#[derive(Debug, PartialEq, Eq)]
pub struct Header {
    /// What is wrong, and why it hurts.
    pub why: String,
    /// How much its findings weigh.
    pub level: Level,
    /// What to do about them, in the imperative.
    pub remedy: String,
    /// The numbers of the lints of Supabase's splinter that look for the same.
    pub splinter: Vec<String>,
}

/// Reads the comment above a query. The error says what is wrong with it.
pub fn parse(text: &str) -> Result<Header, String> {
    let lines = text.lines().map_while(|line| line.strip_prefix("-- "));
    let (mut why, mut level, mut remedy, mut splinter) = (String::new(), None, None, Vec::new());
    let mut in_remedy = false;
    for line in lines {
        if let Some(word) = line.strip_prefix("level: ") {
            in_remedy = false;
            level = Some(match word {
                "error" => Level::Error,
                "warning" => Level::Warning,
                "note" => Level::Note,
                _ => return Err(format!("there is no level {word}")),
            });
        } else if let Some(text) = line.strip_prefix("remedy: ") {
            in_remedy = true;
            remedy = Some(text.to_owned());
        } else if let Some(numbers) = line.strip_prefix("splinter: ") {
            in_remedy = false;
            splinter = numbers.split(", ").map(str::to_owned).collect();
        } else if line.starts_with('$') {
            in_remedy = false;
        } else if let (true, Some(remedy)) = (in_remedy, remedy.as_mut()) {
            remedy.push(' ');
            remedy.push_str(line);
        } else {
            if !why.is_empty() {
                why.push(' ');
            }
            why.push_str(line);
        }
    }
    if why.is_empty() {
        return Err("it does not say why".to_owned());
    }
    Ok(Header {
        why,
        level: level.ok_or("it has no level")?,
        remedy: remedy.ok_or("it has no remedy")?,
        splinter,
    })
}

impl Header {
    /// What is wrong, as far as the first sentence goes without its reasons.
    pub fn title(&self) -> &str {
        let ends = [". ", ": "].map(|end| self.why.find(end));
        let end = ends.into_iter().flatten().min().unwrap_or(self.why.len());
        self.why[..end].trim_end_matches('.')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_on_until_the_next_word() {
        let header = parse(
            "-- It is open. Anybody\n-- comes in.\n-- $1: who.\n-- level: warning\n-- remedy: shut it,\n-- at once\n\
             -- splinter: 0026, 0027\nselect 1\n-- level: note\n",
        )
        .expect("is a header");
        assert_eq!(header.why, "It is open. Anybody comes in.");
        assert_eq!(header.title(), "It is open");
        assert_eq!(header.level, Level::Warning);
        assert_eq!(header.remedy, "shut it, at once");
        assert_eq!(header.splinter, ["0026", "0027"]);
    }

    #[test]
    fn what_is_missing_is_named() {
        for (text, what) in [
            ("select 1", "it does not say why"),
            ("-- Why.\n-- remedy: do\n", "it has no level"),
            ("-- Why.\n-- level: note\n", "it has no remedy"),
            ("-- Why.\n-- level: grave\n", "there is no level grave"),
        ] {
            assert_eq!(parse(text).expect_err("is refused"), what);
        }
    }
}
