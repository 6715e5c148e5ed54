//! Lays the reports of one lesson from several environments side by side: a row a step or check, a
//! column an environment, and what they have in common in groups.

use super::{Diff, Item, Report, Verdict, diff};
use crate::normalize::StableText;
use crate::snapshot::Recorded;
use crate::transcript::RecordId;

/// One lesson in several environments.
#[derive(Clone, Debug)]
pub struct Matrix<'r> {
    /// The report of each column.
    pub reports: Vec<&'r Report>,
    /// The steps and checks, in the order of the lesson.
    pub rows: Vec<Row<'r>>,
}

/// One step or check.
#[derive(Clone, Debug)]
pub struct Row<'r> {
    /// Which one.
    pub id: &'r RecordId,
    /// Its mark in each column; nothing where its turn never came.
    pub cells: Vec<Option<CellMark>>,
    /// The output that the groups are compared with; nothing where no output is compared.
    pub reference: Option<Reference<'r>>,
    /// The columns in groups, each of equal outputs or equal troubles, the first column first.
    pub groups: Vec<Group<'r>>,
}

/// The verdict on a step or check beside those in other environments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CellMark {
    /// The output is the accepted one that serves every environment.
    Same,
    /// The output is the one that was accepted for this environment.
    Variant,
    /// The check holds.
    Holds,
    /// It ran as expected, and its output is not compared.
    Done,
    /// No output is accepted yet.
    New,
    /// The output is not the accepted one.
    Differs,
    /// It failed whatever its output: a check, an exit status, a timeout.
    Failed,
    /// It did not run.
    Skipped,
    /// Ctrl-C ended it.
    Interrupted,
}

/// The output that the outputs of a row are compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reference<'r> {
    /// The accepted output that serves every environment.
    Recorded(&'r Recorded),
    /// The output of this group, since none is accepted for every environment.
    Group(usize),
}

/// Environments in which the same happened.
#[derive(Clone, Debug)]
pub struct Group<'r> {
    /// The columns.
    pub columns: Vec<usize>,
    /// Its mark in all of them.
    pub mark: CellMark,
    /// The item of the first of them.
    pub item: &'r Item,
    /// From the reference to this output, where they are not equal.
    pub diff: Option<Diff>,
}

impl Group<'_> {
    /// True if there is more to tell of it than its mark.
    pub fn is_worth_telling(&self) -> bool {
        match self.mark {
            CellMark::Same | CellMark::Holds | CellMark::Done | CellMark::Interrupted => false,
            CellMark::Variant | CellMark::New | CellMark::Differs => self.diff.is_some(),
            CellMark::Failed | CellMark::Skipped => true,
        }
    }
}

impl CellMark {
    /// Returns what a verdict is beside others.
    pub fn of(item: &Item) -> CellMark {
        let is_check = matches!(item.id, RecordId::Check(_));
        let found = item.recorded.as_ref();
        let of_variant = found.is_some_and(|recorded| recorded.name.variant().is_some());
        match &item.verdict {
            Verdict::Passed if is_check => CellMark::Holds,
            Verdict::Passed if of_variant => CellMark::Variant,
            Verdict::Passed => CellMark::Same,
            Verdict::Shown | Verdict::Solved => CellMark::Done,
            Verdict::New => CellMark::New,
            Verdict::Changed { .. } | Verdict::DiffersHere { .. } | Verdict::Edited(_) => {
                CellMark::Differs
            }
            Verdict::CheckFailed { .. }
            | Verdict::WrongExit { .. }
            | Verdict::TimedOut { .. }
            | Verdict::Unsolved { .. }
            | Verdict::Broken { .. } => CellMark::Failed,
            Verdict::Interrupted => CellMark::Interrupted,
            Verdict::Skipped(_) | Verdict::Open { .. } | Verdict::Recorded => CellMark::Skipped,
        }
    }

    /// True if the output is one that is compared with others.
    fn is_compared(self) -> bool {
        match self {
            CellMark::Same | CellMark::Variant | CellMark::New | CellMark::Differs => true,
            CellMark::Holds
            | CellMark::Done
            | CellMark::Failed
            | CellMark::Skipped
            | CellMark::Interrupted => false,
        }
    }

    /// The word for it, for tables and scripts.
    pub fn word(self) -> &'static str {
        match self {
            CellMark::Same => "same",
            CellMark::Variant => "variant",
            CellMark::Holds => "holds",
            CellMark::Done => "done",
            CellMark::New => "new",
            CellMark::Differs => "differs",
            CellMark::Failed => "failed",
            CellMark::Skipped => "skipped",
            CellMark::Interrupted => "interrupted",
        }
    }
}

