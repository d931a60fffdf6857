//! `migrate check`: everything that can be known about files without a server, and what `migrate up` takes of it.
//!
//! `up` refuses errors and what the configuration denies before it begins. The rest is looked for beside the run,
//! on a thread of its own, so that a warning never costs time.

mod numbering;
mod undeclared;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use serde::{Serialize, Serializer};

use super::Pending;
use super::directive;
use super::file::{self, Kind, Migration};
use super::lint::{
    Finding, LARGEST, Level, Made, Reading, Rule, STACK, Sheet, Wanted, form, placed,
};
use super::nested::Nested;
use super::preflight;
use super::size::Sizes;
use crate::error::{Error, Result, command};
use crate::source::{Entry, INDEXES, Source, text};
use numbering::{Numbered, numbering, strays};
use undeclared::{Declared, undeclared};

/// What was found.
#[derive(Debug)]
pub struct Checked {
    /// What was looked at, for people: a folder, or nothing when files were named.
    pub source: Option<String>,
    /// How many files.
    pub files: usize,
    /// In order of file and place.
    pub findings: Vec<Finding>,
}

/// The findings are all there is to know.
impl Serialize for Checked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.findings.serialize(serializer)
    }
}

impl Checked {
    /// How many findings are of this level.
    pub fn count(&self, level: Level) -> usize {
        let findings = self.findings.iter();
        findings.filter(|finding| finding.level == level).count()
    }

    /// Whether `migrate up` would refuse a file.
    pub fn stops(&self) -> bool {
        self.findings.iter().any(|finding| finding.level.stops())
    }
}

/// Checks all migrations of a source, or the files that are named: those may be any.
pub fn check(source: &Source, named: &[PathBuf], denied: &[&'static Rule]) -> Result<Checked> {
    let mut files = Files::default();
    if named.is_empty() {
        for entry in source.entries()? {
            files.add_entry(&entry)?;
        }
    } else {
        for path in named {
            files.add_named(&Entry::named(path.clone()))?;
        }
    }
    let nested = if named.is_empty() {
        Nested::look(source)
    } else {
        None
    };
    files.findings.extend(nested.map(|nested| {
        let mut finding = Finding::from(nested);
        if files.numbered.is_empty() {
            finding.level = Level::Error;
        }
        finding
    }));
    files.numbered.sort();
    let wanted = Wanted::All(denied);
    let mut findings = files.findings;
    findings.extend(strays(&files.numbered, &files.downs));
    if named.is_empty() {
        let numbered = files.numbered.iter();
        let in_order: Vec<&Sheet<'_>> = numbered
            .filter_map(|file| files.sheets.iter().find(|sheet| sheet.path == file.path))
            .collect();
        let declared = Declared {
            indexes: beside(source, "indexes"),
            policies: beside(source, "policies"),
        };
        let undeclared = undeclared(&in_order, &declared);
        for finding in numbering(&files.numbered).into_iter().chain(undeclared) {
            let sheet = files.sheets.iter().find(|sheet| sheet.path == finding.file);
            let read = sheet.map(|sheet| directive::read(&sheet.text));
            let directives = read.unwrap_or_default().directives;
            findings.push(finding.judged(&directives, wanted));
        }
    }
    // What later files say of earlier ones counts.
    let version = |sheet: &Sheet<'_>| {
        let name = sheet.path.rsplit('/').next().unwrap_or_default();
        match file::kind(name) {
            Ok(Kind::Up(version, _)) => version,
            _ => i64::MAX,
        }
    };
    files.sheets.sort_by_key(version);
    let elsewhere = elsewhere(source, !named.is_empty());
    lint(files.sheets, &elsewhere, wanted, |finding| {
        findings.push(finding);
    })?;
    findings.sort_by_cached_key(Finding::key);
    Ok(Checked {
        source: named.is_empty().then(|| source.describe()),
        files: files.count,
        findings,
    })
}

/// Files on their way to be linted.
#[derive(Default)]
struct Files {
    count: usize,
    sheets: Vec<Sheet<'static>>,
    /// What is named like a migration.
    numbered: Vec<Numbered>,
    /// What is named like something that undoes one.
    downs: Vec<Numbered>,
    /// What is wrong with names and bytes.
    findings: Vec<Finding>,
}

impl Files {
    /// A file of the folder, unless it is none of ours.
    fn add_entry(&mut self, entry: &Entry) -> Result<()> {
        match file::kind(&entry.name) {
            Ok(Kind::Up(version, _)) => {
                self.numbered.push(Numbered {
                    version,
                    name: entry.name.clone(),
                    path: entry.path.clone(),
                });
                self.add_named(entry)?;
            }
            Ok(Kind::Down(version, _)) => {
                self.downs.push(Numbered {
                    version,
                    name: entry.name.clone(),
                    path: entry.path.clone(),
                });
                self.add_down(entry)?;
            }
            Ok(Kind::Other) => {}
            Err(misfit) => {
                self.count += 1;
                let message = format!("the name does not fit: {}", misfit.0);
                let mut finding = Finding::of_file(&form::NAMING, &entry.path, message);
                finding.rewrite = file::instead(&entry.path);
                self.findings.push(finding);
            }
        }
        Ok(())
    }

