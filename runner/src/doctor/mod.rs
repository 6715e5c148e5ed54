//! What this machine has and lacks for the lessons: each finding says what it is, why it matters,
//! for which lessons, and the command that mends it.

mod finding;
pub mod guard;
pub mod lab;
pub mod lab_status;
mod needs;
mod own_kernel;
pub mod report;

pub use finding::{Area, Finding, State, install_all, to_json};

use crate::backend::host::Host;
use crate::backend::lab::Lab;
use crate::course::Course;
use crate::event::Deaf;
use crate::lesson::{Lesson, Place};
use crate::packages::Distribution;
use crate::run::{KernelPlace, Options, Places, Stage};
use crate::say;
use std::cmp::Reverse;
use std::path::Path;

/// Each by its path, with its first line.
const VERSIONS: &str = "\
for program in bash clang llvm-objdump gcc readelf bpftool qemu-system-x86_64 busybox python3 cargo; do
  path=$(command -v \"$program\") || continue
  option=--version
  test \"$program\" = busybox && option=--help
  echo \"$path: $(\"$path\" \"$option\" 2>&1 </dev/null | head -n 1)\"
done";

/// A course, and where its steps would run.
pub struct Examination<'e> {
    /// The course.
    pub course: &'e Course,
    /// The options that its steps run with.
    pub options: &'e Options,
    /// The lab, if kernel steps run there; none if they run on this machine's own kernel.
    pub lab: Option<&'e Lab>,
    /// This program, which becomes the agent.
    pub tutor: &'e Path,
    /// The distribution, whose package manager installs what is missing.
    pub distribution: Distribution,
}

impl Examination<'_> {
    /// Looks for everything that the lessons may need, from an empty folder.
    pub fn examine(&self, folder: &Path) -> Vec<Finding> {
        let lessons = self.lessons_with_kernel_steps();
        // The lab matters only if a step runs there.
        let mut found = match self.lab.filter(|_| !lessons.is_empty()) {
            Some(lab) => lab::examine(lab, &lessons, self.distribution),
            None => Vec::new(),
        };
        let is_lab_lacking = found.iter().any(Finding::is_lacking);
        found.extend(guard::examine(self.tutor, folder));
        let host = Host::new(self.tutor, self.options.surroundings.clone());
        let kernel = match self.lab {
            None => KernelPlace::Backend(&host),
            Some(_) if is_lab_lacking => KernelPlace::None {
                reason: say!("doctor-no-lab"),
                remedy: None,
            },
            Some(lab) => KernelPlace::Backend(lab),
        };
        let places = Places {
            host: &host,
            kernel,
        };
        let mut nobody = Deaf;
        let mut stage = Stage::new(&places, self.options, (folder, folder), &mut nobody);
        let mut ask = |place: Place, probe: &str| stage.probe(place, probe);
        if !lessons.is_empty() {
            found.extend(own_kernel::examine(&lessons, self.lab.is_some(), &mut ask));
        }
        let is_own = self.lab.is_none();
        found.extend(needs::examine(
            self.course,
            self.options,
            self.distribution,
            is_own,
            &mut ask,
        ));
        // Needs of most lessons stand first; ties keep the order of names.
        found.sort_by_key(|finding| (finding.area, Reverse(finding.lessons.len())));
        found
    }

    /// What programs that lessons use say of their versions, a line each; nothing where they cannot be
    /// asked.
    pub fn versions(&self, folder: &Path) -> Vec<String> {
        let host = Host::new(self.tutor, self.options.surroundings.clone());
        let kernel = KernelPlace::None {
            reason: String::new(),
            remedy: None,
        };
        let places = Places {
            host: &host,
            kernel,
        };
        let mut nobody = Deaf;
        let mut stage = Stage::new(&places, self.options, (folder, folder), &mut nobody);
        match stage.probe(Place::Host, VERSIONS) {
            Ok(answer) => answer.text().lines().map(str::to_owned).collect(),
            Err(error) => vec![error.to_string()],
        }
    }

    /// By stem.
    fn lessons_with_kernel_steps(&self) -> Vec<String> {
        let has = |lesson: &&Lesson| lesson.steps().any(|step| step.on == Place::Kernel);
        let lessons = self.course.lessons.iter().filter(has);
        lessons.map(|lesson| lesson.stem.clone()).collect()
    }
}
