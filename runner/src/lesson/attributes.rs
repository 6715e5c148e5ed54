//! Reads what stands after a fence's backticks: a language, then one brace group.
//!
//! It works on the text as it was written, since a Markdown parser unescapes it.

use crate::diagnostic::Findings;
use std::ops::Range;

/// A word of the source: what it says and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Its text, without quotes and escapes.
    pub text: String,
    /// Where it stands, quotes included.
    pub span: Range<usize>,
}

impl Word {
    /// Where a part of the text stands in the source.
    pub fn part(&self, part: Range<usize>) -> Range<usize> {
        let written = self.span.len();
        if written == self.text.len() {
            return self.span.start + part.start..self.span.start + part.end;
        }
        if written == self.text.len() + 2 {
            return self.span.start + 1 + part.start..self.span.start + 1 + part.end;
        }
        // Escapes were taken away, so that places no longer match.
        self.span.clone()
    }
}

/// `key=value`, `key="va lue"` or a lone `key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attribute {
    /// Before the `=`.
    pub key: Word,
    /// After the `=`; none for a flag.
    pub value: Option<Word>,
}

/// The contents of a fence's opening line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InfoString {
    /// No brace group: to be read, never run.
    Plain {
        /// The first word.
        language: Option<Word>,
        /// All that stands behind it.
        rest: Word,
    },
    /// A brace group: the fence does something.
    Active {
        /// The word before the group, empty where it is missing.
        language: Word,
        /// The attributes of the group, in order.
        attributes: Vec<Attribute>,
        /// The group with its braces.
        group: Range<usize>,
    },
}

/// Reads the info string that stands at `span`.
pub(crate) fn read(source: &str, span: Range<usize>, findings: &mut Findings) -> InfoString {
    let mut reader = InfoReader {
        source,
        at: span.start,
        end: span.end,
        findings,
    };
    reader.skip_blanks();
    let language = reader.language();
    reader.skip_blanks();
    if reader.peek() != Some('{') {
        let rest = reader.to_the_end();
        return InfoString::Plain { language, rest };
    }
    let language = language.unwrap_or_else(|| reader.missing_language());
    let start = reader.at;
    let attributes = reader.group();
    let group = start..reader.at;
    reader.skip_blanks();
    reader.nothing_more();
    InfoString::Active {
        language,
        attributes,
        group,
    }
}

struct InfoReader<'a> {
    source: &'a str,
    at: usize,
    end: usize,
    findings: &'a mut Findings,
}

