//! Expressions as the server keeps them: trees of nodes, written as text.
//!
//! `pg_policy.polqual::text` reads `{OPEXPR :opno 2972 :args ({VAR :varattno 2 ...} {SUBLINK ...}) ...}`. What text that
//! was formatted for people hides is plain here: which call stands in a query of its own, and which relation is read.

/// Expressions nested deeper are refused. Those with more than a thousand nodes in one another are not asked for, as
/// database/blocks/unreadable.sql says, and of a node in a node there is a list or two between them.
const DEPTH: usize = 4_000;

/// Something in a field.
#[derive(Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// `{TAG :field value}`
    Node(Node<'a>),
    /// `(item item)`
    List(Vec<Item<'a>>),
    /// A number, a name, `<>` for nothing.
    Word(&'a str),
}

/// A node, and what its fields hold.
#[derive(Debug, PartialEq, Eq)]
pub struct Node<'a> {
    /// What it is: `FUNCEXPR`.
    pub tag: &'a str,
    fields: Vec<(&'a str, Vec<Item<'a>>)>,
}

impl<'a> Node<'a> {
    /// The word a field holds.
    pub fn word(&self, field: &str) -> Option<&'a str> {
        match self.field(field) {
            [Item::Word(word), ..] => Some(word),
            _ => None,
        }
    }

    /// The nodes in a field, or in a list in it.
    pub fn nodes(&self, field: &str) -> Vec<&Node<'a>> {
        let mut found = Vec::new();
        for item in self.field(field) {
            gather(item, &mut found);
        }
        found
    }

    /// Every node right below, with the name of the field it is in.
    pub fn children(&self) -> Vec<(&'a str, &Node<'a>)> {
        let mut children = Vec::new();
        for (name, items) in &self.fields {
            let mut found = Vec::new();
            for item in items {
                gather(item, &mut found);
            }
            children.extend(found.into_iter().map(|node| (*name, node)));
        }
        children
    }

    /// Whether this node, or one below, is such a one.
    pub fn any(&self, is_one: &impl Fn(&Self) -> bool) -> bool {
        is_one(self) || self.children().iter().any(|(_, child)| child.any(is_one))
    }

    fn field(&self, name: &str) -> &[Item<'a>] {
        let found = self.fields.iter().find(|(field, _)| *field == name);
        found.map_or(&[], |(_, items)| items)
    }

    fn put(&mut self, item: Item<'a>) {
        match self.fields.last_mut() {
            Some((_, items)) => items.push(item),
            // A value that is written without the names of fields.
            None => self.fields.push(("", vec![item])),
        }
    }
}

fn gather<'t, 'a>(item: &'t Item<'a>, found: &mut Vec<&'t Node<'a>>) {
    match item {
        Item::Node(node) => found.push(node),
        Item::List(items) => items.iter().for_each(|item| gather(item, found)),
        Item::Word(_) => {}
    }
}

/// What is open while reading.
enum Open<'a> {
    Node(Node<'a>),
    List(Vec<Item<'a>>),
}

/// Reads a tree. The error says what is wrong with it.
pub fn parse(text: &str) -> Result<Node<'_>, &'static str> {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut words = Words(text);
    while let Some(word) = words.next() {
        if open.len() > DEPTH {
            return Err("it is nested too deeply");
        }
        let item = match word {
            "{" => {
                let tag = words.next().ok_or("it ends within a node")?;
                open.push(Open::Node(Node {
                    tag,
                    fields: Vec::new(),
                }));
                continue;
            }
            "(" => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            "}" => match open.pop() {
                Some(Open::Node(node)) if open.is_empty() => {
                    return match words.next() {
                        None => Ok(node),
                        Some(_) => Err("something follows it"),
                    };
                }
                Some(Open::Node(node)) => Item::Node(node),
                _ => return Err("a node ends that did not begin"),
            },
            ")" => match open.pop() {
                Some(Open::List(items)) => Item::List(items),
                _ => return Err("a list ends that did not begin"),
            },
            word => Item::Word(word),
        };
        match (open.last_mut(), item) {
            (Some(Open::Node(node)), Item::Word(word)) if word.starts_with(':') => {
                node.fields.push((&word[1..], Vec::new()));
            }
            (Some(Open::Node(node)), item) => node.put(item),
            (Some(Open::List(items)), item) => items.push(item),
            (None, _) => return Err("it does not begin with a node"),
        }
    }
    Err("it has no end")
}

/// The words of a tree: brackets, and what stands between blanks. A backslash takes the next letter as it is.
struct Words<'a>(&'a str);

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start_matches([' ', '\n', '\t']);
        let first = text.chars().next()?;
        let mut end = first.len_utf8();
        if !"(){}".contains(first) {
            let mut letters = text.char_indices();
            end = loop {
                match letters.next() {
                    None => break text.len(),
                    Some((_, '\\')) => {
                        letters.next();
                    }
                    Some((place, letter)) if " \n\t(){}".contains(letter) => break place,
                    Some(_) => {}
                }
            };
        }
        let (word, rest) = text.split_at(end);
        self.0 = rest;
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nodes_lists_and_escaped_names_are_told_apart() {
        let text = "{QUERY :rtable ({RTE :alias {ALIAS :aliasname odd\\ \\{name\\}} :rtekind 0 :relid 16400}) :ids (o 1 2) :where <>}";
        let tree = parse(text).expect("is a tree");
        assert_eq!(tree.tag, "QUERY");
        assert_eq!(tree.word("where"), Some("<>"));
        let entries = tree.nodes("rtable");
        assert_eq!(entries[0].word("relid"), Some("16400"));
        assert_eq!(
            entries[0].nodes("alias")[0].word("aliasname"),
            Some("odd\\ \\{name\\}")
        );
        assert!(tree.any(&|node| node.tag == "ALIAS"));
        assert!(!tree.any(&|node| node.tag == "VAR"));
    }

    #[test]
    fn what_is_no_tree_is_said_so() {
        for (text, what) in [
            ("", "it has no end"),
            ("word", "it does not begin with a node"),
            ("{A :b (c}", "a node ends that did not begin"),
            ("{A :b c)", "a list ends that did not begin"),
            ("{A} {B}", "something follows it"),
            ("{", "it ends within a node"),
        ] {
            assert_eq!(parse(text).expect_err("is refused"), what, "{text}");
        }
        let deep = "{A :b ".repeat(DEPTH + 2);
        assert_eq!(
            parse(&deep).expect_err("is refused"),
            "it is nested too deeply"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[{}():\\\\ a-zé<>0-9]{0,80}") {
            let _ = parse(&text);
        }
    }
}
