//! A short way to read the metadata that `tutor` or cargo-insta wrote.
//!
//! A YAML reader takes several times as long as reading the file does, and a run reads a
//! snapshot for each of its steps. Whatever does not look exactly as written by us is left to it.

use super::form::{Info, Metadata};
use super::{Environment, yaml};

/// The metadata, if every line of it is one that [`super::form`] writes.
pub(super) fn metadata(header: &str) -> Option<Metadata> {
    let mut lines = header.lines().peekable();
    let expression = value(lines.next()?, "", "expression")?;
    if lines.next()? != "info:" {
        return None;
    }
    let exit = lines.next()?.strip_prefix("  exit: ")?;
    let exit = match yaml::number_or_text(exit) == exit {
        true => exit.to_owned(),
        false => scalar(exit)?,
    };
    let mut info = Info {
        exit: Some(exit),
        ..Info::default()
    };
    if let Some(line) = lines.next_if(|line| line.starts_with("  recorded: ")) {
        info.recorded = Some(value(line, "  ", "recorded")?);
    }
    if let Some(line) = lines.next() {
        if line != "  environment:" {
            return None;
        }
        info.environment = Some(environment(lines)?);
    }
    Some(Metadata {
        expression: Some(expression),
        info: Some(info),
    })
}

/// The facets, if there are any and none stands there twice; else the YAML reader decides.
fn environment<'t>(lines: impl Iterator<Item = &'t str>) -> Option<Environment> {
    let mut environment = Environment::new();
    for line in lines {
        let (facet, value) = line.strip_prefix("    ")?.split_once(": ")?;
        if yaml::text(facet) != facet {
            return None;
        }
        let earlier = environment.insert(facet.to_owned(), scalar(value)?);
        if earlier.is_some() {
            return None;
        }
    }
    (!environment.is_empty()).then_some(environment)
}

fn value(line: &str, indent: &str, key: &str) -> Option<String> {
    let rest = line.strip_prefix(indent)?.strip_prefix(key)?;
    scalar(rest.strip_prefix(": ")?)
}

/// A plain or a quoted string. What we quote is quoted as in JSON.
fn scalar(value: &str) -> Option<String> {
    if value.starts_with('"') {
        return serde_json::from_str(value).ok();
    }
    (yaml::text(value) == value).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_we_write_takes_the_short_way() {
        let header = "expression: \"a\\nb\"\ninfo:\n  exit: 0\n  recorded: 2026-11-23\n  \
            environment:\n    clang: \"14\"\n";
        assert!(metadata(header).is_some());
        assert!(metadata("expression: x # y\ninfo:\n  exit: 0\n  recorded: a\n").is_none());
        assert!(metadata("source: x\nexpression: x\n").is_none());
    }

    fn header() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            Just("expression: x"),
            Just("expression: \"a\\n\\u0041\""),
            Just("info:"),
            Just("  exit: 1"),
            Just("  exit: 0x1"),
            Just("  exit: \"1\""),
            Just("  recorded: 2026-11-23"),
            Just("  recorded: ~"),
            Just("  environment:"),
            Just("  environment: {}"),
            Just("    clang: \"14\""),
            Just("    clang: 14"),
            Just("    kernel: a b  "),
            Just("    kernel: a # b"),
            Just("    kernel: \"a\" # b"),
            Just("    kernel: 'a'"),
            Just(""),
        ];
        proptest::collection::vec(line, 0..8).prop_map(|lines| lines.join("\n") + "\n")
    }

    proptest! {
        #[test]
        fn the_short_way_says_what_the_long_one_says(tail in header(), whole: bool) {
            let start = "expression: x\ninfo:\n  exit: 0\n";
            let header = if whole { tail } else { format!("{start}{tail}") };
            if let Some(metadata) = metadata(&header) {
                let long: Metadata = serde_saphyr::from_str(&header).expect("it is YAML");
                prop_assert_eq!(metadata, long);
            }
        }
    }
}
