//! Tables: their columns, constraints and indexes.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::Reader;
use super::node::{name, span};
use crate::migrate::lint::change::Change;
use crate::migrate::lint::facts::{Fact, Name};

impl Reader<'_> {
    pub(super) fn table(&mut self, table: Option<ast::TableName>, temporary: bool) {
        let place = table.as_ref().map(|table| span(table.syntax()));
        if let (Some(name), Some(span)) = (name(table), place) {
            self.made.insert(name.clone());
            self.facts.all.push(Fact::Table {
                name,
                temporary,
                span,
            });
        }
    }

    pub(super) fn table_arg(&mut self, table: &Name, arg: &ast::TableArg) {
        match arg {
            ast::TableArg::Column(column) => {
                let Some(column_name) = column
                    .name()
                    .map(|name| Name::read(&name.syntax().text().to_string()).name)
                else {
                    return;
                };
                let constraints = column.clauses().filter_map(|clause| match clause {
                    ast::ColumnClause::ColumnConstraint(constraint) => Some(constraint),
                    _ => None,
                });
                for constraint in constraints {
                    self.column_constraint(table, &column_name, constraint.syntax(), true);
                }
                let is_key = is_key_name(&column_name)
                    || column
                        .ty()
                        .is_some_and(|ty| self.words(ty.syntax()).contains("serial"));
                if is_key {
                    self.facts.keys.push(span(column.syntax()));
                }
            }
            ast::TableArg::TableConstraint(constraint) => {
                self.constraint(table, constraint.syntax(), true);
            }
            ast::TableArg::LikeClause(_) => {}
        }
    }

    /// A constraint behind a column. `has_nothing_to_prove`: there is no row yet that could break it.
    pub(super) fn column_constraint(
        &mut self,
        table: &Name,
        column: &str,
        node: &SyntaxNode,
        has_nothing_to_prove: bool,
    ) {
        match node.kind() {
            SyntaxKind::REFERENCES_CONSTRAINT => {
                let reference = ast::ReferencesConstraint::cast(node.clone());
                let reference = reference.as_ref();
                if let Some(target) = name(reference.and_then(ast::ReferencesConstraint::table)) {
                    let clause =
                        reference.and_then(ast::ReferencesConstraint::constraint_name_clause);
                    self.facts.all.push(Fact::ForeignKey {
                        table: table.clone(),
                        columns: vec![column.to_owned()],
                        target,
                        name: clause.as_ref().and_then(constraint_name),
                        scans: !has_nothing_to_prove,
                        span: span(node),
                    });
                }
            }
            SyntaxKind::PRIMARY_KEY_CONSTRAINT | SyntaxKind::UNIQUE_CONSTRAINT => {
                self.facts.all.push(Fact::Index {
                    table: table.clone(),
                    columns: vec![column.to_owned()],
                });
                if node.kind() == SyntaxKind::PRIMARY_KEY_CONSTRAINT
                    && let Some(parent) = node.parent()
                {
                    self.facts.keys.push(span(&parent));
                }
            }
            _ => {}
        }
    }

    /// A constraint of a table, with the columns it names.
    pub(super) fn constraint(&mut self, table: &Name, node: &SyntaxNode, is_new: bool) {
        match node.kind() {
            SyntaxKind::FOREIGN_KEY_CONSTRAINT => {
                let Some(key) = ast::ForeignKeyConstraint::cast(node.clone()) else {
                    return;
                };
                let columns = key
                    .from_columns()
                    .into_iter()
                    .flat_map(|list| list.column_name_refs());
                if let Some(target) = name(key.table_name_ref()) {
                    self.facts.all.push(Fact::ForeignKey {
                        table: table.clone(),
                        columns: columns
                            .map(|column| Name::read(&column.syntax().text().to_string()).name)
                            .collect(),
                        target,
                        name: key
                            .constraint_name_clause()
                            .as_ref()
                            .and_then(constraint_name),
                        scans: !is_new,
                        span: span(node),
                    });
                }
            }
            SyntaxKind::PRIMARY_KEY_CONSTRAINT | SyntaxKind::UNIQUE_CONSTRAINT => {
                let text = node.text().to_string();
                let inside = text
                    .split_once('(')
                    .and_then(|(_, rest)| rest.split_once(')'));
                if let Some((columns, _)) = inside {
                    self.facts.all.push(Fact::Index {
                        table: table.clone(),
                        columns: columns
                            .split(',')
                            .map(|column| Name::read(column).name)
                            .collect(),
                    });
                }
            }
            _ => {}
        }
    }

    pub(super) fn action(&mut self, table: &Name, action: &ast::AlterTableAction) {
        match action {
            ast::AlterTableAction::AddColumn(add) => {
                let Some(column) = add.column_name() else {
                    return;
                };
                let column = Name::read(&column.syntax().text().to_string()).name;
                let has_default = add.constraints().any(|constraint| {
                    matches!(
                        constraint,
                        ast::Constraint::DefaultConstraint(_)
                            | ast::Constraint::GeneratedConstraint(_)
                    )
                });
                for constraint in add.constraints() {
                    self.column_constraint(table, &column, constraint.syntax(), !has_default);
                }
                if is_key_name(&column) {
                    self.facts.keys.push(span(add.syntax()));
                }
            }
            ast::AlterTableAction::AddConstraint(add) => {
                if let Some(constraint) = add.constraint() {
                    self.constraint(table, constraint.syntax(), false);
                }
            }
            ast::AlterTableAction::EnableRls(_) => {
                self.facts.all.push(Fact::RowSecurityOn(table.clone()));
            }
            ast::AlterTableAction::DisableRls(_) | ast::AlterTableAction::NoForceRls(_) => {
                self.facts.all.push(Fact::RowSecurityOff {
                    table: table.clone(),
                    span: span(action.syntax()),
                });
            }
            ast::AlterTableAction::DropColumn(_)
            | ast::AlterTableAction::DropConstraint(_)
            | ast::AlterTableAction::RenameColumn(_)
            | ast::AlterTableAction::RenameConstraint(_)
            | ast::AlterTableAction::TableRenameTo(_)
            | ast::AlterTableAction::SetSchema(_) => {
                self.facts
                    .all
                    .extend(change(table, action).map(Fact::Change));
            }
            ast::AlterTableAction::AlterColumn(alter) if self.names_key(alter.syntax()) => {
                self.facts.keys.push(span(alter.syntax()));
            }
            _ => {}
        }
    }

    fn names_key(&self, node: &SyntaxNode) -> bool {
        self.words(node).split_whitespace().any(is_key_name)
    }

    pub(super) fn index(&mut self, table: &Name, index: &ast::CreateIndex) {
        // A partial index does not find every row that refers to another; one that leaves out nulls does.
        let condition = index
            .where_clause()
            .map(|clause| self.words(clause.syntax()));
        let is_whole = condition.is_none_or(|condition| condition.ends_with("is not null"));
        let method = index
            .using_method()
            .map(|method| self.words(method.syntax()));
        let finds_equals =
            method.is_none_or(|method| method.ends_with("btree") || method.ends_with("hash"));
        if !is_whole || !finds_equals {
            return;
        }
        let items = index
            .partition_item_list()
            .into_iter()
            .flat_map(|list| list.partition_items());
        let columns = items
            .map_while(|item| match item.expr() {
                Some(ast::Expr::NameRef(column)) => {
                    Some(Name::read(&column.syntax().text().to_string()).name)
                }
                _ => None,
            })
            .collect();
        self.facts.all.push(Fact::Index {
            table: table.clone(),
            columns,
        });
    }
}

