//! `tutor doctor --report`.

use super::*;
use serde_json::Value;

/// A learner with a name, and needs whose answers name them.
fn ada() -> Tutor {
    let tutor = Tutor::new();
    let home = tutor.path("home").display().to_string();
    let probe = format!("echo \"{home}/bin of lovelace7 on $(uname -n)\"; exit 1");
    let need = format!(
        "[needs.it]\nwhat = 'a tool of lovelace7'\nwhy = 'for tests'\nprobe = '''{probe}'''\nremedy = 'look into {home}/.config'\n"
    );
    let tutor = tutor.lesson(plain("one needs=it", "true")).course(&need);
    tutor
        .env("USER", "lovelace7")
        .env("LOGNAME", "lovelace7")
        .env("API_TOKEN", "t0ken-of-hers")
        .env("LANG", "C.UTF-8")
}

#[test]
fn a_report_holds_what_a_maintainer_wants_and_names_nobody() {
    let tutor = ada();
    let ran = tutor.run("doctor --report to-send.json").code(0);
    ran.stdout_has("the report is in `to-send.json`");
    let text = tutor.get("tmp/to-send.json");
    let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    let home = tutor.path("home").display().to_string();
    let host = regex::escape(host.trim());
    let host = regex::Regex::new(&format!(r"\b{host}\b")).expect("a word");
    assert!(!host.is_match(&text), "{host}: {text}");
    for secret in [&home, "lovelace7", "t0ken-of-hers"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("a release");
    let files = &report["files"];
    assert_eq!(files["/proc/sys/kernel/osrelease"], release.trim());
    assert!(
        files["/proc/self/limits"]
            .as_str()
            .expect("limits")
            .contains("Max open files")
    );
    assert_eq!(report["tutor"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report["variables"]["LANG"], "C.UTF-8");
    let versions = report["versions"].as_array().expect("a list");
    assert!(
        versions
            .iter()
            .any(|one| one.as_str().is_some_and(|one| one.contains("bash")))
    );
    assert!(report["lab"]["missing"].is_array() || report["lab"]["error"].is_string());
    let findings = report["findings"].as_array().expect("a list");
    let need = findings
        .iter()
        .find(|one| one["name"] == "it")
        .expect("the need");
    assert_eq!(need["reason"], "~/bin of [USER] on [HOST]");
    assert_eq!(need["mend"]["remedy"], "look into ~/.config");
}

#[test]
fn a_report_goes_into_a_file_of_its_own_unless_one_is_named() {
    let tutor = ada();
    tutor
        .run("doctor --report")
        .code(0)
        .stdout_has("`tutor-report.json`");
    assert!(tutor.get("tmp/tutor-report.json").contains("\"format\": 1"));
    tutor
        .run("doctor --report /dev/stdout")
        .code(2)
        .stderr_has("it is no regular file");
    tutor.run("doctor --report x --json").code(2);
}