impl<'r> Matrix<'r> {
    /// Lays reports of one lesson side by side.
    pub fn of(reports: Vec<&'r Report>) -> Matrix<'r> {
        let mut ids: Vec<&RecordId> = Vec::new();
        // The same plan ran everywhere; a lesson that was broken off has fewer items, or one more.
        let longest = reports.iter().max_by_key(|report| report.items.len());
        for item in longest
            .into_iter()
            .chain(&reports)
            .flat_map(|report| &report.items)
        {
            if !ids.contains(&&item.id) {
                ids.push(&item.id);
            }
        }
        Matrix {
            rows: ids.into_iter().map(|id| row(id, &reports)).collect(),
            reports,
        }
    }

    /// The title of the lesson and where it stands.
    pub fn lesson(&self) -> Option<&'r Report> {
        self.reports.first().copied()
    }
}

fn row<'r>(id: &'r RecordId, reports: &[&'r Report]) -> Row<'r> {
    let items: Vec<Option<&Item>> = reports
        .iter()
        .map(|report| report.items.iter().find(|item| item.id == *id))
        .collect();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (column, item) in items.iter().enumerate() {
        let Some(item) = *item else { continue };
        let mark = CellMark::of(item);
        let equal = |group: &&mut Group<'_>| group.mark == mark && is_equal(group.item, item);
        match groups.iter_mut().find(equal) {
            Some(group) => group.columns.push(column),
            None => groups.push(Group {
                columns: vec![column],
                mark,
                item,
                diff: None,
            }),
        }
    }
    let reference = reference(&items, &groups);
    let text = match reference {
        Some(Reference::Recorded(recorded)) => Some(&recorded.text),
        Some(Reference::Group(group)) => groups[group].item.text.as_ref(),
        None => None,
    };
    if let Some(text) = text {
        for group in groups.iter_mut().filter(|group| group.mark.is_compared()) {
            group.diff = differs(text, group.item.text.as_ref());
        }
    }
    Row {
        id,
        cells: items.iter().map(|item| item.map(CellMark::of)).collect(),
        reference,
        groups,
    }
}

/// True if two items with the same mark tell the same.
fn is_equal(one: &Item, other: &Item) -> bool {
    match CellMark::of(one) {
        CellMark::Holds | CellMark::Done | CellMark::Interrupted => true,
        CellMark::Same | CellMark::Variant | CellMark::New | CellMark::Differs => {
            one.text == other.text
        }
        CellMark::Failed => one.verdict == other.verdict && one.text == other.text,
        CellMark::Skipped => one.verdict == other.verdict,
    }
}

/// The accepted output of all environments, else the output that most have.
fn reference<'r>(items: &[Option<&'r Item>], groups: &[Group<'r>]) -> Option<Reference<'r>> {
    let compared = |group: &Group<'_>| group.mark.is_compared();
    groups.iter().find(|group| compared(group))?;
    let recorded = items
        .iter()
        .filter_map(|item| item.as_ref()?.recorded.as_ref())
        .find(|recorded| recorded.name.variant().is_none());
    if let Some(recorded) = recorded {
        return Some(Reference::Recorded(recorded));
    }
    let count = |index: usize| {
        let text = groups[index].item.text.as_ref();
        let equal = |group: &&Group<'_>| compared(group) && group.item.text.as_ref() == text;
        let columns = groups.iter().filter(equal).map(|group| group.columns.len());
        columns.sum::<usize>()
    };
    // Among equals the first one: `max_by_key` returns the last.
    (0..groups.len())
        .rev()
        .filter(|index| compared(&groups[*index]))
        .max_by_key(|index| count(*index))
        .map(Reference::Group)
}

fn differs(reference: &StableText, text: Option<&StableText>) -> Option<Diff> {
    let text = text.filter(|text| !text.is_same(reference))?;
    Some(diff(reference, text))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::lesson::{ExpectedExit, Place};
    use crate::snapshot::tests::{environment, recorded};
    use crate::snapshot::{Environment, name_for};
    use crate::transcript::{Ending, Skip};
    use insta::assert_snapshot;
    use std::time::Duration;

    fn item(step: &str, verdict: Verdict, stdout: Option<&str>) -> Item {
        let id = match step.strip_prefix("check ") {
            Some(name) => RecordId::Check(name.to_owned()),
            None => RecordId::Step(step.to_owned()),
        };
        Item {
            ending: Some(Ending::Exited(0)),
            place: Place::Kernel,
            duration: Duration::from_millis(41),
            text: stdout.map(|stdout| recorded("hello", step, stdout).text),
            ..Item::of(id, verdict)
        }
    }

    /// A step with an accepted output for all environments, or one of its own.
    fn judged(step: &str, accepted: &str, variant: bool, stdout: &str, ours: &Environment) -> Item {
        let vary = ["kernel".to_owned()];
        let mut base = recorded("hello", step, accepted);
        if variant {
            base.name = name_for("hello", step, &vary, ours, Some(&base));
            base.environment = ours.clone();
        }
        let new = recorded("hello", step, stdout);
        let verdict = match new.text == base.text {
            true => Verdict::Passed,
            false => Verdict::DiffersHere {
                diff: diff(&base.text, &new.text),
                theirs: base.environment.clone(),
                ours: ours.clone(),
                why_unknown: Default::default(),
                meanings: Environment::new(),
            },
        };
        Item {
            recorded: Some(base),
            ..item(step, verdict, Some(stdout))
        }
    }

    /// A lesson on 5.10, 6.1, 6.12 and 7.3, with all that can happen.
    pub(crate) fn sample() -> Vec<Report> {
        let kernels = ["5.10", "6.1", "6.12", "7.3"];
        let prologue = |kernel: &str| match kernel {
            "5.10" => "jited 70B\n",
            "6.1" => "jited 71B\n",
            _ => "jited 80B\n",
        };
        let report = |kernel: &&str| {
            let ours = environment(&format!("kernel {kernel}, clang 14, machine QEMU 7.2"));
            let old = *kernel == "5.10";
            let missing = Verdict::Skipped(Skip::Need {
                need: "fprobe".to_owned(),
                reason: "no fprobe before 5.18".to_owned(),
                remedy: Some("another kernel".to_owned()),
            });
            let wrong = Verdict::WrongExit {
                expected: ExpectedExit::Code(0),
                got: Ending::Exited(1),
            };
            let items = vec![
                judged("build", "ok\n", false, "ok\n", &ours),
                judged(
                    "load",
                    if *kernel == "6.1" {
                        "jited 71B\n"
                    } else {
                        "jited 80B\n"
                    },
                    *kernel == "6.1",
                    prologue(kernel),
                    &ours,
                ),
                match old {
                    true => item("multi", missing, None),
                    false => item("multi", Verdict::Shown, Some("41\n")),
                },
                match old {
                    true => item("loop", wrong, Some("invalid func_info\n")),
                    false => item("loop", Verdict::New, Some(prologue(kernel))),
                },
                item("check size", Verdict::Passed, Some("104\n")),
            ];
            Report {
                lesson: "hello".to_owned(),
                stem: "lesson-2".to_owned(),
                file: "lessons/lesson-2.md".into(),
                lines: Default::default(),
                title: "Hello".to_owned(),
                items,
                leftovers: Vec::new(),
                environment: ours,
                versions: Environment::new(),
                duration: Duration::from_millis(1200),
            }
        };
        kernels.iter().map(report).collect()
    }

    fn told(reports: &[Report]) -> String {
        let matrix = Matrix::of(reports.iter().collect());
        let mut text = String::new();
        for row in &matrix.rows {
            let cells: Vec<&str> = row
                .cells
                .iter()
                .map(|mark| mark.map_or("-", CellMark::word))
                .collect();
            text += &format!("{:?}: {}\n", row.id, cells.join(" "));
            for group in &row.groups {
                let diff = group.diff.is_some();
                text += &format!("  {:?} {} diff {diff}\n", group.columns, group.mark.word());
            }
        }
        text
    }

    #[test]
    fn equal_outputs_are_one_group_and_each_group_is_held_against_the_base() {
        assert_snapshot!(told(&sample()), @r#"
        Step("build"): same same same same
          [0, 1, 2, 3] same diff false
        Step("load"): differs variant same same
          [0] differs diff true
          [1] variant diff true
          [2, 3] same diff false
        Step("multi"): skipped done done done
          [0] skipped diff false
          [1, 2, 3] done diff false
        Step("loop"): failed new new new
          [0] failed diff false
          [1] new diff true
          [2, 3] new diff false
        Check("size"): holds holds holds holds
          [0, 1, 2, 3] holds diff false
        "#);
    }

    #[test]
    fn a_lesson_that_was_broken_off_has_holes_and_a_row_more() {
        let mut reports = sample();
        reports.truncate(2);
        reports[0].items.truncate(1);
        reports[0]
            .items
            .push(Item::broken("lesson", "no room".to_owned()));
        assert_snapshot!(told(&reports), @r#"
        Step("build"): same same
          [0, 1] same diff false
        Step("load"): - variant
          [1] variant diff false
        Step("multi"): - done
          [1] done diff false
        Step("loop"): - new
          [1] new diff false
        Check("size"): - holds
          [1] holds diff false
        Step("lesson"): failed -
          [0] failed diff false
        "#);
    }

    #[test]
    fn without_an_accepted_output_most_environments_are_the_reference() {
        let reports = sample();
        let matrix = Matrix::of(reports.iter().collect());
        let row = matrix
            .rows
            .iter()
            .find(|row| *row.id == RecordId::Step("loop".to_owned()))
            .unwrap();
        let Some(Reference::Group(group)) = row.reference else {
            panic!("{:?}", row.reference)
        };
        assert_eq!(row.groups[group].columns, [2, 3]);
        assert_eq!(row.groups[1].columns, [1]);
        assert!(row.groups[1].diff.is_some());
    }
}
