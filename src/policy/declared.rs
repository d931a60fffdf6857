//! All policy files together: what a database is to have.
//!
//! A file is named after the one relation it is about, `functions.sql` is about functions. What cannot be right
//! whatever the database holds is an error here, with its place.

use std::ops::Range;

use super::right::{Grant, Kind, Object};
use super::statement::{self, Declaration, PolicyText, Refusal, Relation, Security};
use crate::error::{Error, Excerpt, Result, command};
use crate::pg::session::SearchPath;
use crate::pg::sql;
use crate::source::{Sheet, Source};

/// The file about functions.
const FUNCTIONS: &str = "functions";

/// A policy file.
#[derive(Debug, Clone)]
pub struct File {
    /// As a person would name it.
    pub path: String,
    /// Its text, normalised.
    pub text: String,
}

impl File {
    /// A place in it.
    pub fn excerpt(&self, span: &Range<usize>) -> Excerpt {
        Excerpt::new(&self.path, &self.text, span.start, span.len())
    }

    /// A part of it.
    pub fn part(&self, span: &Range<usize>) -> &str {
        &self.text[span.clone()]
    }
}

/// What is declared of a relation.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which.
    pub relation: Relation,
    /// The number of its file.
    pub file: usize,
    /// Where the file names it first.
    pub place: Range<usize>,
    /// Whether row-level security is on.
    pub enabled: bool,
    /// Whether it is on for the owner as well.
    pub forced: bool,
    /// Its policies.
    pub policies: Vec<PolicyText>,
    /// What is said about them: the policy, where the table is named, and the statement.
    pub comments: Vec<(String, Range<usize>, Range<usize>)>,
    /// Its options as a view, the later counting; and where each is.
    pub options: Vec<(String, String)>,
    /// Rights on it, and on sequences, in the order of the file.
    pub grants: Vec<Grant>,
}

/// All that is declared.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Where it comes from, for people.
    pub source: String,
    /// Where the names in them are looked for that do not say it themselves.
    pub search_path: SearchPath,
    /// The files.
    pub files: Vec<File>,
    /// A relation a file.
    pub relations: Vec<Wanted>,
    /// Rights on functions, and the number of their file.
    pub functions: Vec<(usize, Grant)>,
}

impl Declared {
    /// What one of the files declares.
    #[must_use]
    pub fn only(&self, file: usize) -> Self {
        let mut only = self.clone();
        only.relations.retain(|wanted| wanted.file == file);
        only.functions.retain(|(number, _)| *number == file);
        only
    }

    /// Reads all files of a source.
    pub fn load(source: &Source) -> Result<Self> {
        let declared = Self::of(source, source.sheets()?)?;
        if declared.files.is_empty() && !matches!(source, Source::Nowhere(_)) {
            return Err(Error::configuration(format!(
                "there is no policy file in {}",
                declared.source
            ))
            .hint(
                "write one a table, such as content.sql, or name another folder with `--policies`",
            )
            .hint(
                command("policy adopt")
                    .hint("have what the database has written into files, with {}"),
            )
            .into());
        }
        Ok(declared)
    }

    /// What these files of a source declare.
    pub fn of(source: &Source, sheets: Vec<Sheet>) -> Result<Self> {
        let mut declared = Self {
            source: source.describe(),
            search_path: source.search_path(),
            files: Vec::new(),
            relations: Vec::new(),
            functions: Vec::new(),
        };
        for sheet in sheets {
            let stem = sheet.stem().to_owned();
            declared.files.push(File {
                path: sheet.path,
                text: sheet.text,
            });
            if stem == FUNCTIONS {
                declared.read_functions()?;
            } else {
                declared.read_relation(&stem)?;
            }
        }
        Ok(declared)
    }

    /// The file of a relation.
    pub fn file_of(&self, wanted: &Wanted) -> &File {
        &self.files[wanted.file]
    }

    /// Everybody who is named: to have a right, or in a policy's words. Their rights are wholly declared.
    pub fn roles(&self) -> impl Iterator<Item = (&File, &str, &Range<usize>)> {
        let of_relations = self.relations.iter().flat_map(|wanted| {
            let grants = wanted.grants.iter();
            grants.map(move |grant| (wanted.file, grant))
        });
        let of_functions = self.functions.iter().map(|(file, grant)| (*file, grant));
        of_relations
            .chain(of_functions)
            .flat_map(move |(file, grant)| {
                let roles = grant.roles.iter();
                roles.map(move |(name, span)| (&self.files[file], name.as_str(), span))
            })
    }

