//! Code for a page, its parts marked when the book is made.

use super::html::push_text;
use crate::highlight::{self, TokenKind};
use std::collections::{BTreeSet, HashMap};
use std::thread;

/// The class of the `pre` that holds code to read.
pub const CODE: &str = "tutor-code";
/// How a block of code to read begins.
pub const CODE_OPENS: &str = "<pre class=\"tutor-code\"><code class=\"nohighlight\">";
/// How it ends.
pub const CODE_CLOSES: &str = "</code></pre>";
/// The class of the `pre` that holds a command to type.
pub const COMMAND: &str = "tutor-command";

/// The code of a whole book, taken apart once and on all processors: nearly all of the time that
/// making a book takes goes there.
#[derive(Debug, Default)]
pub struct Codes<'c> {
    /// By language and code.
    html: HashMap<(&'c str, &'c str), String>,
}

impl<'c> Codes<'c> {
    /// These pieces of code, each with its language first.
    pub fn of(codes: impl Iterator<Item = (&'c str, &'c str)>) -> Codes<'c> {
        let codes: Vec<_> = codes.collect::<BTreeSet<_>>().into_iter().collect();
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let part = |first: usize| {
            let mine = codes.iter().skip(first).step_by(threads);
            mine.map(|(language, code)| ((*language, *code), marked(language, code)))
                .collect::<Vec<_>>()
        };
        let html = thread::scope(|scope| {
            let parts: Vec<_> = (0..threads)
                .filter_map(|first| {
                    let thread = thread::Builder::new();
                    thread.spawn_scoped(scope, move || part(first)).ok()
                })
                .collect();
            // Code that was left undone, for want of a thread say, is marked when it is asked for.
            let done = parts.into_iter().filter_map(|part| part.join().ok());
            done.flatten().collect()
        });
        Codes { html }
    }

    /// A block of code. mdBook adds a button that copies it; its own highlighter leaves it alone.
    pub fn block(&self, class: &str, language: &str, code: &str) -> String {
        let known = self.html.get(&(language, code));
        let marked = known.map_or_else(|| marked(language, code), String::clone);
        format!("<pre class=\"{class}\"><code class=\"nohighlight\">{marked}</code></pre>")
    }
}

/// Code with its parts marked.
fn marked(language: &str, code: &str) -> String {
    let mut html = String::with_capacity(2 * code.len());
    for (number, line) in highlight::lines(language, code).iter().enumerate() {
        if number > 0 {
            // After an empty line a reference, so that no line of the page is blank.
            let blank = html.is_empty() || html.ends_with('\n');
            html.push_str(if blank { "&#10;" } else { "\n" });
        }
        for (kind, piece) in line {
            push_piece(*kind, piece, &mut html);
        }
    }
    html
}

fn push_piece(kind: TokenKind, piece: &str, html: &mut String) {
    let Some(class) = class(kind) else {
        push_text(piece, html);
        return;
    };
    html.push_str("<span class=\"");
    html.push_str(class);
    html.push_str("\">");
    push_text(piece, html);
    html.push_str("</span>");
}

fn class(kind: TokenKind) -> Option<&'static str> {
    match kind {
        TokenKind::Plain => None,
        TokenKind::Comment => Some("tk-comment"),
        TokenKind::Literal => Some("tk-literal"),
        TokenKind::Constant => Some("tk-constant"),
        TokenKind::Keyword => Some("tk-keyword"),
        TokenKind::Type => Some("tk-type"),
        TokenKind::Function => Some("tk-function"),
        TokenKind::Preprocessor => Some("tk-preprocessor"),
        TokenKind::Variable => Some("tk-variable"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn parts_of_c_get_their_class() {
        assert_snapshot!(Codes::default().block(CODE, "c", "int x = 1; // a < b\n"), @r#"<pre class="tutor-code"><code class="nohighlight"><span class="tk-type">int</span> x = <span class="tk-constant">1</span>; <span class="tk-comment">// a &lt; b</span></code></pre>"#);
    }

    #[test]
    fn code_that_was_taken_apart_before_is_the_same() {
        let codes = [
            ("c", "int x;\n"),
            ("sh", "echo"),
            ("c", "int x;\n"),
            ("", ""),
        ];
        let known = Codes::of(codes.into_iter());
        assert_eq!(known.html.len(), 3);
        for (language, code) in codes {
            let block = |codes: &Codes<'_>| codes.block(CODE, language, code);
            assert_eq!(block(&known), block(&Codes::default()));
        }
    }

    #[test]
    fn no_line_is_blank() {
        assert_eq!(
            Codes::default().block(CODE, "", "a\n\n\n\n  b\n"),
            "<pre class=\"tutor-code\"><code class=\"nohighlight\">a\n&#10;\n&#10;  b</code></pre>"
        );
    }
}
