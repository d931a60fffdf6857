//! Reads facts off squawk's tree.

mod access;
mod body;
mod node;
mod table;

use std::collections::HashSet;

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::migrate::lint::change::Change;
use crate::migrate::lint::facts::{Fact, Facts, Name};
use node::{name, range, span, words_before};

/// All the file says.
pub(super) fn read(file: &ast::SourceFile, text: &str) -> Facts {
    let mut reader = Reader {
        facts: Facts::default(),
        made: HashSet::new(),
        text,
    };
    let replaced = replaced(file);
    for statement in file.stmts() {
        reader.statement(&statement, &replaced);
    }
    let lower = text.to_ascii_lowercase();
    reader.facts.mentions_row_security = file.stmts().any(|statement| {
        matches!(statement, ast::Stmt::Do(_))
            && lower[range(statement.syntax())].contains("row level security")
    });
    reader.facts
}

/// The views and functions a file makes: dropped before, they are replaced and not lost.
fn replaced(file: &ast::SourceFile) -> HashSet<Name> {
    let made = file.stmts().filter_map(|statement| match statement {
        ast::Stmt::CreateView(view) => name(view.view()),
        ast::Stmt::CreateMaterializedView(view) => name(view.view()),
        ast::Stmt::CreateFunction(function) => name(function.name()),
        ast::Stmt::CreateProcedure(procedure) => name(procedure.name()),
        _ => None,
    });
    made.collect()
}

struct Reader<'a> {
    facts: Facts,
    /// Tables made so far.
    made: HashSet<Name>,
    text: &'a str,
}

