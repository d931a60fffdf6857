//! What other tools write into their files besides SQL, and how we say the same.

use super::Tool;

/// Our word for a file that runs without a transaction.
const NO_TRANSACTION: &str = "-- toysoldiers: no-transaction\n";

/// A file as we would have written it.
#[derive(Debug, PartialEq, Eq)]
pub struct Texts {
    /// What changes the database.
    pub up: String,
    /// What takes it back, where the tool has both in one file.
    pub down: Option<String>,
}

/// Reads the text of a file that changes a database. `settings` is the file beside it that says how.
pub fn up(tool: Tool, text: &str, settings: Option<&str>) -> Result<Texts, String> {
    match tool {
        Tool::Dbmate => return sections(text, ["-- migrate:up", "-- migrate:down"], dbmate),
        Tool::Goose => return sections(text, ["-- +goose Up", "-- +goose Down"], goose),
        _ => {}
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
        Tool::Dbmate | Tool::Goose | Tool::Supabase | Tool::Prisma | Tool::Refinery => false,
    }
}

/// What a line of a file in sections is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// It begins what changes the database.
    Up,
    /// It begins what takes that back.
    Down,
    /// It makes what follows, or all of it, run without a transaction.
    Apart,
    /// It is for the tool alone.
    Left,
}

/// A file that says in lines of its own which part of it takes back what the other one does. Both are named as the
/// tool's marker is written.
fn sections(
    text: &str,
    names: [&str; 2],
    read: impl Fn(&str) -> Vec<Line>,
) -> Result<Texts, String> {
    let [up_marker, down_marker] = names;
    let mut before = String::new();
    let mut sections: [Option<String>; 2] = [None, None];
    let mut apart = [false; 2];
    let mut current = None;
    for line in text.split_inclusive('\n') {
        let read = read(line);
        for line_is in &read {
            let side = match line_is {
                Line::Up => 0,
                Line::Down => 1,
                Line::Apart => {
                    match current {
                        Some(side) => apart[side] = true,
                        None => apart = [true; 2],
                    }
                    continue;
                }
                Line::Left => continue,
            };
            if sections[side].replace(String::new()).is_some() {
                return Err(format!("says `{}` twice", line.trim()));
            }
            if side == 0 && current.is_some() {
                return Err(format!("has `{down_marker}` before `{up_marker}`"));
            }
            current = Some(side);
        }
        if read.is_empty() {
            match current.and_then(|side: usize| sections[side].as_mut()) {
                Some(section) => section.push_str(line),
                None => before.push_str(line),
            }
        }
    }
    let [up, down] = sections;
    let up = up.ok_or_else(|| format!("has no `{up_marker}`"))?;
    let up = format!(
        "{}{}",
        before.trim_start_matches('\n'),
        up.trim_start_matches('\n')
    );
    let down = down.filter(|text| !text.trim().is_empty());
    Ok(Texts {
        up: headed(&ended(&up), apart[0]),
        down: down.map(|text| headed(&ended(text.trim_start_matches('\n')), apart[1])),
    })
}

/// One line break at the end, however many there were before the next section.
fn ended(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

/// `-- migrate:up` and `-- migrate:down`, with their options.
fn dbmate(line: &str) -> Vec<Line> {
    let rest = line.trim().strip_prefix("--").map(str::trim_start);
    let Some(rest) = rest.and_then(|rest| rest.strip_prefix("migrate:")) else {
        return Vec::new();
    };
    let mut words = rest.split_whitespace();
    let side = match words.next() {
        Some("up") => Line::Up,
        Some("down") => Line::Down,
        _ => return Vec::new(),
    };
    let is_apart = words.any(|word| word == "transaction:false");
    [side]
        .into_iter()
        .chain(is_apart.then_some(Line::Apart))
        .collect()
}

/// `-- +goose Up`, `-- +goose Down`, and others, which count in any case of letters.
fn goose(line: &str) -> Vec<Line> {
    let words = line.trim().strip_prefix("--").map(str::to_ascii_lowercase);
    let words: Vec<&str> = words
        .iter()
        .flat_map(|line| line.split_whitespace())
        .collect();
    match words.as_slice() {
        ["+goose", "up"] => vec![Line::Up],
        ["+goose", "down"] => vec![Line::Down],
        ["+goose", "no", "transaction"] => vec![Line::Apart],
        ["+goose", "statementbegin" | "statementend"] | ["+goose", "envsub", _] => vec![Line::Left],
        _ => Vec::new(),
    }
}

/// Whether the tool fills in what stands in the text as `${name}`.
pub fn fills_in(tool: Tool, text: &str) -> bool {
    match tool {
        Tool::Flyway => true,
        Tool::Goose => {
            let mut lines = text.lines();
            lines.any(|line| {
                let lower = line.trim().to_ascii_lowercase();
                lower.starts_with("--") && lower.ends_with("+goose envsub on")
            })
        }
        _ => false,
    }
}

/// Every `${name}` of a text, which Flyway and others fill in and we do not.
pub fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "_.:-".contains(letter);
    text.match_indices("${").filter_map(move |(start, _)| {
        let name = text[start + 2..].split_once('}')?.0;
        let is_name = !name.is_empty() && name.chars().all(fits);
        is_name.then(|| &text[start..start + name.len() + 3])
    })
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
    fn gooses_sections_become_files() {
        let text = "-- Users.\n-- +goose NO TRANSACTION\n-- +goose up\n-- +goose StatementBegin\nselect 1;\n-- +goose StatementEnd\n\n-- +goose Down\nselect 2;\n";
        let texts = up(Tool::Goose, text, None).expect("has sections");
        let [first, second] = ["-- Users.\nselect 1;\n", "select 2;\n"]
            .map(|text| format!("-- toysoldiers: no-transaction\n{text}"));
        assert_eq!((texts.up, texts.down), (first, Some(second)));
        let texts = up(Tool::Goose, "--+goose Up\nselect 1;", None).expect("has sections");
        assert_eq!((texts.up.as_str(), texts.down), ("select 1;\n", None));
        for (text, why) in [
            ("select 1;", "has no `-- +goose Up`"),
            (
                "-- +goose Down\n-- +goose Up\n",
                "has `-- +goose Down` before `-- +goose Up`",
            ),
        ] {
            assert_eq!(up(Tool::Goose, text, None), Err(why.to_owned()));
        }
        assert!(fills_in(Tool::Goose, "-- +goose ENVSUB ON\nselect 1;"));
        assert!(!fills_in(Tool::Goose, "-- +goose ENVSUB OFF"));
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
        let all = |text| placeholders(text).collect::<Vec<_>>();
        assert_eq!(all("grant ${x} to ${a:b};"), ["${x}", "${a:b}"]);
        assert_eq!(
            all("select '$' || '{', '${}', '${a b}'"),
            Vec::<&str>::new()
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(-- ?migrate:|up|down|transaction:false|[\n \\-${}é;a]){0,20}") {
            for tool in Tool::ALL {
                let _ = up(tool, &text, Some(&text));
            }
            let _ = placeholders(&text).count();
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
