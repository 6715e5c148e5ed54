//! Whether a sentence of the lesson holds.

use super::verdict::Verdict;
use crate::lesson::answer::{ANSWER_CHARACTERS, COMMAND_MARK};
use crate::lesson::{Check, Expectation, Number};
use crate::snapshot::ending_words;
use crate::transcript::{Ending, Output};
use crate::visible::{exact, visible};

/// The verdict on a check that ran to its end.
pub(super) fn verdict(check: &Check, ending: &Ending, output: &Output) -> Verdict {
    let printed = output.stdout.bytes();
    let mut actual = visible(&printed).trim().to_owned();
    let succeeded = *ending == Ending::Exited(0);
    let mut holds = holds(&check.expect, &actual);
    if let (Expectation::Equals(text), Ok(true)) = (&check.expect, &holds)
        && exact(text.as_bytes()).trim() != exact(&printed).trim()
    {
        // They look the same, so the difference is shown.
        actual = exact(&printed).trim().to_owned();
        holds = Ok(false);
    }
    match holds {
        Ok(true) if succeeded => Verdict::Passed,
        Ok(_) => Verdict::CheckFailed {
            sentence: check.sentence.clone(),
            expected: check.expect.clone(),
            actual,
            ending: (!succeeded).then(|| ending.clone()),
            stderr: visible(&output.stderr.bytes()).trim_end().to_owned(),
        },
        Err(error) => Verdict::Broken {
            message: format!(
                "cannot judge check `{}`: its pattern is no regular expression",
                check.name
            ),
            help: Some(error.to_string()),
        },
    }
}

/// Why what a script printed cannot answer a question; nothing if it can.
pub(super) fn no_answer(check: &Check, ending: &Ending, printed: &str) -> Option<String> {
    let name = &check.name;
    let value = printed.trim();
    let lines = value.lines().count();
    let characters = value.chars().count();
    match &check.expect {
        _ if *ending != Ending::Exited(0) => Some(format!(
            "prediction `{name}` gives no answer: its script ended with {}",
            ended_with(ending)
        )),
        _ if value.is_empty() => Some(format!("prediction `{name}` printed no answer")),
        _ if lines > 1 => Some(format!(
            "prediction `{name}` answers with {lines} lines, and nobody types more than one"
        )),
        _ if characters > ANSWER_CHARACTERS => Some(format!(
            "prediction `{name}` answers with {characters} characters, and nobody types so many"
        )),
        _ if value.starts_with(COMMAND_MARK) => Some(format!(
            "prediction `{name}` answers `{value}`, and what begins with `{COMMAND_MARK}` is a command to `tutor study`"
        )),
        Expectation::Answer(choices)
            if !choices.is_empty() && !choices.iter().any(|choice| choice == value) =>
        {
            Some(format!(
                "prediction `{name}` answers `{value}`, which is none of its choices"
            ))
        }
        Expectation::Answer(_)
        | Expectation::Equals(_)
        | Expectation::Matches(_)
        | Expectation::Range(..) => None,
    }
}

fn ended_with(ending: &Ending) -> String {
    match ending {
        Ending::Exited(status) => format!("exit status {status}"),
        ending => ending_words(ending),
    }
}

fn holds(expectation: &Expectation, actual: &str) -> Result<bool, regex::Error> {
    Ok(match expectation {
        Expectation::Equals(text) => text.trim() == actual,
        Expectation::Matches(pattern) => regex::Regex::new(pattern)?.is_match(actual),
        // It is held against what was accepted, which is not known here.
        Expectation::Answer(_) => true,
        Expectation::Range(low, high) => actual.parse::<Number>().is_ok_and(|number| {
            low.is_none_or(|low| low <= number) && high.is_none_or(|high| number <= high)
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Capture;

    fn judged(expectation: Expectation, actual: &str) -> bool {
        holds(&expectation, actual).expect("a right pattern")
    }

    #[test]
    fn a_text_is_equal_a_pattern_matches_a_number_lies_within() {
        assert!(judged(Expectation::Equals("104".to_owned()), "104"));
        assert!(!judged(Expectation::Equals("104".to_owned()), "1040"));
        assert!(judged(
            Expectation::Matches("^call [0-9]+$".to_owned()),
            "call 6"
        ));
        assert!(!judged(Expectation::Matches("^call$".to_owned()), "call 6"));
        let end = |text: &str| text.parse().ok();
        assert!(!judged(Expectation::Range(end("1"), None), "inf"));
        assert!(judged(Expectation::Range(None, end("-1.5")), "-2"));
        for (number, within) in [
            ("1", true),
            ("5.0", true),
            ("5.1", false),
            ("", false),
            ("NaN", false),
            ("two", false),
        ] {
            assert_eq!(
                judged(Expectation::Range(end("1"), end("5")), number),
                within,
                "{number}"
            );
        }
    }

    #[test]
    fn a_text_that_reads_like_what_was_printed_is_not_equal() {
        let judged = |expect: &str, printed: &[u8]| {
            let check = Check {
                name: "a".to_owned(),
                of: "b".to_owned(),
                script: String::new(),
                expect: Expectation::Equals(expect.to_owned()),
                sentence: String::new(),
                span: 0..0,
            };
            let output = Output {
                stdout: Capture::from(printed),
                stderr: Capture::default(),
            };
            match verdict(&check, &Ending::Exited(0), &output) {
                Verdict::CheckFailed { actual, .. } => actual,
                Verdict::Passed => "passed".to_owned(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(judged(r"\xff", br"\xff"), "passed");
        assert_eq!(judged("␛", "␛\n".as_bytes()), "passed");
        assert_eq!(judged(r"\xff", b"\xff"), r"\xff");
        assert_eq!(judged("␛", b"\x1b"), "␛");
        assert_eq!(judged(r"\xfe", br"\xff"), r"\xff");
    }

    #[test]
    fn a_wrong_pattern_is_an_error_and_no_failed_check() {
        assert!(holds(&Expectation::Matches("(".to_owned()), "").is_err());
    }
}
