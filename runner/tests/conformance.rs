//! The promises of every backend, kept by the host, through the real binary as agent.

use std::path::Path;
use tutor::backend::conformance;
use tutor::backend::host::Host;

fn host() -> Host {
    Host::new(Path::new(env!("CARGO_BIN_EXE_tutor")))
}

macro_rules! test_each {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            conformance::$name(&host());
        })*

        #[test]
        fn every_promise_is_tested() {
            let listed = [$(stringify!($name)),*];
            let source = include_str!("../src/backend/conformance.rs");
            let written = source.lines().filter_map(|line| line.strip_prefix("pub fn "));
            let written = written.filter_map(|line| line.strip_suffix("(backend: &dyn Backend) {"));
            assert_eq!(written.collect::<Vec<_>>(), listed);
        }
    };
}
tutor::promises!(test_each);