    fn read_functions(&mut self) -> Result<()> {
        let number = self.files.len() - 1;
        let file = &self.files[number];
        for read in statements(file) {
            let (declaration, span) = read?;
            match declaration {
                (Declaration::Grant(grant), _) if grant.kind == Kind::Function => {
                    self.functions.push((number, grant));
                }
                (Declaration::Grant(grant), None) if grant.kind == Kind::Sequence => {
                    let hint = match &grant.objects[0].0 {
                        Object::Relation(sequence) => format!(
                            "put it into the file of the table that the sequence belongs to, or, if it belongs to none, \
                             into {}",
                            sibling(&file.path, sequence)
                        ),
                        Object::Function(_) => String::new(),
                    };
                    return Err(misplaced(file, &span, "this is not about functions", &hint));
                }
                _ => {
                    return Err(misplaced(
                        file,
                        &span,
                        "this is not about functions",
                        "put it into the file of its relation",
                    ));
                }
            }
        }
        Ok(())
    }

    fn read_relation(&mut self, stem: &str) -> Result<()> {
        let number = self.files.len() - 1;
        let file = &self.files[number];
        let first = statements(file).find_map(|read| Some(read.ok()?.0.1?.0));
        // A dot may be part of a name: what the file speaks of decides.
        let relation = first
            .filter(|relation| relation.is_named(stem))
            .unwrap_or_else(|| Relation::written(stem));
        if let Some(other) = self
            .relations
            .iter()
            .find(|other| other.relation == relation)
        {
            return Err(Error::failed(format!(
                "{} and {} are about the same relation, {relation}",
                self.files[other.file].path, file.path
            ))
            .unchanged()
            .hint("put all of it into one of them")
            .into());
        }
        let mut wanted = Wanted {
            relation,
            file: number,
            place: 0..0,
            enabled: false,
            forced: false,
            policies: Vec::new(),
            comments: Vec::new(),
            options: Vec::new(),
            grants: Vec::new(),
        };
        for read in statements(file) {
            let ((declaration, about), span) = read?;
            if let Some((about, place)) = about {
                if about != wanted.relation {
                    let message = format!(
                        "this is about {about}, and the file about {}",
                        wanted.relation
                    );
                    let hint = format!("put it into {}", sibling(&file.path, &about));
                    return Err(misplaced(file, &place, &message, &hint));
                }
                if wanted.place.is_empty() {
                    wanted.place = place;
                }
            }
            wanted.add(declaration, file, &span)?;
        }
        if !wanted.enabled
            && let Some(policy) = wanted.policies.first()
        {
            let relation = &wanted.relation;
            return Err(misplaced(
                file,
                &policy.place,
                &format!("policies on {relation}, and row-level security is not switched on"),
                &format!("add `alter table {relation} enable row level security;`"),
            ));
        }
        self.relations.push(wanted);
        Ok(())
    }
}

impl Wanted {
    /// Whether all it says is who may use the sequence it is about.
    pub fn is_of_sequence(&self) -> bool {
        let own = Object::Relation(self.relation.clone());
        let mut objects = self.grants.iter().flat_map(|grant| &grant.objects);
        self.grants.iter().all(|grant| grant.kind == Kind::Sequence)
            && objects.any(|(object, _)| *object == own)
            && !(self.enabled || self.forced)
            && self.policies.is_empty()
            && self.options.is_empty()
    }

