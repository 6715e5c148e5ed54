//! Keys of `course.toml`, as they are read, and how to mend a wrong one.

use crate::diagnostic::nearest;
use std::borrow::Cow;
use toml::Spanned;
use toml::de::DeValue;

pub(super) type Key<'a> = Spanned<Cow<'a, str>>;
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

pub(super) fn key_help(key: &str, keys: &[&str]) -> String {
    match nearest(key, keys.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the keys are {}", quoted(keys)),
    }
}

pub(super) fn quoted(keys: &[&str]) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    quoted.join(", ")
}