/// What an action does to a table that foreign keys may be on.
fn change(table: &Name, action: &ast::AlterTableAction) -> Option<Change> {
    let table = table.clone();
    let own = |name: Name| name.name;
    Some(match action {
        ast::AlterTableAction::DropColumn(drop) => {
            Change::ColumnDropped(table, name(drop.column_name_ref()).map(own)?)
        }
        ast::AlterTableAction::DropConstraint(drop) => {
            Change::ConstraintDropped(table, name(drop.constraint_name_ref()).map(own)?)
        }
        ast::AlterTableAction::RenameColumn(rename) => Change::ColumnRenamed(
            table,
            name(rename.column_name_ref()).map(own)?,
            name(rename.column_name()).map(own)?,
        ),
        ast::AlterTableAction::RenameConstraint(rename) => Change::ConstraintRenamed(
            table,
            name(rename.constraint_name_ref()).map(own)?,
            name(rename.constraint_name()).map(own)?,
        ),
        ast::AlterTableAction::TableRenameTo(rename) => {
            let name = name(rename.table_name())?.name;
            let schema = table.schema.clone();
            Change::TableRenamed(table, Name { schema, name })
        }
        ast::AlterTableAction::SetSchema(set) => {
            let schema = name(set.schema_ref())?.name;
            let schema = Some(schema).filter(|schema| schema != "public");
            let name = table.name.clone();
            Change::TableRenamed(table, Name { schema, name })
        }
        _ => return None,
    })
}

/// The name in `constraint NAME`.
fn constraint_name(clause: &ast::ConstraintNameClause) -> Option<String> {
    let text = clause.syntax().text().to_string();
    let name = text.trim_start().get("constraint".len()..)?;
    Some(Name::read(name).name)
}

fn is_key_name(column: &str) -> bool {
    column == "id" || column.ends_with("_id")
}
