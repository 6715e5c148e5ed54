//! `tutor lab run`, from outside.

mod support;

use serde_json::Value;
use support::{Tutor, skipped};
use tutor::folders::Folders;
use tutor_lab::cache::Cache;

#[test]
fn what_a_command_took_and_what_a_checkpoint_takes_is_written_on_request() {
    let cache = Folders::of_user().map(|folders| Cache::below(&folders.cache));
    if !matches!(cache.map(|cache| cache.kernel("default")), Ok(Ok(Some(_)))) {
        skipped("the lab has no kernel, so no command was measured");
        return;
    }
    let tutor = Tutor::new();
    tutor.with_own_kernels();
    let line = format!(
        "lab run --measure {}",
        tutor.path("measured.json").display()
    );
    let mut command = tutor.command(&line);
    command.args(["--", "sh", "-c", "echo one; exit 7"]);
    let ran = tutor.start_command(command, &line).end();
    ran.code(7).stdout_has("one\n");
    let text = tutor.get("measured.json");
    let measured: Value = serde_json::from_str(&text).expect("JSON");
    let number = |name: &str| measured[name].as_f64().expect(&text);
    assert_eq!(measured["format"], 1);
    assert!(
        number("guest_ready_ms") <= number("first_output_ms"),
        "{text}"
    );
    assert!(
        number("first_output_ms") <= number("command_ended_ms"),
        "{text}"
    );
    assert!(number("checkpoint_ms") > 0.0, "{text}");
    // A whole state is some hundred times as large.
    let bytes = number("checkpoint_bytes");
    assert!((1000.0..20_000_000.0).contains(&bytes), "{text}");
}

#[test]
fn a_kernel_that_is_not_there_is_told_before_anything_is_measured() {
    let tutor = Tutor::new();
    let line = "lab run --kernel 6.99 --measure measured.json";
    let mut command = tutor.command(line);
    command.args(["--", "true"]);
    let ran = tutor.start_command(command, line).end();
    ran.code(3).stderr_has("the lab has no kernel `6.99`");
    assert!(!tutor.path("tmp/measured.json").exists());
}
