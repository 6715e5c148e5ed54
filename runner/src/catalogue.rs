//! The program's own messages, by key, in the learner's language.
//!
//! `runner/messages/en.ftl` is the reference; another language is one more file. Fluent (its only
//! home is here) brings plural forms.

use crate::visible::visible_text;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use std::borrow::Cow;
use std::sync::LazyLock;
use unic_langid::langid;

pub use fluent_bundle::FluentValue;

const ENGLISH: &str = include_str!("../messages/en.ftl");

static BUNDLE: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| {
    // A line that Fluent cannot read is left out; the test below finds it.
    let resource = FluentResource::try_new(ENGLISH.to_owned()).unwrap_or_else(|(partly, _)| partly);
    let mut bundle = FluentBundle::new_concurrent(vec![langid!("en")]);
    // Isolation marks are invisible characters; terminals and scripts do not want them.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
});

/// Returns the message of that key with its arguments filled in; use [`say!`](crate::say).
///
/// Names, reasons and command lines come from lessons and steps: what is filled in is made safe
/// to show.
pub fn text(key: &str, arguments: &[(&str, FluentValue<'_>)]) -> String {
    let Some(pattern) = BUNDLE.get_message(key).and_then(|message| message.value()) else {
        return key.to_owned();
    };
    let arguments: FluentArgs<'_> = arguments
        .iter()
        .map(|(name, value)| (*name, shown(value)))
        .collect();
    BUNDLE
        .format_pattern(pattern, Some(&arguments), &mut Vec::new())
        .into_owned()
}

fn shown<'v>(value: &FluentValue<'v>) -> FluentValue<'v> {
    match value {
        FluentValue::String(text) => match visible_text(text) {
            Cow::Borrowed(_) => value.clone(),
            Cow::Owned(safe) => FluentValue::String(safe.into()),
        },
        FluentValue::Number(_)
        | FluentValue::Custom(_)
        | FluentValue::None
        | FluentValue::Error => value.clone(),
    }
}

/// Returns a message of the catalogue: `say!("skipped", step = id, count = 3)`.
#[macro_export]
macro_rules! say {
    ($key:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::catalogue::text($key, &[$((stringify!($name), $crate::catalogue::FluentValue::from($value))),*])
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn plural_forms_are_right() {
        assert_eq!(say!("count-passed", count = 1), "1 passed");
        assert_eq!(say!("standing-new", count = 1), "1 step");
        assert_eq!(say!("standing-new", count = 2), "2 steps");
    }

    #[test]
    fn every_message_is_there_once_and_every_one_is_used() {
        let resource = FluentResource::try_new(ENGLISH.to_owned());
        assert!(
            resource.is_ok(),
            "{:?}",
            resource.err().map(|(_, errors)| errors)
        );
        let defined: Vec<&str> = ENGLISH
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
            .filter_map(|line| line.split_once(" =").map(|(key, _)| key))
            .collect();
        let mut used = BTreeSet::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("runner/src");
        collect_keys(&root, &mut used);
        let unique: BTreeSet<String> = defined.iter().map(|key| (*key).to_owned()).collect();
        assert_eq!(unique.len(), defined.len(), "a key stands twice");
        assert_eq!(
            used.difference(&unique).collect::<Vec<_>>(),
            Vec::<&String>::new()
        );
        assert_eq!(
            unique.difference(&used).collect::<Vec<_>>(),
            Vec::<&String>::new()
        );
    }

    #[test]
    fn a_command_to_type_is_in_backticks_and_so_stays_on_one_line() {
        let in_backticks = regex::Regex::new("`[^`]*`").unwrap();
        let command = regex::Regex::new(r"\btutor [a-z]").unwrap();
        let lines = ENGLISH.lines().filter(|line| !line.starts_with('#'));
        let bare = lines.filter(|line| command.is_match(&in_backticks.replace_all(line, "")));
        let prose = |line: &&str| line.contains("tutor cannot take it away");
        assert_eq!(
            bare.filter(|line| !prose(line)).collect::<Vec<_>>(),
            Vec::<&str>::new()
        );
    }

    fn collect_keys(folder: &Path, used: &mut BTreeSet<String>) {
        let call = regex::Regex::new(r#"say!\(\s*"([a-z0-9-]+)""#).unwrap();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect_keys(&path, used);
            } else if path.file_name().is_some_and(|name| name != "catalogue.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                used.extend(call.captures_iter(&text).map(|found| found[1].to_owned()));
            }
        }
    }
}
