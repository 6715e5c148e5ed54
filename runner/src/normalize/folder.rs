//! Folders whose names change from run to run: the one that steps run in, and their home.

use std::borrow::Cow;
use std::path::Path;

/// The names of the masks that always apply.
pub(super) const NAMES: [&str; 2] = ["workspace", "home"];

/// Hides the path of a folder; what follows it stays.
#[derive(Clone, Debug)]
pub struct Folder {
    token: &'static str,
    /// Empty if there is nothing that could be hidden.
    path: String,
}

impl Folder {
    /// The mask for the folder that steps run in.
    pub fn workspace(path: &Path) -> Folder {
        Folder::at(path, "[WORKSPACE]")
    }

    /// The mask for the steps' home.
    pub fn home(path: &Path) -> Folder {
        Folder::at(path, "[HOME]")
    }

    /// The root folder cannot be told from any path, so it stays, and so does a relative path.
    fn at(path: &Path, token: &'static str) -> Folder {
        let path = match path.is_absolute() {
            true => path.to_string_lossy().trim_end_matches('/').to_owned(),
            false => String::new(),
        };
        Folder { token, path }
    }

    /// How much of a path it hides: of two folders the inner one is hidden first.
    pub(super) fn length(&self) -> usize {
        self.path.len()
    }

    /// Returns the text with the token in place of the path.
    pub(super) fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.path.is_empty() || !text.contains(&self.path) {
            return Cow::Borrowed(text);
        }
        let mut masked = String::with_capacity(text.len());
        let mut pieces = text.split(&self.path);
        masked.extend(pieces.next());
        for piece in pieces {
            masked.push_str(if continues_a_name(piece) {
                &self.path
            } else {
                self.token
            });
            masked.push_str(piece);
        }
        Cow::Owned(masked)
    }
}

/// True if the path before goes on, as in `/tmp/work2` for `/tmp/work`.
fn continues_a_name(rest: &str) -> bool {
    let mut characters = rest.chars();
    match characters.next() {
        Some('.') => characters.next().is_some_and(char::is_alphanumeric),
        Some(next) => next.is_alphanumeric() || matches!(next, '_' | '-' | '~' | '+'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::masked_by;
    use super::*;
    use insta::assert_snapshot;

    fn hidden(path: &str, text: &str) -> String {
        let folder = Folder::workspace(Path::new(path));
        masked_by(&|text| folder.apply(text), text)
    }

    #[test]
    fn the_folder_goes_and_what_follows_stays() {
        assert_snapshot!(hidden("/tmp/w/", "/tmp/w\n/tmp/w/hello.c:3:1: error\nin /tmp/w. And \"/tmp/w\""), @r#"
        [WORKSPACE]
        [WORKSPACE]/hello.c:3:1: error
        in [WORKSPACE]. And "[WORKSPACE]"
        "#);
    }

    #[test]
    fn a_folder_whose_name_only_begins_the_same_stays() {
        let kept = "/tmp/work /tmp/w2/a /tmp/w-x /tmp/w.old";
        assert_eq!(hidden("/tmp/w", kept), kept);
    }

    #[test]
    fn the_root_folder_hides_nothing() {
        assert_eq!(hidden("/", "/a/b"), "/a/b");
    }
}
