//! Views, functions, policies and grants: who may see and do what.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::Reader;
use super::node::{name, span};
use crate::migrate::lint::facts::{Fact, Name};

impl Reader<'_> {
    pub(super) fn view(&mut self, view: &ast::CreateView) {
        let Some(made) = view.view() else { return };
        let reads = view.query().is_some_and(|query| {
            query
                .syntax()
                .descendants()
                .any(|node| node.kind() == SyntaxKind::FROM_CLAUSE)
        });
        if !reads || matches!(view.persistence(), Some(ast::Persistence::Temp(_))) {
            return;
        }
        let list = view
            .with_params()
            .and_then(|params| params.attribute_list());
        let options = list.into_iter().flat_map(|list| list.attribute_options());
        let options = options
            .filter_map(|option| option.name())
            .map(|name| name.syntax().text().to_string().to_ascii_lowercase())
            .collect();
        let span = span(made.syntax());
        if let Some(name) = name(Some(made)) {
            self.facts.all.push(Fact::View {
                name,
                options,
                span,
            });
        }
    }

    pub(super) fn routine(&mut self, name: Option<Name>, options: Option<ast::FuncOptionList>) {
        let Some(name) = name else { return };
        for option in options.into_iter().flat_map(|list| list.options()) {
            match option {
                ast::FuncOption::SecurityDefinerFuncOption(option) => {
                    let (name, span) = (name.clone(), span(option.syntax()));
                    self.facts.all.push(Fact::Definer { name, span });
                }
                ast::FuncOption::SetFuncOption(option)
                    if self.words(option.syntax()).contains("search_path") =>
                {
                    self.facts.all.push(Fact::SearchPath(name.clone()));
                }
                _ => {}
            }
        }
    }

    pub(super) fn policy(&mut self, policy: &ast::CreatePolicy) {
        let Some(made) = policy.policy() else { return };
        let Some(table) = name(policy.on_table().and_then(|on| on.table_name_ref())) else {
            return;
        };
        let conditions = [
            policy
                .using_expr_clause()
                .map(|clause| clause.syntax().clone()),
            policy
                .with_check_expr_clause()
                .map(|clause| clause.syntax().clone()),
        ];
        let calls = conditions
            .into_iter()
            .flatten()
            .flat_map(|condition| condition.descendants().collect::<Vec<_>>())
            .filter(|node| {
                node.kind() == SyntaxKind::CALL_EXPR
                    && asks_about_the_caller(node)
                    && !is_wrapped(node)
            })
            .map(|node| (node.text().to_string(), span(&node)))
            .collect();
        self.facts.all.push(Fact::Policy {
            name: Name::read(&made.syntax().text().to_string()),
            table,
            roles: policy.policy_roles().is_some(),
            calls,
            span: span(made.syntax()),
        });
    }

    /// Grants on tables; on schemas and functions everybody may well be meant.
    pub(super) fn grant(&mut self, grant: &ast::Grant) {
        let (Some(privileges), Some(object), Some(roles)) = (
            grant.privileges(),
            grant.on_privilege_objects_clause(),
            grant.role_ref_list(),
        ) else {
            return;
        };
        let object = self
            .words(object.syntax())
            .trim_start_matches("on ")
            .to_owned();
        let others = [
            "schema",
            "function",
            "procedure",
            "routine",
            "sequence",
            "database",
            "type",
            "domain",
            "language",
            "large",
            "foreign",
            "tablespace",
            "parameter",
            "all functions",
            "all procedures",
            "all routines",
            "all sequences",
        ];
        if others.iter().any(|kind| {
            object
                .strip_prefix(kind)
                .is_some_and(|rest| rest.starts_with(' '))
        }) {
            return;
        }
        self.facts.all.push(Fact::Grant {
            privileges: self
                .words(privileges.syntax())
                .split(',')
                .map(|privilege| {
                    privilege
                        .split('(')
                        .next()
                        .unwrap_or_default()
                        .trim()
                        .to_owned()
                })
                .collect(),
            object,
            roles: roles
                .role_refs()
                .map(|role| Name::read(&role.syntax().text().to_string()))
                .collect(),
            span: span(grant.syntax()),
        });
    }
}

/// Functions that answer the same for a whole query.
fn asks_about_the_caller(call: &SyntaxNode) -> bool {
    let text = call.text().to_string().to_ascii_lowercase();
    [
        "auth.",
        "app.",
        "current_setting(",
        "pg_catalog.current_setting(",
    ]
    .iter()
    .any(|start| text.starts_with(start))
}

/// Whether it stands in a `(select ...)` of its own, which is asked once.
fn is_wrapped(call: &SyntaxNode) -> bool {
    call.ancestors().skip(1).any(|node| {
        matches!(
            node.kind(),
            SyntaxKind::SELECT | SyntaxKind::SELECT_CLAUSE | SyntaxKind::CALL_EXPR
        )
    })
}
