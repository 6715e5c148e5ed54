//! The promises of every backend, kept by the host and by the lab, through the real binary as agent.

use std::path::Path;
use std::sync::OnceLock;
use tutor::backend::conformance;
use tutor::backend::host::Host;
use tutor::backend::lab::{Choice, Lab};
use tutor::course::asks::Asks;
use tutor::folders::Folders;
use tutor::surroundings::{Surroundings, Trust};
use tutor_lab::accelerator::Wish;
use tutor_lab::cache::Cache;

const TUTOR: &str = env!("CARGO_BIN_EXE_tutor");

/// Steps of a course that is trusted: in namespaces, where this machine permits them.
mod host {
    use super::*;

    macro_rules! test_each {
        ($($name:ident)*) => {
            $(#[test]
            fn $name() {
                conformance::$name(&host(Trust::Whole));
            })*

            #[test]
            fn every_promise_is_tested() {
                let listed = [$(stringify!($name)),*];
                let sources = [
                    include_str!("../src/backend/conformance.rs"),
                    include_str!("../src/backend/conformance/ahead.rs"),
                    include_str!("../src/backend/conformance/background.rs"),
                ];
                let lines = sources.iter().flat_map(|source| source.lines());
                let written = lines.filter_map(|line| line.strip_prefix("pub fn "));
                let written = written.filter_map(|line| line.strip_suffix("(backend: &dyn Backend) {"));
                assert_eq!(written.collect::<Vec<_>>(), listed);
            }
        };
    }
    tutor::promises!(test_each);
}

/// And where there are no namespaces.
mod unguarded {
    use super::*;

    macro_rules! test_each {
        ($($name:ident)*) => {
            $(#[test]
            fn $name() {
                conformance::$name(&host(Trust::Unguarded));
            })*
        };
    }
    tutor::promises!(test_each);
}

mod confined {
    use super::*;

    macro_rules! test_each {
        ($($name:ident)*) => {
            $(#[test]
            fn $name() {
                conformance::$name(&host(Trust::Confined));
            })*
        };
    }
    tutor::promises!(test_each);
}

mod lab {
    use super::*;

    macro_rules! test_each {
        ($($name:ident)*) => {
            $(#[test]
            fn $name() {
                match lab() {
                    Ok(lab) => conformance::$name(lab),
                    Err(why) => println!("skipped: lab::{}: {why}", stringify!($name)),
                }
            })*
        };
    }
    tutor::promises!(test_each);
}

fn host(trust: Trust) -> Host {
    let variable = |_: &str| None;
    let around = Surroundings::new(&Asks::default(), trust, &variable, vec![TUTOR.into()]);
    Host::new(Path::new(TUTOR), around)
}

/// The lab of this machine; one for all tests, so that they resume from one state.
fn lab() -> Result<&'static Lab, String> {
    static LAB: OnceLock<Option<Lab>> = OnceLock::new();
    let lab = LAB.get_or_init(|| {
        let choice = Choice {
            cache: Cache::below(&Folders::of_user().ok()?.cache),
            kernel: std::env::var("TUTOR_TEST_KERNEL").unwrap_or("default".to_owned()),
            accelerator: Wish::Tcg,
            tutor: TUTOR.into(),
        };
        Some(Lab::new(choice, |_| ()))
    });
    let lab = lab.as_ref().ok_or("no folder for a cache")?;
    match lab.guests() {
        Ok(_) => Ok(lab),
        Err(error) => Err(error.to_string()),
    }
}