    fn add_named(&mut self, entry: &Entry) -> Result<()> {
        let sheet = self.read(entry)?;
        self.sheets.extend(sheet);
        Ok(())
    }

    /// What undoes a migration destroys by trade: only what could not run is worth a word.
    fn add_down(&mut self, entry: &Entry) -> Result<()> {
        if let Some(sheet) = self.read(entry)? {
            let hits = preflight::undoing(&sheet.text);
            self.findings.extend(placed(&sheet, hits));
        }
        Ok(())
    }

    fn read(&mut self, entry: &Entry) -> Result<Option<Sheet<'static>>> {
        self.count += 1;
        match text::decode(entry.bytes()?, &entry.path) {
            Ok(text) => {
                return Ok(Some(Sheet {
                    path: Cow::Owned(entry.path.clone()),
                    text: Cow::Owned(text),
                }));
            }
            Err(illegible) => {
                let message = format!("this {}", illegible.what);
                let mut finding = Finding::of_file(&form::ENCODING, &entry.path, message);
                illegible.hint.clone_into(&mut finding.rewrite);
                finding.place = illegible.place;
                self.findings.push(finding);
            }
        }
        Ok(None)
    }
}

/// Where else indexes and functions are made: in the folder `indexes` beside that of the migrations, or in the program as they
/// are, and, for files that were named, in the migrations.
fn elsewhere(source: &Source, with_migrations: bool) -> Vec<Cow<'static, str>> {
    let mut entries = match source {
        Source::Folder { path, .. } => path
            .parent()
            .map_or_else(Vec::new, |parent| folder(&parent.join("indexes"))),
        Source::Embedded(_) => Source::Embedded(INDEXES).entries().unwrap_or_default(),
        Source::Nowhere(_) => Vec::new(),
    };
    if with_migrations {
        entries.extend(source.entries().unwrap_or_default());
    }
    let sql = entries.iter().filter(|entry| has_sql(&entry.name));
    // This only ever spares a finding: what cannot be read spares none.
    sql.filter_map(|entry| text::decode(entry.bytes().ok()?, &entry.path).ok())
        .map(Cow::Owned)
        .collect()
}

fn folder(path: &Path) -> Vec<Entry> {
    let source = Source::Folder {
        path: path.to_owned(),
        shown: String::new(),
        found_for: None,
    };
    source.entries().unwrap_or_default()
}

/// The texts of a folder beside that of the migrations; nothing if there is none, and its files are this program's.
fn beside(source: &Source, name: &str) -> Option<Vec<String>> {
    let Source::Folder { path, .. } = source else {
        return None;
    };
    let path = path.parent()?.join(name);
    let entries = path.is_dir().then(|| folder(&path))?;
    let sql = entries.iter().filter(|entry| has_sql(&entry.name));
    Some(
        sql.filter_map(|entry| text::decode(entry.bytes().ok()?, &entry.path).ok())
            .collect(),
    )
}

fn has_sql(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "sql")
}

/// What the rules find in these files, knowing what is made in others. Told file by file, so that nobody has to
/// hold all of it; last come the files with something that other files may say more of.
fn lint<'a>(
    sheets: impl IntoIterator<Item = Sheet<'a>> + Send,
    elsewhere: &[Cow<'_, str>],
    wanted: Wanted<'_>,
    tell: impl FnMut(Finding) + Send,
) -> Result<()> {
    // A thread for its stack: that of the main thread is as small as somebody's `ulimit`.
    let thread = std::thread::Builder::new().stack_size(STACK);
    std::thread::scope(|scope| {
        let work = || lint_here(sheets, elsewhere, wanted, tell);
        let thread = thread.spawn_scoped(scope, work).map_err(|error| {
            Error::failed("cannot start a thread to check the migrations").because(error)
        })?;
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok(())
    })
}

fn lint_here<'a>(
    sheets: impl IntoIterator<Item = Sheet<'a>>,
    elsewhere: &[Cow<'_, str>],
    wanted: Wanted<'_>,
    mut tell: impl FnMut(Finding),
) {
    let mut made = Made::default();
    let mut open: Vec<Reading<'a>> = Vec::new();
    for sheet in sheets {
        let mut reading = Reading::of(sheet, wanted);
        made.add(&mut reading);
        if reading.wanting(&made).next().is_some() {
            open.push(reading);
        } else {
            reading
                .findings(&made, wanted)
                .into_iter()
                .for_each(&mut tell);
        }
    }
    let readable = elsewhere.iter().filter(|text| text.len() <= LARGEST);
    for text in readable {
        let names: Vec<String> = open
            .iter()
            .flat_map(|reading| reading.wanting(&made))
            .map(|wanted| wanted.name.to_ascii_lowercase())
            .collect();
        let lower = text.to_ascii_lowercase();
        if names.iter().any(|name| lower.contains(name)) {
            made.add_apart(&super::lint::facts_of(text));
        }
    }
    for reading in open {
        reading
            .findings(&made, wanted)
            .into_iter()
            .for_each(&mut tell);
    }
}