    fn add(&mut self, declaration: Declaration, file: &File, span: &Range<usize>) -> Result<()> {
        match declaration {
            Declaration::Security(all) => {
                for security in all {
                    match security {
                        Security::Enable => self.enabled = true,
                        Security::Force => self.forced = true,
                        Security::NoForce => self.forced = false,
                    }
                }
            }
            Declaration::Policy(policy) => {
                if let Some(first) = self.policies.iter().find(|other| other.name == policy.name) {
                    let line = file.excerpt(&first.place).line;
                    let message = format!(
                        "the policy {} on {} is declared twice",
                        policy.name, self.relation
                    );
                    let error = misplaced_error(
                        file,
                        &policy.place,
                        &message,
                        "give it another name, or remove one",
                    );
                    return Err(error.note(format!("first in line {line}")).into());
                }
                self.policies.push(policy);
            }
            Declaration::Comment(name, table, statement) => {
                if !self.policies.iter().any(|policy| policy.name == name) {
                    return Err(misplaced(
                        file,
                        &statement,
                        &format!("no policy {name} is declared before this"),
                        "write the comment after the policy it is about",
                    ));
                }
                self.comments.push((name, table, statement));
            }
            Declaration::Options(options) => {
                for (name, value) in options {
                    self.options.retain(|(other, _)| *other != name);
                    self.options.push((name, value));
                }
            }
            Declaration::Grant(grant) => {
                for (object, place) in &grant.objects {
                    match object {
                        Object::Relation(other)
                            if grant.kind == Kind::Table && *other != self.relation =>
                        {
                            let message = format!(
                                "this is about {other}, and the file about {}",
                                self.relation
                            );
                            let hint = format!("put it into {}", sibling(&file.path, other));
                            return Err(misplaced(file, place, &message, &hint));
                        }
                        Object::Function(_) => {
                            return Err(misplaced(
                                file,
                                span,
                                "rights on functions have a file of their own",
                                "put it into functions.sql",
                            ));
                        }
                        // A sequence that no table owns has a file of its own.
                        Object::Relation(other) if *other == self.relation => {
                            if self.place.is_empty() {
                                self.place = place.clone();
                            }
                        }
                        Object::Relation(_) => {}
                    }
                }
                self.grants.push(grant);
            }
        }
        Ok(())
    }
}

/// The file beside this one that is about a relation.
fn sibling(path: &str, relation: &Relation) -> String {
    let folder = path.rfind('/').map_or("", |end| &path[..=end]);
    format!("{folder}{}.sql", relation.stem())
}

type Found = (statement::Read, Range<usize>);

fn statements(file: &File) -> impl Iterator<Item = Result<Found>> {
    sql::statements(&file.text).map(|found| {
        let statement = found.map_err(|flaw| refused(file, flaw.into()))?;
        let length = statement.text.lines().next().unwrap_or_default().len();
        let span = statement.start..statement.start + length;
        let read =
            statement::read(&file.text, &statement).map_err(|refusal| refused(file, refusal))?;
        Ok((read, span))
    })
}

fn refused(file: &File, refusal: Refusal) -> anyhow::Error {
    let Refusal {
        span,
        message,
        hint,
    } = refusal;
    misplaced(file, &span, &message, &hint)
}

fn misplaced(file: &File, span: &Range<usize>, message: &str, hint: &str) -> anyhow::Error {
    misplaced_error(file, span, message, hint).into()
}

