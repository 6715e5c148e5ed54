//! Serves on standard input; as the init of a guest, makes that ready and serves there. Called with
//! `guarded PARENT PROGRAM …`, becomes a program that ends with its parent.

use std::process::ExitCode;
use tutor_agent::confine::Guard;

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let called = words.next();
    if std::process::id() == 1 && called.is_some_and(|name| name == "/init") {
        tutor_agent::init();
    }
    let word = words.next();
    if word.as_ref().is_some_and(|word| word == "guarded") {
        let parent = words.next().and_then(|word| word.to_str()?.parse().ok());
        let words: Vec<_> = words.collect();
        let error = tutor_agent::guarded::become_guarded(parent.unwrap_or(0), &words);
        eprintln!("error: cannot start the program: {error}");
        return ExitCode::FAILURE;
    }
    let guard = Guard::of(word.as_ref().and_then(|word| word.to_str()));
    match tutor_agent::serve_guarded(guard) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
