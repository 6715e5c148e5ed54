//! The guards around steps on this machine, found out by starting a shell, for `tutor doctor`.

use super::finding::{Area, Finding, State};
use crate::backend::host::Host;
use crate::backend::{BackendError, Opening};
use crate::course::asks::Asks;
use crate::packages::Mend;
use crate::say;
use crate::surroundings::{Surroundings, Trust};
use std::path::Path;
use tutor_agent::confine::Held;

/// Tries both guards in a folder.
pub fn examine(tutor: &Path, folder: &Path) -> Vec<Finding> {
    let held = |trust| held(tutor, folder, trust);
    vec![
        processes(held(Trust::Whole)),
        confinement(held(Trust::Confined)),
    ]
}

/// The names of the guards that confine steps here: `namespaces, seccomp`.
pub fn confined_by(tutor: &Path, folder: &Path) -> Result<String, BackendError> {
    held(tutor, folder, Trust::Confined).map(|held| parts(&held))
}

/// Starts a shell in a folder to see what holds.
fn held(tutor: &Path, folder: &Path, trust: Trust) -> Result<Held, BackendError> {
    let around = Surroundings::new(&Asks::default(), trust, &|_| None, Vec::new());
    let opening = Opening {
        folder,
        home: folder,
        environment: &[],
        own_mounts: false,
    };
    Host::new(tutor, around).held(&opening)
}

fn parts(held: &Held) -> String {
    let parts = [
        held.namespaces.then(|| say!("doctor-namespaces")),
        held.root.then(|| say!("doctor-own-root")),
        held.landlock.map(|version| format!("Landlock {version}")),
        held.seccomp.then(|| "seccomp".to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(", ")
}

fn processes(held: Result<Held, BackendError>) -> Finding {
    let (state, note) = match held {
        Ok(held) if held.namespaces => {
            let ways = match held.group {
                true => say!("doctor-namespaces-and-group"),
                false => say!("doctor-namespaces"),
            };
            (State::Has(Some(ways)), without_group(&held))
        }
        Ok(held) => {
            let note = say!("doctor-weaker", why = held.lacking.join("; "));
            (State::Has(Some(say!("doctor-one-by-one"))), Some(note))
        }
        Err(error) => (State::Lacks(error.to_string()), None),
    };
    let (what, why) = (say!("doctor-processes"), say!("doctor-processes-why"));
    Finding {
        note,
        ..Finding::new(Area::Guards, "processes", what, why, state)
    }
}

fn confinement(held: Result<Held, BackendError>) -> Finding {
    let (state, note, mend) = match held {
        Ok(held) => {
            let is_weaker = !held.root || held.landlock.is_none() || !held.seccomp;
            let note = is_weaker.then(|| say!("doctor-weaker", why = held.lacking.join("; ")));
            (State::Has(Some(parts(&held))), note, None)
        }
        Err(BackendError::Unconfined(why)) => {
            let mend = Mend::Remedy(say!("doctor-confinement-mend"));
            (State::Lacks(why), None, Some(mend))
        }
        Err(error) => (State::Lacks(error.to_string()), None, None),
    };
    let (what, why) = (say!("doctor-confinement"), say!("doctor-confinement-why"));
    Finding {
        note,
        mend,
        ..Finding::new(Area::Guards, "confinement", what, why, state)
    }
}

/// Where limits hold for each process only.
fn without_group(held: &Held) -> Option<String> {
    let is_root = nix::unistd::geteuid().is_root();
    match (held.group, is_root) {
        (true, _) => None,
        (false, true) => Some(say!("doctor-limits-root")),
        (false, false) => Some(say!("doctor-limits-each")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_only_in_part_is_said_to_be_weaker() {
        let whole = Held {
            namespaces: true,
            root: true,
            landlock: Some(7),
            seccomp: true,
            group: true,
            ..Held::default()
        };
        assert_eq!(confinement(Ok(whole.clone())).note, None);
        assert_eq!(processes(Ok(whole)).note, None);
        let alone = Held {
            landlock: Some(6),
            seccomp: true,
            lacking: vec!["namespaces: not permitted".to_owned()],
            ..Held::default()
        };
        for found in [confinement(Ok(alone.clone())), processes(Ok(alone))] {
            assert!(matches!(found.state, State::Has(_)), "{found:?}");
            let note = found.note.expect("it is weaker");
            assert!(note.contains("not permitted"), "{note}");
        }
        let none = confinement(Err(BackendError::Unconfined("nothing".to_owned())));
        assert!(matches!(none.state, State::Lacks(_)) && none.mend.is_some());
    }
}
