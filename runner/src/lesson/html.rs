//! Which HTML and which addresses a lesson may have: a small set that prose needs. What is not in it is
//! shown as text, so that no page runs, fetches or frames anything, or looks like a part of the book.
//!
//! A list of our own and not a library that cleans HTML: those take a whole document apart and put it
//! together again, while here a tag may open in one paragraph and close in another.

use crate::visible::is_hidden;
use regex::{Captures, Match, Regex};
use std::ops::Range;
use std::sync::LazyLock;

/// A construct that is not allowed in some HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where it stands.
    pub span: Range<usize>,
    /// Its name: `` `<script>` ``.
    pub what: String,
}

/// The tags that may stand in a lesson, and their attributes.
const TAGS: [(&str, &[&str]); 42] = [
    ("a", &["href", "title", "id", "name"]),
    ("abbr", &["title"]),
    ("b", &[]),
    ("blockquote", &[]),
    ("br", &[]),
    ("caption", &[]),
    ("cite", &[]),
    ("code", &[]),
    ("dd", &[]),
    ("del", &[]),
    ("details", &["open", "id"]),
    ("dfn", &[]),
    ("dl", &[]),
    ("dt", &[]),
    ("em", &[]),
    ("hr", &[]),
    ("i", &[]),
    ("img", &["src", "alt", "title", "width", "height"]),
    ("ins", &[]),
    ("kbd", &[]),
    ("li", &[]),
    ("mark", &[]),
    ("ol", &[]),
    ("p", &[]),
    ("q", &[]),
    ("s", &[]),
    ("small", &[]),
    ("strong", &[]),
    ("sub", &[]),
    ("summary", &[]),
    ("sup", &[]),
    ("table", &[]),
    ("tbody", &[]),
    ("td", &["align", "colspan", "rowspan"]),
    ("tfoot", &[]),
    ("th", &["align", "colspan", "rowspan"]),
    ("thead", &[]),
    ("tr", &[]),
    ("u", &[]),
    ("ul", &[]),
    ("var", &[]),
    ("wbr", &[]),
];

/// The prefixes of ids that the book itself gives: a link from a sentence leads to its check and
/// nowhere else.
const TAKEN: [&str; 5] = ["check-", "predict-", "step-", "tutor-", "mdbook-"];

/// The prefixes of ids that hints and solutions alone have, which `<details>` are.
const OF_DETAILS: [&str; 2] = ["hint-", "solution-"];

/// One tag, its values in quotes.
static TAG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"^<(/?)([A-Za-z][A-Za-z0-9]*)((?:\s+[A-Za-z-]+(?:\s*=\s*(?:"[^"<>]*"|'[^'<>]*'))?)*)\s*/?>"#).ok()
});
/// One attribute of such a tag.
static ATTRIBUTE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"([A-Za-z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'))?"#).ok());

/// The HTML without its comments, if all of it is allowed; else the first that is not.
pub fn allowed(html: &str) -> Result<String, Refused> {
    let mut kept = String::with_capacity(html.len());
    let mut at = 0;
    while let Some(open) = html[at..].find('<').map(|open| at + open) {
        kept.push_str(&html[at..open]);
        let rest = &html[open..];
        if rest.starts_with("<!--") {
            let Some(end) = rest.find("-->") else {
                return Err(refused(html, open, "a comment that does not end"));
            };
            at = open + end + "-->".len();
            continue;
        }
        let length = tag(rest).map_err(|what| refused(html, open, &what))?;
        kept.push_str(&rest[..length]);
        at = open + length;
    }
    kept.push_str(&html[at..]);
    Ok(kept)
}

/// An address in HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HtmlAddress {
    /// Where it leads.
    pub url: String,
    /// True for that of an image.
    pub image: bool,
    /// Where it stands, without its quotes.
    pub span: Range<usize>,
    /// The HTML that is not there without it, a whole image or an attribute.
    pub carrier: Range<usize>,
    /// The words that stand for an image; none for a link, whose words stand between its tags.
    pub words: String,
}

/// The addresses in HTML that is allowed; what is not is shown as text, and leads nowhere.
pub fn addresses(html: &str) -> Vec<HtmlAddress> {
    let mut found = Vec::new();
    if allowed(html).is_err() {
        return found;
    }
    let mut at = 0;
    while let Some(open) = html[at..].find('<').map(|open| at + open) {
        let rest = &html[open..];
        at = match rest.starts_with("<!--") {
            true => open + rest.find("-->").unwrap_or(rest.len()),
            false => open + rest.find('>').unwrap_or(rest.len()),
        };
        if rest.starts_with("<!--") {
            continue;
        }
        let tag = &html[open..at];
        let given = ATTRIBUTE.iter().flat_map(|one| one.captures_iter(tag));
        let given: Vec<Captures<'_>> = given.collect();
        let value = |key: &str| {
            let is_it = |one: &&Captures<'_>| one[1].eq_ignore_ascii_case(key);
            let one = given.iter().find(is_it)?;
            Some((one, one.get(2).or(one.get(3))?))
        };
        let place = |range: Range<usize>| open + range.start..open + range.end;
        let url = |found: &Match<'_>| found.as_str().replace("&amp;", "&");
        if let Some((_, src)) = value("src") {
            found.push(HtmlAddress {
                url: url(&src),
                image: true,
                span: place(src.range()),
                carrier: open..html.len().min(at + 1),
                words: value("alt").map_or_else(String::new, |(_, alt)| as_words(alt.as_str())),
            });
        }
        if let Some((attribute, href)) = value("href") {
            let start = tag[..attribute.get_match().start()].trim_end().len();
            found.push(HtmlAddress {
                url: url(&href),
                image: false,
                span: place(href.range()),
                carrier: place(start..attribute.get_match().end()),
                words: String::new(),
            });
        }
    }
    found
}

