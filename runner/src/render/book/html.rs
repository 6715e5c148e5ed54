//! Writes HTML that sits in Markdown: whatever a text holds, it stays text, and no line is blank.
//!
//! A blank line ends a block of HTML, and what follows would be read as Markdown.

use crate::visible::visible_text;
use std::fmt::Write;

/// A text as HTML, for content and for attributes in double quotes.
///
/// An invisible character becomes a visible mark. White space at the beginning of a line becomes a
/// character reference, so that no line is blank.
pub fn text(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    push_text(text, &mut html);
    html
}

/// The same, appended; a line begins where `html` ends with none or a newline.
pub fn push_text(text: &str, html: &mut String) {
    for character in visible_text(text).chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            // mdBook's own preprocessors look for it.
            '{' => html.push_str("&#123;"),
            _ if character.is_whitespace() && at_line_start(html) => {
                // Writing to a String cannot fail.
                let _ = write!(html, "&#{};", u32::from(character));
            }
            _ => html.push(character),
        }
    }
}

fn at_line_start(html: &str) -> bool {
    html.is_empty() || html.ends_with('\n')
}

/// A text on one line, for names and sentences.
pub fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    self::text(&words.join(" "))
}

/// A text on one line as Markdown that means just that text.
pub fn markdown(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut markdown = String::with_capacity(text.len() + 8);
    push_markdown(&words.join(" "), true, &mut markdown);
    markdown
}

/// The same, with line ends that stay.
pub fn markdown_lines(text: &str) -> String {
    let mut markdown = String::with_capacity(text.len() + 8);
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            markdown.push('\n');
        }
        push_markdown(line, number > 0, &mut markdown);
    }
    markdown
}

fn push_markdown(text: &str, mut begins: bool, markdown: &mut String) {
    // Where only digits stand before it, a mark can begin a list or another block.
    for character in visible_text(text).chars() {
        if "\\`*_[]<>{}#|~&!$^".contains(character) || (begins && "-+=.):".contains(character)) {
            markdown.push('\\');
        }
        begins &= character.is_ascii_digit() || character == ' ';
        markdown.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn markup_becomes_text() {
        assert_snapshot!(
            text("a < b && c > \"d\" {{#include /etc/passwd}}"),
            @r#"a &lt; b &amp;&amp; c &gt; &quot;d&quot; &#123;&#123;#include /etc/passwd}}"#
        );
    }

    #[test]
    fn no_line_is_blank_or_indented() {
        assert_eq!(text("\na\n\n  b\n\t\nc"), "&#10;a\n&#10;  b\n&#9;\nc");
    }

    #[test]
    fn an_escape_sequence_is_shown() {
        assert_eq!(text("\x1b[31mred\0"), "␛[31mred␀");
    }

    #[test]
    fn a_title_means_itself_in_markdown() {
        assert_snapshot!(markdown("1. [x](y)\n# `*z*`. "), @r"1\. \[x\](y) \# \`\*z\*\`.");
        assert_snapshot!(markdown("- a.b"), @r"\- a.b");
    }
}
