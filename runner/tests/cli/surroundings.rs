//! Where steps run: their folder, their home and their environment.

use super::*;

#[test]
fn a_fresh_folder_goes_unless_it_is_kept() {
    let tutor = Tutor::new().lesson(plain("one", "echo text >made; pwd"));
    tutor.run("run demo --fresh").code(0);
    assert!(tutor.files("tmp").is_empty(), "{:?}", tutor.files("tmp"));
    assert!(
        !tutor.path("home/data").exists(),
        "the lasting workspace is left alone"
    );
    let ran = tutor
        .run("run demo --fresh --keep")
        .code(0)
        .stdout_has("kept: ");
    let folder = ran
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("kept: "))
        .expect("a folder");
    assert_eq!(
        fs::read_to_string(Path::new(folder).join("made")).expect("kept"),
        "text\n"
    );
    tutor.run("run demo --keep").code(2);
    tutor.run("test").code(0);
    assert_eq!(
        tutor
            .files("tmp")
            .keys()
            .filter(|name| name.ends_with("made"))
            .count(),
        1
    );
    tutor.run("test --keep").code(0).stdout_has("kept: ");
}

#[test]
fn what_ran_in_a_fresh_folder_is_no_progress() {
    let tutor = Tutor::new().lesson(plain("one", "echo 1") + &plain("two", "echo 2"));
    tutor.run("run demo --fresh").code(0);
    tutor.run("list").code(0).stdout_lacks("done");
    // Nor does it take away what there was.
    tutor.run("run demo --until one").code(0);
    tutor.run("run demo --fresh").code(0);
    tutor.run("list").code(0).stdout_has("1 of 2 done");
    let tutor = tutor.stdin("q\n");
    tutor.run("study").code(0).stdout_has("two: [Enter] run");
    tutor
        .run("run --help")
        .code(0)
        .stdout_has("your progress stays as it is");
}

#[test]
fn a_run_in_a_fresh_folder_that_was_broken_off_is_not_gone_on_with() {
    let seconds = own_seconds();
    let tutor = Tutor::new().lesson(plain("one", &format!("sleep {seconds}")));
    let running = tutor.start("run demo --fresh");
    until("the step", || sleepers(seconds) == 1);
    running.signal(Signal::SIGINT);
    let ran = running.end().code(130);
    assert!(!ran.stderr.contains("--from"), "{}", ran.told());
}

#[test]
fn the_environment_of_steps_is_fixed() {
    let body = plain("one", "env | sort; echo; pwd; tutor --version");
    let tutor = Tutor::new()
        .lesson(body)
        .env("SECRET", "leaked")
        .env("COLUMNS", "40")
        .env("TZ", "Asia/Shanghai");
    let ran = tutor.run("run demo --json").code(0);
    let report = ran.json();
    let out = report["lessons"][0]["items"][0]["stdout"]
        .as_str()
        .expect("text")
        .to_owned();
    for line in [
        "COLUMNS=80",
        "LC_ALL=C.UTF-8",
        "NO_COLOR=1",
        "TERM=dumb",
        "TUTOR=1",
        "TZ=UTC",
        "[WORKSPACE]",
    ] {
        assert!(out.lines().any(|found| found == line), "{line}: {out}");
    }
    assert!(!out.contains("SECRET") && out.contains("tutor 0."), "{out}");
}

#[test]
fn the_home_of_steps_reads_the_same_wherever_it_is() {
    let body = plain("one", "echo $HOME; cd; pwd; echo ~/.config");
    let tutor = Tutor::new().lesson(body);
    let shown = |line: &str| {
        let report = tutor.run(line).code(0).json();
        let shown = report["lessons"][0]["items"][0]["stdout"].as_str();
        shown.expect("text").to_owned()
    };
    for line in ["run demo --json", "run demo --fresh --json"] {
        assert_eq!(shown(line), "[HOME]\n[HOME]\n[HOME]/.config\n", "{line}");
    }
}

#[test]
fn a_host_step_finds_what_cargo_fetched_wherever_the_learner_keeps_it() {
    let body = plain("one", "echo \"cargo: $CARGO_HOME\"");
    let tutor = Tutor::new().unconfined().lesson(body);
    let home = tutor.path("home").display().to_string();
    let ran = tutor.run("run demo").code(0);
    ran.stdout_has(&format!("cargo: {home}/.cargo\n"));
    let tutor = tutor.env("CARGO_HOME", "/somewhere/else");
    tutor
        .run("run demo")
        .code(0)
        .stdout_has("cargo: /somewhere/else\n");
    // A path that is not absolute would be a different folder for each step.
    let tutor = tutor.env("CARGO_HOME", "here").env("HOME", "");
    tutor.run("run demo").code(0).stdout_has("cargo: \n");
}
