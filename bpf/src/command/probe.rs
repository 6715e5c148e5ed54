//! `tutor bpf probe`: which kernel features work here, found out by trying.

use std::io::{self, Write};

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::console::Console;
use super::verdict::{CommandResult, CommandVerdict};
use crate::probe::{Feature, KernelAnswer, Refusal, Success, probe};

/// The arguments of `tutor bpf probe`.
#[derive(Debug, Clone, Default, Args, Deserialize, Serialize)]
pub struct ProbeArgs {
    /// The features to try; all of them when none is named
    #[arg(value_name = "NAME", value_enum)]
    pub names: Vec<Feature>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(args: &ProbeArgs, console: &mut Console<'_>) -> CommandResult {
    let features = match args.names.as_slice() {
        [] => Feature::ALL,
        names => names,
    };
    let results: Vec<ProbeResult> = features.iter().copied().map(ProbeResult::now).collect();
    if args.json {
        console.json(as_json(&results))?;
    } else if let [only] = args.names.as_slice() {
        debug_assert_eq!(results[0].feature, *only);
        writeln!(console.out, "{}", results[0].sentence())?;
        if let Err(refusal) = &results[0].result {
            writeln!(console.out, "help: {}", refusal.remedy())?;
        }
    } else {
        write_table(&results, console.out)?;
    }
    let refused = results.iter().any(|tried| tried.result.is_err());
    Ok(if refused && !args.names.is_empty() {
        CommandVerdict::Refused
    } else {
        CommandVerdict::Works
    })
}

struct ProbeResult {
    feature: Feature,
    result: Result<Success, Refusal>,
}

impl ProbeResult {
    fn now(feature: Feature) -> Self {
        Self {
            feature,
            result: probe(feature),
        }
    }

    fn sentence(&self) -> String {
        match &self.result {
            Ok(finding) => finding.to_string(),
            Err(refusal) => refusal.to_string(),
        }
    }
}

fn write_table(results: &[ProbeResult], out: &mut dyn Write) -> io::Result<()> {
    let names = results.iter().map(|tried| tried.feature.name().len());
    let width = names.max().unwrap_or_default();
    for tried in results {
        let verdict = if tried.result.is_ok() { "yes" } else { "no" };
        let sentence = tried.sentence();
        writeln!(out, "{:width$}  {verdict:3}  {sentence}", tried.feature)?;
        if let Err(refusal) = &tried.result {
            writeln!(out, "{:width$}       help: {}", "", refusal.remedy())?;
        }
    }
    Ok(())
}

fn as_json(results: &[ProbeResult]) -> Value {
    let features: Vec<Value> = results.iter().map(feature_json).collect();
    json!({ "features": features })
}

fn feature_json(tried: &ProbeResult) -> Value {
    let name = tried.feature.name();
    match &tried.result {
        Ok(finding) => json!({ "name": name, "works": true, "found": finding.to_string() }),
        Err(refusal) => json!({
            "name": name,
            "works": false,
            "tried": refusal.attempt(),
            "errno": errno_name(refusal.answer()),
            "answer": refusal.answer().to_string(),
            "reason": refusal.reason().to_string(),
            "besides": refusal.obstacle().map(ToString::to_string),
            "remedy": refusal.remedy(),
            "libbpf": refusal.heard(),
        }),
    }
}

fn errno_name(answer: &KernelAnswer) -> Option<String> {
    match answer {
        KernelAnswer::Errno(errno) => Some(errno.name()),
        KernelAnswer::Words(_) => None,
    }
}

/// So `--help`, completion and suggestions know the names.
impl ValueEnum for Feature {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.summary()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::tests::{output, parsed};

    #[test]
    fn a_misspelt_name_is_answered_with_the_nearest_one() {
        let error = parsed("probe kprob").unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("'kprobe'"), "{error}");
    }

    #[test]
    fn one_name_gets_one_line_and_where_it_is_refused_one_of_help() {
        let (verdict, text) = output("probe kprobe");
        let refused = verdict == CommandVerdict::Refused;
        assert_eq!(text.starts_with("cannot "), refused);
        let helps = text.lines().skip(1).map(|line| line.starts_with("help: "));
        assert_eq!(helps.collect::<Vec<_>>(), vec![true; usize::from(refused)]);
    }

    #[test]
    fn what_works_is_said_without_numbers_that_could_pass_for_a_version() {
        for feature in Feature::ALL {
            if let Ok(finding) = probe(*feature) {
                let finding = finding.to_string();
                assert!(!finding.contains(|c: char| c.is_ascii_digit()), "{finding}");
            }
        }
    }

    #[test]
    fn no_name_lists_every_feature_and_is_no_failure() {
        let (verdict, text) = output("probe");
        assert_eq!(verdict, CommandVerdict::Works);
        let named = |feature: Feature| {
            let start = format!("{feature} ");
            text.lines().any(|line| line.starts_with(&start))
        };
        assert!(Feature::ALL.iter().copied().all(named), "{text}");
    }

    #[test]
    fn json_says_its_format_and_the_same_verdict() {
        let (verdict, text) = output("probe kprobe --json");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["format"], 1);
        assert_eq!(value["features"][0]["name"], "kprobe");
        assert_eq!(
            value["features"][0]["works"],
            verdict == CommandVerdict::Works
        );
    }
}
