//! Code for a page, its parts marked when the book is made.

use super::html::push_text;
use crate::highlight::{self, Kind};

/// The class of the `pre` that holds code to read.
pub const CODE: &str = "tutor-code";
/// The class of the `pre` that holds a command to type.
pub const COMMAND: &str = "tutor-command";

/// A block of code. mdBook adds a button that copies it; its own highlighter leaves it alone.
pub fn block(class: &str, language: &str, code: &str) -> String {
    let mut html = format!("<pre class=\"{class}\"><code class=\"nohighlight\">");
    for (number, line) in highlight::lines(language, code).iter().enumerate() {
        if number > 0 {
            // After an empty line a reference, so that no line of the page is blank.
            html.push_str(if html.ends_with('\n') { "&#10;" } else { "\n" });
        }
        for (kind, piece) in line {
            push_piece(*kind, piece, &mut html);
        }
    }
    html.push_str("</code></pre>");
    html
}

fn push_piece(kind: Kind, piece: &str, html: &mut String) {
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

fn class(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Plain => None,
        Kind::Comment => Some("tk-comment"),
        Kind::Literal => Some("tk-literal"),
        Kind::Constant => Some("tk-constant"),
        Kind::Keyword => Some("tk-keyword"),
        Kind::Type => Some("tk-type"),
        Kind::Function => Some("tk-function"),
        Kind::Preprocessor => Some("tk-preprocessor"),
        Kind::Variable => Some("tk-variable"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn parts_of_c_get_their_class() {
        assert_snapshot!(block(CODE, "c", "int x = 1; // a < b\n"), @r#"<pre class="tutor-code"><code class="nohighlight"><span class="tk-type">int</span> x = <span class="tk-constant">1</span>; <span class="tk-comment">// a &lt; b</span></code></pre>"#);
    }

    #[test]
    fn no_line_is_blank() {
        assert_eq!(
            block(CODE, "", "a\n\n\n\n  b\n"),
            "<pre class=\"tutor-code\"><code class=\"nohighlight\">a\n&#10;\n&#10;  b</code></pre>"
        );
    }
}