/// The value of an attribute as words that are the same in HTML and in Markdown.
fn as_words(value: &str) -> String {
    let mut words = String::new();
    let mut is_entity = false;
    for c in value.trim().chars() {
        is_entity = c == '&' || is_entity && (c == '#' || c.is_ascii_alphanumeric());
        match c.is_ascii_punctuation() && !is_entity && c != ';' {
            true => words.push_str(&format!("&#{};", u32::from(c))),
            false => words.push(c),
        }
    }
    words
}

fn refused(html: &str, open: usize, what: &str) -> Refused {
    let rest = &html[open..];
    let end = rest.find(['>', '\n']).map_or(rest.len(), |end| end + 1);
    Refused {
        span: open..open + rest[..end].trim_end().len(),
        what: what.to_owned(),
    }
}

/// How long the tag is that a text begins with, or what of it is not allowed.
fn tag(text: &str) -> Result<usize, String> {
    let found = TAG.as_ref().and_then(|tag| tag.captures(text));
    let Some(found) = found else {
        let name = text[1..].trim_start_matches('/');
        let name: String = name
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        let is_known = TAGS
            .iter()
            .any(|(known, _)| name.eq_ignore_ascii_case(known));
        return Err(match (is_known, name.is_empty()) {
            (true, _) => format!("`<{name}>` with a value that has no quotes"),
            (false, false) => format!("`<{name}>`"),
            (false, true) => "`<` without a tag".to_owned(),
        });
    };
    let name = found[2].to_ascii_lowercase();
    let Some((_, attributes)) = TAGS.iter().find(|(known, _)| *known == name) else {
        return Err(format!("`<{name}>`"));
    };
    let given = ATTRIBUTE
        .iter()
        .flat_map(|one| one.captures_iter(&found[3]));
    for one in given {
        let key = one[1].to_ascii_lowercase();
        let value = one.get(2).or(one.get(3)).map_or("", |value| value.as_str());
        if !attributes.contains(&key.as_str()) || found[1].starts_with('/') {
            return Err(format!("`{key}` of `<{name}>`"));
        }
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_good = match key.as_str() {
            "href" => is_plain_value(value) && is_address(value),
            "src" => is_plain_value(value) && is_image(value),
            "id" | "name" => {
                let of_others = match name.as_str() {
                    "details" => &[][..],
                    _ => &OF_DETAILS[..],
                };
                let mut taken = TAKEN.iter().chain(of_others);
                let is_taken = taken.any(|taken| value.starts_with(taken));
                !value.is_empty() && value.chars().all(is_name) && !is_taken
            }
            "open" => matches!(value, "" | "open"),
            "align" => matches!(value, "left" | "right" | "center"),
            "width" | "height" | "colspan" | "rowspan" => {
                !value.is_empty() && value.len() < 5 && value.bytes().all(|b| b.is_ascii_digit())
            }
            _ => true,
        };
        if !is_good {
            return Err(format!("this `{key}` of `<{name}>`"));
        }
    }
    Ok(found[0].len())
}

/// True if no character of an address is written by its name or number.
fn is_plain_value(value: &str) -> bool {
    !value.replace("&amp;", "").contains('&')
}

/// True for an address that a link may have: of a page or file beside this one, or with a scheme that
/// opens a page and runs nothing.
pub fn is_address(url: &str) -> bool {
    match scheme(&bare(url)) {
        Some(scheme) => matches!(scheme, "http" | "https" | "mailto"),
        None => true,
    }
}

/// True for the address of an image beside the page.
pub fn is_image(url: &str) -> bool {
    let bare = bare(url);
    scheme(&bare).is_none() && !bare.starts_with(['/', '\\'])
}

/// An address as browsers read it: they leave out what cannot be seen.
fn bare(url: &str) -> String {
    let seen = |c: &char| !(c.is_control() || c.is_whitespace() || is_hidden(*c));
    url.chars().filter(seen).collect::<String>().to_lowercase()
}