impl InfoReader<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..self.end]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn advance(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.advance();
        }
    }

    fn word(&mut self, ends: impl Fn(char) -> bool) -> Word {
        let start = self.at;
        while self.peek().is_some_and(|c| !ends(c)) {
            self.advance();
        }
        Word {
            text: self.source[start..self.at].to_owned(),
            span: start..self.at,
        }
    }

    fn language(&mut self) -> Option<Word> {
        let word = self.word(|c| c.is_whitespace() || c == '{');
        let written = !word.text.is_empty();
        if written && self.peek() == Some('{') {
            self.findings.error(
                word.span.start..self.at + 1,
                "no blank between the language and the brace group",
                format!(
                    "write `{} {{…}}`, or GitHub takes it all for the language",
                    word.text
                ),
            );
        }
        written.then_some(word)
    }

    fn missing_language(&mut self) -> Word {
        let span = self.at..self.at;
        let after = self.rest().rsplit_once('}').map(|(_, after)| after.trim());
        let help = match after.and_then(|after| after.split_whitespace().next()) {
            Some(language) => format!("write the language first: `{language} {{…}}`"),
            None => "write the language first, as in `sh {id=build}`".to_owned(),
        };
        let message = "the brace group stands before the language";
        self.findings.error(self.at..self.at + 1, message, help);
        Word {
            text: String::new(),
            span,
        }
    }

    fn to_the_end(&self) -> Word {
        let rest = self.rest().trim_end();
        Word {
            text: rest.to_owned(),
            span: self.at..self.at + rest.len(),
        }
    }

    fn group(&mut self) -> Vec<Attribute> {
        let start = self.at;
        self.advance();
        let mut attributes = Vec::new();
        loop {
            self.skip_blanks();
            match self.peek() {
                None => {
                    self.unclosed_group(start);
                    return attributes;
                }
                Some('}') => {
                    self.advance();
                    return attributes;
                }
                Some(_) => attributes.extend(self.attribute()),
            }
        }
    }

    fn unclosed_group(&mut self, start: usize) {
        let end = start + self.source[start..self.end].trim_end().len();
        self.findings.error(
            start..end,
            "the brace group is not closed",
            "end it with `}` on the same line; a value that holds `}` stands in double quotes",
        );
    }

    fn attribute(&mut self) -> Option<Attribute> {
        let key = self.word(|c| c.is_whitespace() || matches!(c, '=' | '}' | '{'));
        let value = match self.peek() {
            Some('=') => {
                self.advance();
                Some(self.value())
            }
            Some('{') if key.text.is_empty() => {
                self.advance();
                let message = "a brace group inside a brace group";
                let help = "keep one `{…}` with all attributes in it";
                self.findings.error(self.at - 1..self.at, message, help);
                return None;
            }
            Some(_) | None => None,
        };
        if key.text.is_empty() {
            let end = value.as_ref().map_or(self.at, |value| value.span.end);
            let message = "a value without a key";
            let help = "write `key=value` without blanks around the `=`";
            self.findings.error(key.span.start..end, message, help);
            return None;
        }
        Some(Attribute { key, value })
    }

    fn value(&mut self) -> Word {
        if self.peek() != Some('"') {
            return self.word(|c| c.is_whitespace() || c == '}');
        }
        let start = self.at;
        self.advance();
        let mut text = String::new();
        loop {
            match self.advance() {
                Some('"') => break,
                Some('\\') => match self.peek() {
                    // As between the shell's double quotes, so that `\d` needs no second stroke.
                    Some(c @ ('"' | '\\')) => {
                        self.advance();
                        text.push(c);
                    }
                    Some(_) | None => text.push('\\'),
                },
                Some(c) => text.push(c),
                None => {
                    self.findings.error(
                        start..self.at,
                        "the quoted value has no closing `\"`",
                        "close it with `\"` on the same line; inside, write `\\\"` for a quote",
                    );
                    break;
                }
            }
        }
        Word {
            text,
            span: start..self.at,
        }
    }

    fn nothing_more(&mut self) {
        let rest = self.rest().trim_end();
        if rest.is_empty() {
            return;
        }
        let span = self.at..self.at + rest.len();
        if rest.starts_with('{') {
            let message = "a second brace group";
            let help = "put all attributes into the first one";
            self.findings.error(span, message, help);
        } else {
            let message = "text after the brace group";
            let help = "end the line after `}`; a value that holds `}` stands in double quotes";
            self.findings.error(span, message, help);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use std::path::Path;

    /// The info string in one line, then one line for each complaint.
    fn parsed(info: &str) -> String {
        let mut findings = Findings::of(Path::new("lesson.md"));
        let mut lines = vec![match read(info, 0..info.len(), &mut findings) {
            InfoString::Plain { language, .. } => format!(
                "plain {}",
                language.map_or_else(String::new, |word| word.text)
            ),
            InfoString::Active {
                language,
                attributes,
                group,
            } => {
                let attributes: Vec<String> = attributes
                    .iter()
                    .map(|Attribute { key, value }| match value {
                        Some(value) => format!("{}→{}", key.text, value.text),
                        None => key.text.clone(),
                    })
                    .collect();
                format!("{} [{}] {:?}", language.text, attributes.join("|"), group)
            }
        }];
        for diagnostic in findings.sorted(info) {
            let marked = &info[diagnostic.span.clone()];
            lines.push(format!(
                "`{marked}` {}; {}",
                diagnostic.message,
                diagnostic.help.unwrap_or_default()
            ));
        }
        lines.join("\n")
    }

    #[test]
    fn a_language_alone_is_plain() {
        assert_snapshot!(parsed(" c"), @"plain c");
        assert_snapshot!(parsed(""), @"plain");
        assert_snapshot!(parsed("rust,ignore title=x"), @"plain rust,ignore");
    }

    #[test]
    fn keys_flags_and_quoted_values_are_read() {
        assert_snapshot!(parsed(r#"sh {id=a background until="line:a \"b\" \d{2}" needs=clang>=14}"#), @r#"sh [id→a|background|until→line:a "b" \d{2}|needs→clang>=14] 3..63"#);
    }

    #[test]
    fn blanks_inside_and_after_the_group_mean_nothing() {
        assert_snapshot!(parsed("sh  { id=a\tbackground } "), @"sh [id→a|background] 4..23");
        assert_snapshot!(parsed("sh {}"), @"sh [] 3..5");
    }

    #[test]
    fn the_language_comes_first() {
        assert_snapshot!(parsed("{id=a} sh"), @"
         [id→a] 0..6
        `{` the brace group stands before the language; write the language first: `sh {…}`
        `sh` text after the brace group; end the line after `}`; a value that holds `}` stands in double quotes
        ");
        assert_snapshot!(parsed("{id=a}"), @"
         [id→a] 0..6
        `{` the brace group stands before the language; write the language first, as in `sh {id=build}`
        ");
        assert_snapshot!(parsed("sh{id=a}"), @"
        sh [id→a] 2..8
        `sh{` no blank between the language and the brace group; write `sh {…}`, or GitHub takes it all for the language
        ");
    }

    #[test]
    fn there_is_one_group_and_nothing_after_it() {
        assert_snapshot!(parsed("sh {id=a} {on=host}"), @"
        sh [id→a] 3..9
        `{on=host}` a second brace group; put all attributes into the first one
        ");
        assert_snapshot!(parsed("sh {id=a} # builds it"), @"
        sh [id→a] 3..9
        `# builds it` text after the brace group; end the line after `}`; a value that holds `}` stands in double quotes
        ");
        assert_snapshot!(parsed("sh {{id=a}}"), @"
        sh [id→a] 3..10
        `{` a brace group inside a brace group; keep one `{…}` with all attributes in it
        `}` text after the brace group; end the line after `}`; a value that holds `}` stands in double quotes
        ");
    }

    #[test]
    fn a_brace_or_quote_that_is_not_closed_is_named() {
        assert_snapshot!(parsed("sh {id=a"), @"
        sh [id→a] 3..8
        `{id=a` the brace group is not closed; end it with `}` on the same line; a value that holds `}` stands in double quotes
        ");
        assert_snapshot!(parsed("sh {id=\"a b}"), @r#"
        sh [id→a b}] 3..12
        `{id="a b}` the brace group is not closed; end it with `}` on the same line; a value that holds `}` stands in double quotes
        `"a b}` the quoted value has no closing `"`; close it with `"` on the same line; inside, write `\"` for a quote
        "#);
    }

    #[test]
    fn blanks_around_the_equals_sign_are_an_error() {
        assert_snapshot!(parsed("sh {id = a}"), @"
        sh [id|a] 3..11
        `=` a value without a key; write `key=value` without blanks around the `=`
        ");
    }
}
