//! SARIF 2.1.0: findings as tools take them that gather findings of many tools.
//!
//! A finding keeps its fingerprint while its rule and its object, or its rule and the text of its line, stay the same:
//! what was dismissed once stays dismissed when lines move.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::Diagnostic;
use super::diagnostic::{Rule, Weight};
use crate::plan::hex;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// All of them as one document.
pub(super) fn render(diagnostics: &[Diagnostic<'_>]) -> Result<String, serde_json::Error> {
    let mut rules = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for diagnostic in diagnostics {
        places.entry(diagnostic.rule.name).or_insert_with(|| {
            rules.push(rule(&diagnostic.rule));
            rules.len() - 1
        });
    }
    let mut seen = HashMap::new();
    let results: Vec<Value> = diagnostics
        .iter()
        .map(|diagnostic| {
            let print = fingerprint(diagnostic, &mut seen);
            result(diagnostic, places[diagnostic.rule.name], &print)
        })
        .collect();
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "toysoldiers",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                },
            },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

fn rule(rule: &Rule<'_>) -> Value {
    json!({
        "id": rule.name,
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": rule.why },
        "help": { "text": rule.remedy },
        "defaultConfiguration": { "level": level(rule.weight) },
    })
}

fn result(diagnostic: &Diagnostic<'_>, rule: usize, fingerprint: &str) -> Value {
    let mut message = match diagnostic.object {
        Some(object) => format!("{object}: {}", diagnostic.message),
        None => diagnostic.message.to_owned(),
    };
    // What is the same for all findings of the rule stands with the rule.
    for (word, note) in diagnostic.notes.iter().chain(&diagnostic.statement) {
        if *note != diagnostic.rule.why && *note != diagnostic.rule.remedy {
            let _ = write!(message, "\n{word}: {note}");
        }
    }
    // What was accepted weighs what it always did; that it was accepted is said beside it.
    let weight = match diagnostic.accepted {
        Some(_) => diagnostic.rule.weight,
        None => diagnostic.weight,
    };
    let kind = match diagnostic.object {
        Some(_) => "external",
        None => "inSource",
    };
    let suppressions: Vec<Value> = diagnostic
        .accepted
        .iter()
        .map(|because| json!({ "kind": kind, "status": "accepted", "justification": because }))
        .collect();
    json!({
        "ruleId": diagnostic.rule.name,
        "ruleIndex": rule,
        "level": level(weight),
        "message": { "text": message },
        "locations": [location(diagnostic)],
        "partialFingerprints": { "toysoldiers/v1": fingerprint },
        "suppressions": suppressions,
    })
}

fn location(diagnostic: &Diagnostic<'_>) -> Value {
    let mut location = Map::new();
    if let Some(file) = diagnostic.file {
        let mut physical = Map::new();
        physical.insert("artifactLocation".to_owned(), artifact(file));
        if let Some(place) = diagnostic.place {
            let region = json!({
                "startLine": place.line,
                "startColumn": place.column,
                "endColumn": place.end_column(),
                "snippet": { "text": place.text },
            });
            physical.insert("region".to_owned(), region);
        }
        location.insert("physicalLocation".to_owned(), physical.into());
    }
    if let Some(object) = diagnostic.object {
        let logical = json!([{ "fullyQualifiedName": object }]);
        location.insert("logicalLocations".to_owned(), logical);
    }
    location.into()
}

/// A path below the current folder is one below the folder of the sources.
fn artifact(file: &str) -> Value {
    let mut uri = String::new();
    for byte in file.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~()".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    if uri.starts_with('/') {
        json!({ "uri": format!("file://{uri}") })
    } else {
        json!({ "uri": uri, "uriBaseId": "%SRCROOT%" })
    }
}

const fn level(weight: Weight) -> &'static str {
    match weight {
        Weight::Error => "error",
        Weight::Warning => "warning",
        Weight::Notice => "note",
    }
}

/// Findings that are alike are numbered.
fn fingerprint(diagnostic: &Diagnostic<'_>, seen: &mut HashMap<String, usize>) -> String {
    let what = match (diagnostic.object, diagnostic.place) {
        (Some(object), _) => object.to_owned(),
        (None, Some(place)) => format!("{}\n{}", place.file, place.text.trim()),
        (None, None) => diagnostic.file.unwrap_or_default().to_owned(),
    };
    let what = format!("{}\n{what}", diagnostic.rule.name);
    let hash = Sha256::digest(&what);
    let number = seen.entry(what).or_insert(0);
    *number += 1;
    format!("{}:{number}", hex(&hash[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(
            artifact("database/größe 1.sql"),
            json!({ "uri": "database/gr%C3%B6%C3%9Fe%201.sql", "uriBaseId": "%SRCROOT%" })
        );
        assert_eq!(
            artifact("/srv/a.sql"),
            json!({ "uri": "file:///srv/a.sql" })
        );
    }
}
