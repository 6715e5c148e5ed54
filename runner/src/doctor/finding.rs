//! A finding: what was looked for, why it matters, what was found, and the command that mends it.

use crate::packages::{Distribution, Mend, Package};
use serde::Serialize;
use serde_json::{Value, json};

/// The area of a finding; areas are shown in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// The tools of this machine.
    Host,
    /// The guards around steps on this machine.
    Guards,
    /// The lab, as a machine that starts.
    Lab,
    /// The kernel that kernel steps run on.
    Kernel,
    /// This machine's own kernel, where kernel steps run in the lab.
    OwnKernel,
}

/// A tool, a permission or another need that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The need's name: `clang`.
    pub name: String,
    /// What it is.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// The lessons that want it, by stem.
    pub lessons: Vec<String>,
    /// Where it was looked for.
    pub area: Area,
    /// Whether it is there.
    pub state: State,
    /// More about it, for people.
    pub note: Option<String>,
    /// The packages that bring it.
    pub packages: Vec<Package>,
    /// How to get it.
    pub mend: Option<Mend>,
}

/// Whether something is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is there, in this version where one is known.
    Has(Option<String>),
    /// It is not there, for this reason.
    Lacks(String),
}

impl Finding {
    /// A finding without lessons and without a remedy.
    pub fn new(area: Area, name: &str, what: String, why: String, state: State) -> Finding {
        Finding {
            name: name.to_owned(),
            what,
            why,
            lessons: Vec::new(),
            area,
            state,
            note: None,
            packages: Vec::new(),
            mend: None,
        }
    }

    /// True if it is not there.
    pub fn is_lacking(&self) -> bool {
        match self.state {
            State::Has(_) => false,
            State::Lacks(_) => true,
        }
    }

    fn to_json(&self) -> Value {
        let (has, version, reason) = match &self.state {
            State::Has(version) => (true, version.as_deref(), None),
            State::Lacks(reason) => (false, None, Some(reason)),
        };
        let mend = self.mend.as_ref().map(|mend| match mend {
            Mend::Install(words) => json!({ "install": words }),
            Mend::Remedy(text) => json!({ "remedy": text }),
        });
        json!({
            "name": self.name,
            "what": self.what,
            "why": self.why,
            "lessons": self.lessons,
            "on": self.area,
            "has": has,
            "version": version,
            "reason": reason,
            "note": self.note,
            "mend": mend,
        })
    }
}

/// Returns one command that installs all missing packages.
pub fn install_all(findings: &[Finding], distribution: Distribution) -> Option<Vec<String>> {
    let missing = findings
        .iter()
        .filter(|finding| matches!(finding.mend, Some(Mend::Install(_))));
    distribution.install(missing.flat_map(|finding| &finding.packages))
}

/// The findings for a script.
pub fn to_json(findings: &[Finding]) -> Value {
    let rows: Vec<Value> = findings.iter().map(Finding::to_json).collect();
    json!({ "format": 1, "findings": rows })
}
