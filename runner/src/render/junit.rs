//! Reports as JUnit XML, by quick-junit (its only home): a suite a lesson, a case a step or check.

use super::paint::Paint;
use super::verdict;
use crate::exit::Exit;
use crate::report::{Item, Report, Strictness};
use crate::transcript::RecordId;
use crate::visible::visible_text;
use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

/// Returns the whole document.
pub fn document(
    reports: &[Report],
    strictness: Strictness,
) -> Result<String, quick_junit::SerializeError> {
    suites(
        reports.iter().map(|report| (report.stem.clone(), report)),
        strictness,
    )
}

/// Returns the document of reports whose suites have names of their own.
pub fn suites<'r>(
    reports: impl IntoIterator<Item = (String, &'r Report)>,
    strictness: Strictness,
) -> Result<String, quick_junit::SerializeError> {
    let mut document = Document::new("tutor");
    for (name, report) in reports {
        let mut suite = TestSuite::new(name);
        suite.set_time(report.duration);
        suite.add_test_cases(
            report
                .items
                .iter()
                .map(|item| case(report, item, strictness)),
        );
        document.add_test_suite(suite);
    }
    let mut xml = document.to_string()?;
    if !xml.ends_with('\n') {
        xml.push('\n');
    }
    Ok(xml)
}

fn case(report: &Report, item: &Item, strictness: Strictness) -> TestCase {
    let name = match &item.id {
        RecordId::Step(id) => id.clone(),
        RecordId::Check(name) => format!("check {name}"),
    };
    let lines = verdict::lines(item, &Paint::plain(80));
    let mut case = TestCase::new(name, status(item, &lines, strictness));
    case.set_classname(report.lesson.as_str());
    case.set_time(item.duration);
    if let Some(text) = &item.text {
        let sections = text.sections();
        case.set_system_out(visible_text(&sections.stdout.text()));
        case.set_system_err(visible_text(&sections.stderr.text()));
    }
    case
}

fn status(item: &Item, lines: &[String], strictness: Strictness) -> TestCaseStatus {
    let headline = lines
        .first()
        .map(|line| line.trim().to_owned())
        .unwrap_or_default();
    let mut status = match (strictness.exit_for(&item.verdict), &item.verdict) {
        (Exit::Success, crate::report::Verdict::Skipped(_)) => TestCaseStatus::skipped(),
        (Exit::Success, _) => TestCaseStatus::success(),
        (Exit::Lacking | Exit::Interrupted, _) => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
        (Exit::Different | Exit::Usage | Exit::Invalid | Exit::OfCommand(_), _) => {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        }
    };
    status.set_message(headline);
    if !matches!(status, TestCaseStatus::Success { .. }) {
        status
            .set_type(verdict::word(&item.verdict))
            .set_description(lines.join("\n"));
    }
    status
}
