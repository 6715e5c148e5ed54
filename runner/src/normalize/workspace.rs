//! The folder that steps run in.

use super::Mask;
use std::borrow::Cow;
use std::path::Path;

/// The name of this mask, which always applies.
pub(super) const NAME: &str = "workspace";

/// Hides the path of the folder that steps run in; what follows it stays.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Empty if there is nothing that could be hidden.
    path: String,
}

impl Workspace {
    /// The mask for this folder. The root folder cannot be told from any path, so it stays, and
    /// so does a relative path.
    pub fn at(path: &Path) -> Workspace {
        if !path.is_absolute() {
            return Workspace {
                path: String::new(),
            };
        }
        let path = path.to_string_lossy();
        Workspace {
            path: path.trim_end_matches('/').to_owned(),
        }
    }
}

impl Mask for Workspace {
    fn name(&self) -> &'static str {
        NAME
    }

    fn token(&self) -> &'static str {
        "[WORKSPACE]"
    }

    fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
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
                self.token()
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
    use super::super::tests::masked;
    use super::*;
    use insta::assert_snapshot;

    fn hidden(path: &str, text: &str) -> String {
        masked(&Workspace::at(Path::new(path)), text)
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