/// Refuses pending files in which denied rules find something.
pub fn refuse_denied(all: &[Migration], pending: &[i64], denied: &[&'static Rule]) -> Result<()> {
    if denied.is_empty() {
        return Ok(());
    }
    let mut first = None;
    let mut count = 0;
    tell_pending(all, pending, Wanted::Denied(denied), |finding| {
        if finding.level == Level::Denied {
            count += 1;
            first.get_or_insert(finding);
        }
    })?;
    let Some(first) = first else { return Ok(()) };
    let more = count - 1;
    let mut error = Error::refused(format!("{} is denied by {}", first.file, first.rule))
        .because(Error::failed(first.message))
        .note(first.rule.why)
        .note("nothing was run")
        .hint(first.rewrite);
    if let Some(place) = first.place {
        error = error.at(place);
    }
    if more > 0 {
        error = error.note(format!(
            "and {more} more; {} lists them",
            command("migrate check")
        ));
    }
    Err(error.into())
}

fn tell_pending(
    all: &[Migration],
    pending: &[i64],
    wanted: Wanted<'_>,
    mut tell: impl FnMut(Finding) + Send,
) -> Result<()> {
    let (files, others): (Vec<&Migration>, Vec<&Migration>) = all
        .iter()
        .partition(|migration| pending.contains(&migration.version));
    let numbered: Vec<Numbered> = all.iter().map(Numbered::of).collect();
    for finding in numbering(&numbered) {
        if let Some(file) = files.iter().find(|file| file.path == finding.file) {
            let directives = directive::read(file.sql()).directives;
            tell(finding.judged(&directives, wanted));
        }
    }
    let sheets = files.into_iter().map(Sheet::of);
    let elsewhere: Vec<Cow<'_, str>> = others
        .into_iter()
        .map(|migration| Cow::Borrowed(migration.sql()))
        .collect();
    lint(sheets, &elsewhere, wanted, tell)
}

/// A look at pending files beside their run.
pub struct Beside {
    /// About what ran before.
    known: Vec<String>,
    thread: Option<JoinHandle<Vec<String>>>,
}

impl Pending {
    /// Begins to look at what is pending. The program's own migrations are not the business of whoever runs it.
    pub fn look(&self) -> Beside {
        let known = self.besides.iter().map(line).collect();
        if self.versions.is_empty() || self.is_embedded {
            return Beside {
                known,
                thread: None,
            };
        }
        let (all, versions) = (Arc::clone(&self.all), self.versions.clone());
        let sizes = self.sizes.clone();
        // Without a thread there are no warnings, and the migrations run all the same.
        let thread = std::thread::Builder::new().name("lint".to_owned());
        let look = move || {
            // On Linux a thread can stand back by itself; elsewhere the whole program would.
            if cfg!(target_os = "linux") {
                let _ = rustix::process::nice(19);
            }
            warnings(&all, &versions, &sizes)
        };
        Beside {
            known,
            thread: thread.spawn(look).ok(),
        }
    }
}

impl Beside {
    /// What there is to warn of, a line each. Waits for the look to end.
    pub fn warnings(self) -> Vec<String> {
        let found = self.thread.and_then(|thread| thread.join().ok());
        let mut warnings = self.known;
        warnings.extend(found.into_iter().flatten());
        warnings
    }
}

/// Lines there are at most; `migrate check` has the rest.
const LINES: usize = 20;

fn warnings(all: &[Migration], pending: &[i64], sizes: &Sizes) -> Vec<String> {
    let mut found: Vec<Finding> = Vec::new();
    let mut more = 0;
    // Without a look there is nothing to warn of, and the migrations run all the same.
    let _ = tell_pending(all, pending, Wanted::All(&[]), |finding| {
        let finding = finding.weighed(sizes);
        match finding.level {
            Level::Warning if found.len() < LINES => found.push(finding),
            Level::Warning => more += 1,
            _ => {}
        }
    });
    found.sort_by_cached_key(Finding::key);
    let mut lines: Vec<String> = found.iter().map(line).collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

fn line(finding: &Finding) -> String {
    let Finding { rule, message, .. } = finding;
    let place = finding.place.as_ref().map_or_else(
        || finding.file.clone(),
        |place| format!("{}:{}:{}", place.file, place.line, place.column),
    );
    format!("{place}: {message} ({rule})")
}