fn scheme(url: &str) -> Option<&str> {
    let start = url.split(['/', '\\', '#', '?']).next().unwrap_or_default();
    start.split_once(':').map(|(scheme, _)| scheme)
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn what_prose_needs_is_allowed_and_comments_go() {
        for html in [
            "<kbd>Ctrl</kbd>-<KBD>C</KBD>",
            "<br/>",
            "<br>",
            "<details open>\n<summary>More</summary>\n",
            "<abbr title='a \"b\"'>",
            "<a href=\"https://docs.kernel.org/?a=1&amp;b\" title=\"x\">",
            "<a href=\"lesson-2.md#why\">",
            "<a id=\"why\"></a>",
            "<img src=\"a/b.png\" alt=\"b > c\" width=\"30\">"
                .replace(" > ", " ")
                .as_str(),
            "<td colspan=\"2\" align=\"right\">",
        ] {
            assert_eq!(allowed(html), Ok(html.to_owned()));
        }
        assert_eq!(allowed("a <!-- <script> --> b").as_deref(), Ok("a  b"));
    }

    #[test]
    fn addresses_are_found_in_tags_and_not_in_comments_or_text() {
        let found = |html: &str| -> String {
            let found = addresses(html);
            let line = |one: &HtmlAddress| {
                assert_eq!(html[one.span.clone()].replace("&amp;", "&"), one.url);
                format!("{}{}", if one.image { "image " } else { "" }, one.url)
            };
            found.iter().map(line).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(
            found("<a\nhref = 'a.md?x&amp;y' title=\"src\"><IMG SRC=\"b.png\"></a> href=\"c\""),
            "a.md?x&y, image b.png"
        );
        assert_eq!(found("<!-- <img src=\"a\"> --><img src=\"b\">"), "image b");
        assert_eq!(found("<img src=\"a\"><script>"), "");
    }

    #[test]
    fn all_else_is_named() {
        let told = |html: &&str| match allowed(html) {
            Ok(_) => format!("{html}: allowed"),
            Err(refused) => format!("{:?}: {}", &html[refused.span], refused.what),
        };
        let lines = [
            "x <script>alert(1)</script>",
            "<img src=\"a.png\" onerror=\"alert(1)\">",
            "<img src=a.png>",
            "<img src=\"https://a.b/c.png\">",
            "<img src=\"//a.b/c.png\">",
            "<base href=\"//a.b/\">",
            "<meta http-equiv=\"refresh\">",
            "<a href=\"javascript:alert(1)\">",
            "<a href=\" JaVa\tScRiPt:alert(1)\">",
            "<a href=\"java&#115;cript:alert(1)\">",
            "<a href=\"javascript&colon;alert(1)\">",
            "<a href=\"data:text/html,x\">",
            "<a href='vbscript:x'>",
            "<b style=\"x\">",
            "<b class=\"tutor-check\">",
            "<svg/onload=alert(1)>",
            "<a/href=\"x\">",
            "</b onclick=\"x\">",
            "<details open=\"x\" ontoggle=\"x\">",
            "<a id=\"x y\">",
            "<a id=\"check-size\">",
            "<!-- no end",
            "<!DOCTYPE html>",
            "<?php ?>",
            "< b>",
        ];
        assert_snapshot!(lines.iter().map(told).collect::<Vec<_>>().join("\n"), @r###"
        "<script>": `<script>`
        "<img src=\"a.png\" onerror=\"alert(1)\">": `onerror` of `<img>`
        "<img src=a.png>": `<img>` with a value that has no quotes
        "<img src=\"https://a.b/c.png\">": this `src` of `<img>`
        "<img src=\"//a.b/c.png\">": this `src` of `<img>`
        "<base href=\"//a.b/\">": `<base>`
        "<meta http-equiv=\"refresh\">": `<meta>`
        "<a href=\"javascript:alert(1)\">": this `href` of `<a>`
        "<a href=\" JaVa\tScRiPt:alert(1)\">": this `href` of `<a>`
        "<a href=\"java&#115;cript:alert(1)\">": this `href` of `<a>`
        "<a href=\"javascript&colon;alert(1)\">": this `href` of `<a>`
        "<a href=\"data:text/html,x\">": this `href` of `<a>`
        "<a href='vbscript:x'>": this `href` of `<a>`
        "<b style=\"x\">": `style` of `<b>`
        "<b class=\"tutor-check\">": `class` of `<b>`
        "<svg/onload=alert(1)>": `<svg>`
        "<a/href=\"x\">": `<a>` with a value that has no quotes
        "</b onclick=\"x\">": `onclick` of `<b>`
        "<details open=\"x\" ontoggle=\"x\">": this `open` of `<details>`
        "<a id=\"x y\">": this `id` of `<a>`
        "<a id=\"check-size\">": this `id` of `<a>`
        "<!-- no end": a comment that does not end
        "<!DOCTYPE html>": `<` without a tag
        "<?php ?>": `<` without a tag
        "< b>": `<` without a tag
        "###);
    }

    #[test]
    fn an_address_runs_nothing() {
        for good in [
            "https://a.b",
            "HTTP://a",
            "mailto:a@b",
            "a.md#b:c",
            "#a",
            "//a.b",
            "../x?y:z",
            "",
        ] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "javascript:x",
            "JAVASCRIPT:x",
            "\u{1}javascript:x",
            "java\nscript:x",
            "java\u{200b}script:x",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:x",
            "x:y",
        ] {
            assert!(!is_address(bad), "{bad:?}");
        }
    }
}
