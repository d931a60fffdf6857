//! What other tools write into their files besides SQL, and how we say the same.

use super::Tool;

/// Our word for a file that runs without a transaction.
const NO_TRANSACTION: &str = "-- toysoldiers: no-transaction\n";

/// A file as we would have written it.
#[derive(Debug, PartialEq, Eq)]
pub struct Texts {
    /// What changes the database.
    pub up: String,
    /// What takes it back; dbmate has both in one file.
    pub down: Option<String>,
}

/// Reads the text of a file that changes a database. `settings` is the file beside it that says how.
pub fn up(tool: Tool, text: &str, settings: Option<&str>) -> Result<Texts, String> {
    if tool == Tool::Dbmate {
        return dbmate(text);
    }
    let is_apart = is_apart(tool, text, settings);
    let up = headed(text, is_apart);
    Ok(Texts { up, down: None })
}

/// The text of a file that takes a change back.
pub fn down(tool: Tool, text: &str, settings: Option<&str>) -> String {
    headed(text, is_apart(tool, text, settings))
}

fn headed(text: &str, is_apart: bool) -> String {
    if is_apart {
        format!("{NO_TRANSACTION}{text}")
    } else {
        text.to_owned()
    }
}

/// Whether the tool runs it without a transaction.
fn is_apart(tool: Tool, text: &str, settings: Option<&str>) -> bool {
    let packed = |line: &str| {
        let line = line.split('#').next().unwrap_or_default();
        line.replace([' ', '\t'], "").to_ascii_lowercase()
    };
    let says = |wanted: &str| {
        let mut lines = settings.unwrap_or_default().lines();
        lines.any(|line| packed(line) == wanted)
    };
    match tool {
        Tool::Sqlx => text.starts_with("-- no-transaction"),
        Tool::Flyway => says("executeintransaction=false"),
        Tool::Diesel => says("run_in_transaction=false"),
        Tool::GolangMigrate => text
            .lines()
            .take_while(|line| line.trim().is_empty() || line.trim_start().starts_with("--"))
            .any(|line| {
                line.split_whitespace()
                    .any(|word| word == "transaction:false")
            }),
        Tool::Dbmate | Tool::Supabase => false,
    }
}

/// `-- migrate:up` and `-- migrate:down`, with their options.
fn dbmate(text: &str) -> Result<Texts, String> {
    let mut before = String::new();
    let mut sections: [Option<(String, bool)>; 2] = [None, None];
    let mut current = None;
    for line in text.split_inclusive('\n') {
        if let Some((side, options)) = marker(line) {
            let place = &mut sections[side];
            if place.is_some() {
                return Err(format!("says `{}` twice", line.trim()));
            }
            if side == 0 && current.is_some() {
                return Err("has `-- migrate:down` before `-- migrate:up`".to_owned());
            }
            let is_apart = options
                .split_whitespace()
                .any(|word| word == "transaction:false");
            *place = Some((String::new(), is_apart));
            current = Some(side);
            continue;
        }
        match current.and_then(|side: usize| sections[side].as_mut()) {
            Some((section, _)) => section.push_str(line),
            None => before.push_str(line),
        }
    }
    let [up, down] = sections;
    let (up, is_apart) = up.ok_or_else(|| "has no `-- migrate:up`".to_owned())?;
    let up = format!(
        "{}{}",
        before.trim_start_matches('\n'),
        up.trim_start_matches('\n')
    );
    let down = down.filter(|(text, _)| !text.trim().is_empty());
    Ok(Texts {
        up: headed(&ended(&up), is_apart),
        down: down.map(|(text, is_apart)| headed(&ended(text.trim_start_matches('\n')), is_apart)),
    })
}

/// One line break at the end, however many there were before the next section.
fn ended(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

/// Which section a line opens, and what it says behind.
fn marker(line: &str) -> Option<(usize, &str)> {
    let rest = line.trim().strip_prefix("--")?.trim_start();
    let rest = rest.strip_prefix("migrate:")?;
    let (side, options) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    match side {
        "up" => Some((0, options)),
        "down" => Some((1, options)),
        _ => None,
    }
}

/// The first `${name}` of a text, which Flyway fills in and nobody else does.
pub fn placeholder(text: &str) -> Option<&str> {
    let start = text.find("${")?;
    let end = text[start..].find('}')?;
    Some(&text[start..=start + end])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dbmates_sections_become_files() {
        let texts = up(
            Tool::Dbmate,
            "-- Users.\n\n-- migrate:up\ncreate table a();\n\n-- migrate:down transaction:false\ndrop table a;\n",
            None,
        )
        .expect("has sections");
        assert_eq!(texts.up, "-- Users.\n\ncreate table a();\n");
        assert_eq!(
            texts.down.as_deref(),
            Some("-- toysoldiers: no-transaction\ndrop table a;\n")
        );
        let texts = up(
            Tool::Dbmate,
            "--migrate:up transaction:false\nvacuum;\n-- migrate:down\n",
            None,
        )
        .expect("has sections");
        assert_eq!(
            (texts.up.as_str(), texts.down),
            ("-- toysoldiers: no-transaction\nvacuum;\n", None)
        );
        for (text, why) in [
            ("create table a();", "has no `-- migrate:up`"),
            (
                "-- migrate:down\n-- migrate:up\n",
                "has `-- migrate:down` before `-- migrate:up`",
            ),
            (
                "-- migrate:up\n-- migrate:up\n",
                "says `-- migrate:up` twice",
            ),
        ] {
            assert_eq!(up(Tool::Dbmate, text, None), Err(why.to_owned()));
        }
    }

    #[test]
    fn what_runs_without_a_transaction_says_so_in_our_words() {
        let is_headed =
            |tool, text, settings| down(tool, text, settings).starts_with(NO_TRANSACTION);
        assert!(is_headed(Tool::Sqlx, "-- no-transaction\nvacuum;", None));
        assert!(!is_headed(Tool::Sqlx, "vacuum; -- no-transaction", None));
        assert!(is_headed(
            Tool::GolangMigrate,
            "\n-- x transaction:false\nvacuum;",
            None
        ));
        assert!(!is_headed(
            Tool::GolangMigrate,
            "vacuum;\n-- transaction:false",
            None
        ));
        assert!(is_headed(
            Tool::Flyway,
            "vacuum;",
            Some("# x\nexecuteInTransaction = false\n")
        ));
        assert!(!is_headed(
            Tool::Flyway,
            "vacuum;",
            Some("#executeInTransaction=false")
        ));
        assert!(is_headed(
            Tool::Diesel,
            "vacuum;",
            Some("run_in_transaction = false # x")
        ));
        assert!(!is_headed(Tool::Diesel, "vacuum;", None));
    }

    #[test]
    fn placeholders_are_found() {
        assert_eq!(placeholder("grant x to ${role};"), Some("${role}"));
        assert_eq!(placeholder("select '$' || '{'"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(-- ?migrate:|up|down|transaction:false|[\n \\-${}é;a]){0,20}") {
            for tool in Tool::ALL {
                let _ = up(tool, &text, Some(&text));
            }
            placeholder(&text);
        }

        /// Not a line of SQL is lost.
        #[test]
        fn sections_keep_their_lines(lines in proptest::collection::vec("[a-z ;]{1,8}", 1..8)) {
            let sql = lines.join("\n");
            let texts = up(Tool::Dbmate, &format!("-- migrate:up\n{sql}\n-- migrate:down\n{sql}\n"), None).expect("has sections");
            prop_assert_eq!(texts.up.trim_end(), sql.trim_end());
        }
    }
}