impl Reader<'_> {
    fn statement(&mut self, statement: &ast::Stmt, replaced: &HashSet<Name>) {
        // What the statement works on; it is fresh if the file made all of it.
        let mut subjects: Vec<Name> = Vec::new();
        match statement {
            ast::Stmt::CreateTable(table) => {
                self.rows(table.syntax());
                let temporary = matches!(table.persistence(), Some(ast::Persistence::Temp(_)));
                self.table(table.table_name(), temporary);
                if let Some(table_name) = name(table.table_name()) {
                    for arg in table
                        .table_arg_list()
                        .into_iter()
                        .flat_map(|list| list.args())
                    {
                        self.table_arg(&table_name, &arg);
                    }
                }
            }
            ast::Stmt::CreateTableAs(table) => {
                let temporary = matches!(table.persistence(), Some(ast::Persistence::Temp(_)));
                self.table(table.table_name(), temporary);
            }
            ast::Stmt::AlterTable(table) => {
                self.rows(table.syntax());
                let relation = table
                    .table_relation_name()
                    .and_then(|relation| relation.table_name_ref());
                if let Some(table_name) = name(relation) {
                    for action in table.actions() {
                        self.action(&table_name, &action);
                    }
                    subjects.push(table_name);
                }
            }
            ast::Stmt::CreateIndex(index) => {
                self.runs("the index", index.syntax());
                let relation = index
                    .table_relation_name()
                    .and_then(|relation| relation.table_name_ref());
                if let Some(table) = name(relation) {
                    self.index(&table, index);
                    subjects.push(table);
                }
            }
            ast::Stmt::DropTable(drop) => {
                subjects.extend(drop.table_name_refs().filter_map(|table| name(Some(table))));
                let dropped = subjects.iter().cloned().map(Change::TableDropped);
                self.facts.all.extend(dropped.map(Fact::Change));
            }
            ast::Stmt::DropSchema(drop) => {
                let schemas = drop.schema_refs().filter_map(|schema| name(Some(schema)));
                let dropped = schemas.map(|schema| Change::SchemaDropped(schema.name));
                self.facts.all.extend(dropped.map(Fact::Change));
            }
            ast::Stmt::DropView(drop) => {
                let mut views = drop.view_refs().filter_map(|view| name(Some(view)));
                self.replacement(statement, views.all(|view| replaced.contains(&view)));
            }
            ast::Stmt::DropFunction(drop) => {
                let list = drop
                    .function_sig_list()
                    .map(|list| words_before(list.syntax(), "("));
                self.replacement(
                    statement,
                    list.as_ref()
                        .is_some_and(|list| replaced.contains(&Name::read(list))),
                );
                let dropped = list.map(|list| Fact::Dropped(Name::read(&list)));
                self.facts.all.extend(dropped);
            }
            statement => self.other(statement),
        }
        if !subjects.is_empty() && subjects.iter().all(|subject| self.made.contains(subject)) {
            self.facts.fresh.push(span(statement.syntax()));
        }
        let place = span(statement.syntax());
        let subjects = subjects.into_iter().map(|subject| (place, subject));
        self.facts.subjects.extend(subjects);
    }

    /// What works on no table that the file could have made.
    fn other(&mut self, statement: &ast::Stmt) {
        match statement {
            ast::Stmt::Update(update) => {
                let all = update.where_clause_or_current_of().is_none();
                self.write("UPDATE", all, update.update_token(), update.relation_name());
            }
            ast::Stmt::Delete(delete) => {
                let all = delete.where_clause_or_current_of().is_none();
                self.write("DELETE", all, delete.delete_token(), delete.relation_name());
            }
            ast::Stmt::CreateView(view) => self.view(view),
            ast::Stmt::CreateMaterializedView(view) => {
                self.runs("the materialized view", view.syntax());
            }
            ast::Stmt::CreateDomain(domain) => self.runs("the domain", domain.syntax()),
            ast::Stmt::CreateFunction(function) => {
                self.body(function);
                self.routine(name(function.name()), function.option_list());
            }
            ast::Stmt::CreateProcedure(procedure) => {
                let text = self.words(procedure.syntax());
                let mut words = text.split(|letter: char| !letter.is_alphanumeric());
                if words.any(|word| word == "commit" || word == "rollback") {
                    let name = name(procedure.name()).map(Fact::Committing);
                    self.facts.all.extend(name);
                }
                self.routine(name(procedure.name()), procedure.option_list());
            }
            ast::Stmt::Call(call) => {
                let text = words_before(call.syntax(), "(");
                if let Some((_, called)) = text.split_once(char::is_whitespace) {
                    let (name, span) = (Name::read(called), span(call.syntax()));
                    self.facts.all.push(Fact::Call { name, span });
                }
            }
            ast::Stmt::AlterFunction(alter) => {
                let text = self.words(alter.syntax());
                if text.contains("search_path")
                    && let Some(signature) = alter.function_sig()
                {
                    let name = Name::read(&words_before(signature.syntax(), "("));
                    self.facts.all.push(Fact::SearchPath(name));
                }
            }
            ast::Stmt::CreateType(made) => {
                self.facts
                    .all
                    .extend(name(made.type_name()).map(Fact::Type));
            }
            ast::Stmt::AlterType(alter) => {
                if let (Some(name), Some(ast::AlterTypeAction::AddValue(add))) =
                    (name(alter.type_name_ref()), alter.action())
                    && let Some(value) = add.literal()
                {
                    let value = value.syntax().text().to_string();
                    let span = span(alter.syntax());
                    self.facts.all.push(Fact::EnumValue { name, value, span });
                }
            }
            ast::Stmt::CreatePolicy(policy) => self.policy(policy),
            ast::Stmt::Grant(grant) => self.grant(grant),
            ast::Stmt::Set(set) if !is_local(set.set_scope().as_ref()) => {
                self.setting(set.syntax());
            }
            ast::Stmt::SetRole(set) if !is_local(set.set_scope().as_ref()) => {
                self.setting(set.syntax());
            }
            ast::Stmt::SetSessionAuth(set) => self.setting(set.syntax()),
            ast::Stmt::Select(select) => self.set_config(select.syntax()),
            _ => {}
        }
    }

    fn replacement(&mut self, statement: &ast::Stmt, is_replaced: bool) {
        if is_replaced {
            self.facts.fresh.push(span(statement.syntax()));
        }
    }

    fn write(
        &mut self,
        verb: &'static str,
        all: bool,
        token: Option<squawk_syntax::SyntaxToken>,
        relation: Option<ast::RelationName>,
    ) {
        let (true, Some(token), Some(relation)) = (all, token, relation) else {
            return;
        };
        let start = usize::from(token.text_range().start());
        let end = usize::from(relation.syntax().text_range().end());
        if let Some(table) = name(relation.relation_name_ref()) {
            let span = (start, end - start).into();
            self.facts.all.push(Fact::Write { verb, table, span });
        }
    }

    fn setting(&mut self, node: &SyntaxNode) {
        let span = span(node);
        let text = self.text[span.start..span.end()]
            .trim_end_matches(';')
            .trim_end();
        let what = text.split_whitespace().collect::<Vec<_>>().join(" ");
        // Of the whole, what is set says enough.
        let what = what
            .split(['='])
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned();
        self.facts.all.push(Fact::Setting { what, span });
    }

    /// `set_config(..., false)`: how pg_dump begins.
    fn set_config(&mut self, node: &SyntaxNode) {
        for call in node
            .descendants()
            .filter(|node| node.kind() == SyntaxKind::CALL_EXPR)
        {
            let text = self.words(&call);
            if text
                .trim_start_matches("pg_catalog.")
                .starts_with("set_config(")
                && text.trim_end_matches(')').trim_end().ends_with("false")
            {
                let what = call.text().to_string();
                self.facts.all.push(Fact::Setting {
                    what,
                    span: span(&call),
                });
            }
        }
    }

    /// The text of a node in lower case, with single blanks.
    fn words(&self, node: &SyntaxNode) -> String {
        let text = self.text[range(node)].to_ascii_lowercase();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

fn is_local(scope: Option<&ast::SetScope>) -> bool {
    matches!(scope, Some(ast::SetScope::LocalScope(_)))
}
