//! Reports as JUnit XML, by quick-junit (its only home): a suite a lesson, a case a step or check.

use super::paint::Paint;
use super::verdict;
use crate::diagnostic::{Diagnostic, Lines};
use crate::exit::Exit;
use crate::report::{Item, Report, Strictness, Verdict};
use crate::transcript::RecordId;
use crate::visible::visible_text;
use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};
use std::path::Path;

/// quick-junit drops tabs. These stand for them until the document is text, in what elements and what
/// attributes hold; `visible_text` leaves none in what was printed.
const TABS: [(char, &str); 2] = [('\u{200b}', "\t"), ('\u{200c}', "&#9;")];

/// A JUnit document that grows.
pub struct JunitDocument<'d> {
    document: Document,
    strictness: Strictness,
    /// Where the course is, for the names of files.
    root: &'d Path,
}

impl<'d> JunitDocument<'d> {
    /// A document without suites.
    pub fn new(root: &'d Path, strictness: Strictness) -> JunitDocument<'d> {
        JunitDocument {
            document: Document::new("tutor"),
            strictness,
            root,
        }
    }

    /// Adds a lesson, under the name of its file or one that says where it ran.
    pub fn add(&mut self, name: &str, report: &Report) {
        let mut suite = TestSuite::new(name);
        suite.set_time(report.duration);
        for item in &report.items {
            suite.add_test_case(self.case(report, item));
        }
        self.document.add_test_suite(suite);
    }

    /// Adds what is wrong with a course that could not be run, a suite a file. Diagnostics stand in the
    /// order of files; `source` gives the text of one.
    pub fn add_diagnostics<'s>(
        &mut self,
        found: &[Diagnostic],
        source: impl Fn(&Path) -> Option<&'s str>,
    ) {
        for of_file in found.chunk_by(|one, next| one.path == next.path) {
            let path = &of_file[0].path;
            let lines = Lines::of(source(path).unwrap_or_default());
            let mut suite = TestSuite::new(path.display().to_string());
            for one in of_file {
                let (line, column) = lines.line_column(one.span.start);
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                let message = attribute(&one.message);
                status.set_message(message).set_type("invalid");
                status.set_description(element(one.help.as_deref().unwrap_or_default()));
                let mut case = TestCase::new(format!("{line}:{column}"), status);
                case.set_classname(path.display().to_string());
                self.place(&mut case, path, Some(line));
                suite.add_test_case(case);
            }
            self.document.add_test_suite(suite);
        }
    }

    /// The whole text.
    pub fn text(&self) -> Result<String, quick_junit::SerializeError> {
        let mut xml = self.document.to_string()?;
        if !xml.ends_with('\n') {
            xml.push('\n');
        }
        Ok(TABS
            .iter()
            .fold(xml, |xml, (mark, tab)| xml.replace(*mark, tab)))
    }

    fn case(&self, report: &Report, item: &Item) -> TestCase {
        let name = match &item.id {
            RecordId::Step(id) => id.clone(),
            RecordId::Check(name) => format!("check {name}"),
        };
        let mut case = TestCase::new(name, status(item, self.strictness));
        case.set_classname(report.lesson.as_str());
        case.set_time(item.duration);
        self.place(&mut case, &report.file, report.lines.get(&item.id).copied());
        if let Some(text) = &item.text {
            let sections = text.sections();
            case.set_system_out(element(&sections.stdout.text()));
            case.set_system_err(element(&sections.stderr.text()));
        }
        case
    }

    /// As pytest writes it, which GitLab and the actions of GitHub read.
    fn place(&self, case: &mut TestCase, file: &Path, line: Option<usize>) {
        let file = self.root.join(file).display().to_string();
        case.extra.insert("file".into(), attribute(&file).into());
        if let Some(line) = line {
            case.extra.insert("line".into(), line.to_string().into());
        }
    }
}

fn status(item: &Item, strictness: Strictness) -> TestCaseStatus {
    let mut status = match (strictness.exit_for(&item.verdict), &item.verdict) {
        (Exit::Success, Verdict::Skipped(_) | Verdict::Open { .. }) => TestCaseStatus::skipped(),
        (Exit::Success, _) => TestCaseStatus::success(),
        (Exit::Lacking | Exit::Interrupted, _) => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
        (Exit::Different | Exit::Usage | Exit::Invalid | Exit::OfCommand(_), _) => {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        }
    };
    let message = verdict::sentence(item);
    status.set_message(attribute(&message));
    if !matches!(status, TestCaseStatus::Success { .. }) {
        // The first line says the same with a mark.
        let lines = verdict::lines_without_time(item, &Paint::plain(80));
        let more = lines.into_iter().skip(1);
        let lines: Vec<String> = [message].into_iter().chain(more).collect();
        status
            .set_type(verdict::word(&item.verdict))
            .set_description(element(&lines.join("\n")));
    }
    status
}

/// Text that stands between tags.
fn element(text: &str) -> String {
    visible_text(text).replace('\t', &TABS[0].0.to_string())
}

/// Text that stands in quotes.
fn attribute(text: &str) -> String {
    visible_text(text).replace('\t', &TABS[1].0.to_string())
}
