//! A command as one types it, taken apart into the words a program gets.
//!
//! Quotes and backslashes mean what they mean to a shell. What only a shell can do is refused and not passed on as
//! a word: no shell will be there.

/// The words of a command; the error says what cannot be one.
pub fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), _) => word.get_or_insert_default().push(letter),
            (Some(_), '\\') => {
                let next = letters.next().ok_or("the quote has no end")?;
                let word = word.get_or_insert_default();
                if !"\"\\$`".contains(next) {
                    word.push('\\');
                }
                word.push(next);
            }
            (None, '\\') => {
                let next = letters
                    .next()
                    .ok_or("there is nothing after the backslash")?;
                word.get_or_insert_default().push(next);
            }
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (_, '$' | '`') | (None, '|' | '&' | ';' | '<' | '>' | '(' | ')') => {
                return Err(needs_shell(letter));
            }
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            (Some(_) | None, _) => word.get_or_insert_default().push(letter),
        }
    }
    if quote.is_some() {
        return Err("the quote has no end".to_owned());
    }
    words.extend(word);
    if words.first().is_none_or(String::is_empty) {
        return Err("there is no program".to_owned());
    }
    Ok(words)
}

fn needs_shell(letter: char) -> String {
    format!("`{letter}` means something to a shell only; quote it with '', or call a script")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_a_shell() {
        for (text, words) in [
            ("op read op://ops/x", &["op", "read", "op://ops/x"][..]),
            ("  pass   show 'my db' ", &["pass", "show", "my db"]),
            (r#"a "b \"c\" \d" e\ f"#, &["a", r#"b "c" \d"#, "e f"]),
            ("a '' \"\"x", &["a", "", "x"]),
            (
                "sh -c 'cat x | head -1 # $y'",
                &["sh", "-c", "cat x | head -1 # $y"],
            ),
        ] {
            assert_eq!(split(text).expect("are words"), words, "{text}");
        }
    }

    #[test]
    fn what_needs_a_shell_or_has_no_end_is_refused() {
        for text in [
            "", " ", "''", "a 'b", "a \"b\\", "a \\", "a | b", "a $B", "a \"$B\"", "a `b`", "a > b",
        ] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
