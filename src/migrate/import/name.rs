//! How other tools name their files.

use super::Tool;

/// What a file is to the tool whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It changes the database.
    Up,
    /// It takes the change back.
    Down,
    /// It says how the change is made.
    Settings,
    /// It runs again whenever it is edited.
    Repeatable,
    /// It is a program that changes the database.
    Program,
}

/// What a file's name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The tool's number for it, as the tool keeps it; nothing if it has none.
    pub version: String,
    /// What it does, in the words of its author.
    pub description: String,
    /// What it is.
    pub role: Role,
}

/// Reads a path below the tool's folder, with slashes; nothing if the tool would not look at it.
pub fn read(tool: Tool, path: &str) -> Option<Name> {
    match tool {
        Tool::Supabase => {
            let (version, rest) = numbered(path)?;
            name(
                version,
                rest.strip_prefix('_')?.strip_suffix(".sql")?,
                Role::Up,
            )
        }
        Tool::Sqlx => {
            let (version, rest) = numbered(path)?;
            let (rest, role) = sides(rest.strip_prefix('_')?.strip_suffix(".sql")?);
            name(version, rest, role.unwrap_or(Role::Up))
        }
        Tool::Dbmate => {
            let (version, rest) = numbered(path)?;
            name(version, rest.strip_suffix(".sql")?, Role::Up)
        }
        Tool::GolangMigrate => {
            let (version, rest) = numbered(path)?;
            let (rest, role) = sides(rest.strip_prefix('_')?.strip_suffix(".sql")?);
            name(version, rest, role?)
        }
        Tool::Goose => {
            let (version, rest) = numbered(path)?;
            let rest = rest.strip_prefix('_')?;
            match rest.strip_suffix(".sql") {
                Some(rest) => name(version, rest, Role::Up),
                None if rest.ends_with("_test.go") => None,
                None => name(version, rest.strip_suffix(".go")?, Role::Program),
            }
        }
        Tool::Prisma => {
            let folder = path.strip_suffix("/migration.sql")?;
            let (version, rest) = folder.split_once('_').unwrap_or((folder, ""));
            name(version, rest, Role::Up)
        }
        Tool::Refinery => refinery(path.rsplit('/').next().unwrap_or(path)),
        Tool::Diesel => {
            let (folder, file) = path.split_once('/')?;
            let role = match file {
                "up.sql" => Role::Up,
                "down.sql" => Role::Down,
                "metadata.toml" => Role::Settings,
                _ => return None,
            };
            let (version, rest) = folder.split_once('_').unwrap_or((folder, ""));
            let version = version.replace('-', "");
            let is_number =
                !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
            name(is_number.then_some(&*version)?, rest, role)
        }
        Tool::Flyway => flyway(path.rsplit('/').next().unwrap_or(path)),
    }
}

#[allow(clippy::unnecessary_wraps)] // so that every tool's arm ends alike
fn name(version: &str, description: &str, role: Role) -> Option<Name> {
    Some(Name {
        version: version.to_owned(),
        description: description.to_owned(),
        role,
    })
}

/// The digits a file directly in the folder begins with, and the rest of its name.
fn numbered(path: &str) -> Option<(&str, &str)> {
    let end = path
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(path.len());
    (end > 0 && !path.contains('/')).then(|| path.split_at(end))
}

/// `x.up` and `x.down`
fn sides(stem: &str) -> (&str, Option<Role>) {
    if let Some(stem) = stem.strip_suffix(".up") {
        (stem, Some(Role::Up))
    } else if let Some(stem) = stem.strip_suffix(".down") {
        (stem, Some(Role::Down))
    } else {
        (stem, None)
    }
}

/// `V1_2__tips.sql`, `U1_2__tips.sql`, `R__views.sql`, and the first with `.conf` behind it.
fn flyway(file: &str) -> Option<Name> {
    let (stem, is_settings) = match file.strip_suffix(".conf") {
        Some(stem) => (stem, true),
        None => (file, false),
    };
    let (head, description) = stem.strip_suffix(".sql")?.split_once("__")?;
    if head == "R" {
        return name("", description, Role::Repeatable);
    }
    let role = match (head.as_bytes().first()?, is_settings) {
        (b'V', false) => Role::Up,
        (b'V', true) => Role::Settings,
        (b'U', false) => Role::Down,
        _ => return None,
    };
    let version = head[1..].replace('_', ".");
    parts(&version)?;
    name(&version, description, role)
}

/// `V1__tips.sql`, and `U1__tips.sql`, which is one that may come late.
fn refinery(file: &str) -> Option<Name> {
    let (head, rest) = file.split_once("__")?;
    let version = head.strip_prefix(['V', 'U'])?;
    parts(version)?;
    let (description, role) = match rest.strip_suffix(".sql") {
        Some(rest) => (rest, Role::Up),
        None => (rest.strip_suffix(".rs")?, Role::Program),
    };
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let fits = !description.is_empty() && description.chars().all(is_word);
    name(version, fits.then_some(description)?, role)
}

