//! Where a link of a lesson leads, as far as its text says.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To another host or program: it has a scheme, or begins with `//`.
    Elsewhere,
    /// Out of the course's folder.
    Outside,
    /// Into the course.
    Inside {
        /// The file, by its path below the course root; the page itself where the link names none.
        path: PathBuf,
        /// The part of it, without `#`.
        anchor: Option<String>,
    },
}

impl Destination {
    /// Where `url` leads from the file at `from`, a path below the course root.
    pub fn of(from: &Path, url: &str) -> Destination {
        if has_scheme(url) || url.starts_with("//") {
            return Destination::Elsewhere;
        }
        let (target, anchor) = match url.split_once('#') {
            Some((target, anchor)) => (target, Some(decoded(anchor).into_owned())),
            None => (url, None),
        };
        let target = decoded(target.split('?').next().unwrap_or_default());
        let path = match target.is_empty() {
            true => Some(from.to_owned()),
            false => below_root(from, &target),
        };
        match path {
            Some(path) => Destination::Inside { path, anchor },
            None => Destination::Outside,
        }
    }
}

/// True for `https:` and the like.
fn has_scheme(url: &str) -> bool {
    let scheme = url.split(['/', '#', '?']).next().unwrap_or_default();
    scheme.contains(':')
}

/// The path below the course root of what a file there calls `relative`; none outside of it.
pub fn below_root(from: &Path, relative: &str) -> Option<PathBuf> {
    let mut path = from.parent().unwrap_or(Path::new("")).to_owned();
    for component in Path::new(relative).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir if path.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

/// The text with `%20` and the like as the characters that they stand for. What is no text then is a
/// name as it is written.
fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text)
        .decode_utf8()
        .unwrap_or(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads(url: &str) -> String {
        match Destination::of(Path::new("lessons/lesson-1.md"), url) {
            Destination::Elsewhere => "elsewhere".to_owned(),
            Destination::Outside => "outside".to_owned(),
            Destination::Inside { path, anchor } => {
                let anchor = anchor.map(|anchor| format!(", {anchor}"));
                format!("{}{}", path.display(), anchor.unwrap_or_default())
            }
        }
    }

    #[test]
    fn a_path_stays_below_the_root() {
        assert_eq!(leads("lesson-2.md"), "lessons/lesson-2.md");
        assert_eq!(leads("../bpf/./a.c"), "bpf/a.c");
        assert_eq!(leads("../../etc/passwd"), "outside");
        assert_eq!(leads("/etc/passwd"), "outside");
    }

    #[test]
    fn a_scheme_is_told_from_a_path() {
        assert_eq!(leads("https://docs.kernel.org"), "elsewhere");
        assert_eq!(leads("mailto:a@b"), "elsewhere");
        assert_eq!(leads("//docs.kernel.org/a"), "elsewhere");
        assert_eq!(leads("../bpf/a.c"), "bpf/a.c");
        assert_eq!(leads("a.md#b:c"), "lessons/a.md, b:c");
    }

    #[test]
    fn an_anchor_alone_is_one_of_the_page_itself() {
        assert_eq!(leads("#why"), "lessons/lesson-1.md, why");
        assert_eq!(leads("lesson-2.md?raw=1#why"), "lessons/lesson-2.md, why");
    }

    #[test]
    fn what_is_percent_encoded_is_read() {
        assert_eq!(leads("a%20b.md#%e6%98%A0"), "lessons/a b.md, 映");
        assert_eq!(leads("100%.md#%ff"), "lessons/100%.md, %ff");
        assert_eq!(leads("%+1%"), "lessons/%+1%");
    }
}