fn misplaced_error(file: &File, span: &Range<usize>, message: &str, hint: &str) -> Error {
    Error::failed(format!("{} cannot be applied: {message}", file.path))
        .at(file.excerpt(span))
        .unchanged()
        .hint(hint)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn load(files: &[(&str, &str)]) -> Result<Declared> {
        let folder = tempfile::tempdir().expect("there is room");
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("can be written");
        }
        Declared::load(&Source::Folder {
            path: folder.path().to_owned(),
            shown: "p".to_owned(),
            found_for: None,
        })
    }

    fn refusal(name: &str, text: &str) -> String {
        let error = load(&[(name, text)]).expect_err(text);
        let explanation = crate::error::explain(&error);
        let place = explanation
            .excerpt
            .map(|place| format!(" at {}:{}", place.line, place.column));
        format!("{}{}", explanation.message, place.unwrap_or_default())
    }

    #[test]
    fn a_file_says_all_about_its_relation() {
        let declared = load(&[
            (
                "tips.sql",
                "alter table tips enable row level security, force row level security;\n\
                 create policy own on public.tips for select to a using ((x)) with check (y(1));\n\
                 comment on policy own on tips is 'it''s';\n\
                 revoke all on tips from public, a;\n\
                 grant select (id, \"A\"), update on table tips to a, b with grant option;\n\
                 grant usage on sequence tips_id_seq to a;",
            ),
            (
                "app.v.sql",
                "alter view app.v set (security_barrier, security_invoker = off);",
            ),
            (
                "functions.sql",
                "grant execute on function app.f(id uuid, variadic tags text[]), app.g() to a;",
            ),
            ("matrix.toml", "not sql"),
        ])
        .expect("is fine");
        let tips = &declared.relations[1];
        assert_eq!(tips.relation.to_string(), "tips");
        assert!(tips.enabled && tips.forced);
        let file = declared.file_of(tips);
        let policy = &tips.policies[0];
        let part = |span: &Option<Range<usize>>| file.part(span.as_ref().expect("is one"));
        assert_eq!((part(&policy.using), part(&policy.check)), ("(x)", "y(1)"));
        assert_eq!(file.part(&policy.table), "public.tips");
        assert_eq!(tips.grants.len(), 3);
        let view = &declared.relations[0];
        assert_eq!(view.relation.to_string(), "app.v");
        assert_eq!(view.options[1].1, "false");
        let (file, grant) = &declared.functions[0];
        let (Object::Function(signature), span) = &grant.objects[0] else {
            panic!("is a function")
        };
        assert_eq!(signature, "app.f(uuid, text[])");
        assert_eq!(
            declared.files[*file].part(span),
            "app.f(id uuid, variadic tags text[])"
        );
        assert_eq!(declared.roles().count(), 6);
    }

    /// Texts, and why each may not stand there, at which line and column.
    const REFUSED: &[(&str, &str)] = &[
        (
            "create table t (id int);",
            "this is not for a policy file at 1:1",
        ),
        (
            "alter table t add x int;",
            "this change of a table is not for a policy file at 1:15",
        ),
        (
            "alter table t disable row level security;",
            "row-level security is not switched off by a policy file at 1:15",
        ),
        (
            "create policy p on other for select using (true);",
            "this is about other, and the file about t at 1:20",
        ),
        (
            "grant select on t, other to a;",
            "this is about other, and the file about t at 1:20",
        ),
        (
            "create policy p on t using (true);",
            "policies on t, and row-level security is not switched on at 1:15",
        ),
        (
            "grant a to b;",
            "a is no privilege on a relation or a function at 1:7",
        ),
        (
            "grant select to b;",
            "membership in a role is not for a policy file at 1:14",
        ),
        (
            "grant selct on t to b;",
            "selct is no privilege on a relation or a function at 1:7",
        ),
        (
            "grant select on all tables in schema public to b;",
            "rights on everything in a schema are not for a policy file at 1:17",
        ),
        (
            "grant usage on schema app to b;",
            "rights on a schema are not for a policy file at 1:16",
        ),
        (
            "grant select on t to current_user;",
            "whoever applies the files is nobody in particular at 1:22",
        ),
        (
            "grant execute on function f(int) to a;",
            "rights on functions have a file of their own at 1:1",
        ),
        (
            "grant execute on function f to a;",
            "a function is named with the types of its arguments at 1:27",
        ),
        (
            "alter view t set (check_option = local);",
            "check_option is no security option of a view at 1:19",
        ),
        (
            "alter view t rename to u;",
            "this change of a view is not for a policy file at 1:14",
        ),
        (
            "alter view t set (security_barrier = maybe);",
            "here should be true or false at 1:38",
        ),
        (
            "comment on policy p on t is 'x';",
            "no policy p is declared before this at 1:1",
        ),
        (
            "begin;",
            "transaction control is not for a policy file at 1:1",
        ),
        (
            "drop policy p on t;",
            "DROP POLICY is not for a policy file at 1:1",
        ),
        ("grant select on t;", "here should be TO at 1:18"),
        (
            "grant select on t to b c;",
            "here should be the end of the statement at 1:24",
        ),
        ("select 'abc", "this string has no end at 1:8"),
        ("\\i x", "this is a command for psql at 1:1"),
    ];

    #[test]
    fn what_does_not_belong_into_a_file_is_refused_with_its_place() {
        let on = "alter table t enable row level security;\n";
        for (text, message) in REFUSED {
            let told = format!("p/t.sql cannot be applied: {message}");
            assert_eq!(refusal("t.sql", text), told, "{text}");
        }
        let twice =
            format!("{on}create policy p on t using (true);\ncreate policy p on t using (false);");
        assert_eq!(
            refusal("t.sql", &twice),
            "p/t.sql cannot be applied: the policy p on t is declared twice at 3:15"
        );
        assert_eq!(
            refusal("functions.sql", "grant select on t to a;"),
            "p/functions.sql cannot be applied: this is not about functions at 1:1"
        );
        assert_eq!(refusal("README.md", ""), "there is no policy file in p");
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(text in "((create policy|alter table|alter view|grant|revoke|comment on policy|on|t|to|using|with check|is|all|select|set|enable row level security|\\(|\\)|'|\"|;|,|a|é|\\.|=|\\$\\$) ?){0,24}") {
            let _ = load(&[("t.sql", &text)]);
            let _ = load(&[("functions.sql", &text)]);
        }
    }
}