/// The numbers of a version such as `1.2`; zeros at its end say nothing.
pub fn parts(version: &str) -> Option<Vec<u64>> {
    let mut parts = version
        .split('.')
        .map(|part| {
            let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|_| is_number)
        })
        .collect::<Option<Vec<u64>>>()?;
    while parts.len() > 1 && parts.last() == Some(&0) {
        parts.pop();
    }
    Some(parts)
}

/// A description as our names have it.
pub fn slug(description: &str) -> String {
    let mut slug = String::new();
    for letter in description.chars().take(100) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('_') {
            slug.push('_');
        }
    }
    match slug.trim_end_matches('_') {
        "" => "migration".to_owned(),
        slug => slug.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(tool: Tool, path: &str) -> String {
        read(tool, path).map_or_else(
            || "-".to_owned(),
            |name| format!("{} {} {:?}", name.version, name.description, name.role),
        )
    }

    #[test]
    fn every_tool_has_its_names() {
        for (tool, path, expected) in [
            (
                Tool::Supabase,
                "20240101000000_add-users.sql",
                "20240101000000 add-users Up",
            ),
            (Tool::Supabase, "seed.sql", "-"),
            (Tool::Supabase, "old/1_a.sql", "-"),
            (Tool::Sqlx, "1_users.sql", "1 users Up"),
            (Tool::Sqlx, "0002_tips.up.sql", "0002 tips Up"),
            (Tool::Sqlx, "0002_tips.down.sql", "0002 tips Down"),
            (Tool::Sqlx, "0002.sql", "-"),
            (
                Tool::Dbmate,
                "20240101000000_users.sql",
                "20240101000000 _users Up",
            ),
            (Tool::Dbmate, "1.sql", "1  Up"),
            (
                Tool::GolangMigrate,
                "000001_users.up.sql",
                "000001 users Up",
            ),
            (
                Tool::GolangMigrate,
                "000001_users.down.sql",
                "000001 users Down",
            ),
            (Tool::GolangMigrate, "000001_users.sql", "-"),
            (
                Tool::Diesel,
                "2024-01-01-000000_users/up.sql",
                "20240101000000 users Up",
            ),
            (
                Tool::Diesel,
                "2024-01-01-000000_users/down.sql",
                "20240101000000 users Down",
            ),
            (
                Tool::Diesel,
                "00000000000000_diesel_initial_setup/up.sql",
                "00000000000000 diesel_initial_setup Up",
            ),
            (Tool::Diesel, "1_a/metadata.toml", "1 a Settings"),
            (Tool::Diesel, "up.sql", "-"),
            (Tool::Flyway, "V1__users.sql", "1 users Up"),
            (Tool::Flyway, "sub/V1_2__add tips.sql", "1.2 add tips Up"),
            (Tool::Flyway, "V1.2__tips.sql.conf", "1.2 tips Settings"),
            (Tool::Flyway, "U1__users.sql", "1 users Down"),
            (Tool::Flyway, "R__views.sql", " views Repeatable"),
            (Tool::Flyway, "V1_users.sql", "-"),
            (Tool::Flyway, "Vx__users.sql", "-"),
            (Tool::Flyway, "V__users.sql", "-"),
            (Tool::Goose, "00001_users.sql", "00001 users Up"),
            (Tool::Goose, "00002_tips.go", "00002 tips Program"),
            (Tool::Goose, "00002_tips_test.go", "-"),
            (Tool::Goose, "embed.go", "-"),
            (
                Tool::Prisma,
                "20240101000000_init/migration.sql",
                "20240101000000 init Up",
            ),
            (Tool::Prisma, "init/migration.sql", "init  Up"),
            (Tool::Prisma, "migration_lock.toml", "-"),
            (Tool::Refinery, "V1__users.sql", "1 users Up"),
            (Tool::Refinery, "old/U2__tips.sql", "2 tips Up"),
            (Tool::Refinery, "V3__more.rs", "3 more Program"),
            (Tool::Refinery, "V4__it-is-left-out.sql", "-"),
            (Tool::Refinery, "mod.rs", "-"),
        ] {
            assert_eq!(shown(tool, path), expected, "{tool:?} {path}");
        }
    }

    #[test]
    fn zeros_at_the_end_of_a_version_say_nothing() {
        assert_eq!(parts("1.0"), Some(vec![1]));
        assert_eq!(parts("0"), Some(vec![0]));
        assert_eq!(parts("1.10.2"), Some(vec![1, 10, 2]));
        assert_eq!(parts("1..2"), None);
        assert_eq!(parts("-1"), None);
    }

    proptest! {
        #[test]
        fn no_path_makes_it_panic(path in "[VUR0-9_./a-é-]{0,20}(\\.sql)?") {
            for tool in Tool::ALL {
                read(tool, &path);
            }
        }

        /// Whatever somebody called it, our name for it is one of ours.
        #[test]
        fn every_slug_fits(number in 0_u32.., description in "\\PC{0,150}") {
            let file = format!("{number}_{}.sql", slug(&description));
            prop_assert!(matches!(super::super::super::file::kind(&file), Ok(super::super::super::file::Kind::Up(..))), "{}", file);
        }
    }
}
