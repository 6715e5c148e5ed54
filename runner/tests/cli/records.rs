//! Accepted outputs and the lesson that they are of: which of them are stale, and what they prove.

use super::*;

/// The warnings of `tutor check`, each with its help; none where there are none.
fn warnings(tutor: &Tutor) -> Vec<String> {
    let found = tutor.run("check --json").code(0).json();
    let rows = found["diagnostics"].as_array().expect("rows").clone();
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or("").to_owned();
    let told = rows.iter().map(|row| {
        let place = format!("{}:{}", text(row, "file"), row["line"]);
        format!("{place}: {}; {}", text(row, "message"), text(row, "help"))
    });
    told.collect()
}

const HOW: &str = "run `tutor test demo`, then `tutor review demo`";

fn stale(line: usize, names: &str, reasons: &str) -> String {
    format!(
        "lessons/demo.md:{line}: the recorded output `demo/{names}` is not of this step as it is \
         now: when it was recorded, {reasons}; {HOW}"
    )
}

#[test]
fn a_command_that_changed_without_a_test_is_named_and_its_output_is_changed() {
    let body = step("a", "echo one") + &step("b", "echo two");
    let tutor = accepted(&body);
    assert_eq!(warnings(&tutor), [""; 0]);
    let tutor = tutor.edited("demo", &body.replace("echo two", "printf 'two\\n'"));
    assert_eq!(
        warnings(&tutor),
        [stale(15, "b", "the command was another")]
    );
    let ran = tutor.run("test").code(1).stdout_has("1 passed, 1 changed");
    ran.stdout_has("b: the output is as recorded, but the step is not")
        .stdout_has("when it was recorded, the command was another");
    let shown = tutor.run("review").code(0);
    shown.stdout_has("the same output");
    tutor.run("accept --all").code(0);
    assert!(tutor.get("course/snapshots/demo/b.snap").contains("printf"));
    assert_eq!(warnings(&tutor), [""; 0]);
    tutor.run("test").code(0);
}

#[test]
fn another_status_is_changed_and_accepted_like_any_change() {
    let body = step("quit exit=4", "echo bye; exit 4");
    let tutor = accepted(&body);
    let tutor = tutor.edited("demo", &body.replace('4', "5"));
    let both = "the command was another, it ended with 4";
    assert_eq!(warnings(&tutor), [stale(11, "quit", both)]);
    tutor.run("test").code(1).stdout_has(both);
    tutor.run("accept --all").code(0);
    assert!(
        tutor
            .get("course/snapshots/demo/quit.snap")
            .contains("exit: 5\n")
    );
    tutor.run("test").code(0);
}

#[test]
fn another_status_of_a_step_that_may_end_with_any_is_changed() {
    let body = step("quit exit=nonzero", "echo bye; exit $(cat status)");
    let tutor = Tutor::new().lesson(format!("```text {{file=status}}\n4\n```\n\n{body}"));
    tutor.run("test").code(1);
    tutor.run("accept --all").code(0);
    let page = tutor
        .get("course/lessons/demo.md")
        .replace("\n4\n", "\n5\n");
    tutor.put("course/lessons/demo.md", &page);
    let why = "`status` above it was another, it ended with 4";
    tutor.run("test").code(1).stdout_has(why);
}

#[test]
fn a_file_that_changed_without_a_test_is_named_at_the_next_output() {
    let body = "```text {file=data}\none\n```\n\n".to_owned()
        + &plain("enter", "cd .")
        + &step("a", "wc -l < data")
        + &step("b", "echo two");
    let tutor = accepted(&body);
    // What is not compared shows nothing of it, so it is named at both.
    let tutor = tutor.edited("demo", &body.replace("\none\n", "\nother\n"));
    assert_eq!(
        warnings(&tutor),
        [
            stale(15, "enter", "`data` above it was another"),
            stale(19, "a", "`data` above it was another")
        ]
    );
    let tutor = tutor.edited("demo", &body.replace("cd .", "cd /"));
    assert_eq!(
        warnings(&tutor),
        [
            stale(15, "enter", "the command was another"),
            stale(19, "a", "`enter` above it was another")
        ]
    );
    let tutor = tutor.edited("demo", &body.replace("id=a", "id=a mask=time"));
    assert_eq!(warnings(&tutor), [stale(19, "a", "it had no masks")]);
    let tutor = tutor.edited("demo", &body.replace("id=a", "id=a on=kernel"));
    assert_eq!(warnings(&tutor), [stale(19, "a", "it ran on the host")]);
}

#[test]
fn what_no_step_finds_any_more_is_named() {
    let facet = "[facets.tool]\nprobe = \"echo 1.5\"\n";
    let body = step("a", "echo one") + &step("b vary=tool", "echo two");
    let tutor = Tutor::new().lesson(&body).course(facet);
    tutor.run("test").code(1);
    tutor.run("accept --all").code(0);
    let variant = "course/snapshots/demo/b@tool-1.5.snap";
    tutor.put(variant, &tutor.get("course/snapshots/demo/b.snap"));
    assert_eq!(warnings(&tutor), [""; 0]);

    let prune = "`tutor accept --prune` removes it";
    let no_variant = "this output is a variant of a step that does not vary by that now";
    let tutor = tutor.edited("demo", &body.replace(" vary=tool", ""));
    let of_variant = format!("snapshots/demo/b@tool-1.5.snap:1: {no_variant}; {prune}");
    assert_eq!(warnings(&tutor), std::slice::from_ref(&of_variant));

    let uncompared = body.replace("id=b", "id=b compare=none");
    let tutor = tutor.edited("demo", &uncompared.replace(" vary=tool", ""));
    let found = warnings(&tutor);
    assert!(found.contains(&of_variant), "{found:#?}");
}

/// A step whose output is another one each time, and a check of it.
fn uncompared() -> String {
    step("draw compare=none", "echo \"drew $RANDOM$RANDOM$RANDOM\"")
        + &check("drawn of=draw match=^drew", "cat \"$TUTOR_STDOUT\"")
}

#[test]
fn of_a_step_that_is_not_compared_one_output_is_recorded_until_another_is_asked_for() {
    let tutor = Tutor::new().lesson(uncompared());
    let waiting = "course/snapshots/demo/draw.snap.new";
    let ran = tutor.run("test").code(0);
    ran.stdout_has("1 output waits to be read");
    let sample = tutor.get(waiting);
    assert!(sample.contains("drew "), "{sample}");
    tutor.run("accept --all").code(0);
    assert_eq!(warnings(&tutor), [""; 0]);

    // Whatever comes out, it is not compared.
    tutor.run("test").code(0);
    assert!(!tutor.path(waiting).exists());
    tutor.run("test --renew").code(0);
    assert_ne!(tutor.get(waiting), sample);
    tutor.run("reject --all").code(0);

    // Of another command it is another's sample.
    let tutor = tutor.edited("demo", &uncompared().replace("drew $", "drew $HOME $"));
    assert_eq!(
        warnings(&tutor),
        [stale(11, "draw", "the command was another")]
    );
    tutor.run("test").code(0);
    assert!(
        tutor.get(waiting).contains("drew $HOME"),
        "{}",
        tutor.get(waiting)
    );
}

#[test]
fn the_sample_of_a_step_that_is_not_compared_fails_nobody_and_is_shown_to_who_only_reads() {
    let tutor = Tutor::new().lesson(uncompared());
    tutor.run("test").code(0);
    tutor.run("accept --all").code(0);
    let snap = "course/snapshots/demo/draw.snap";
    tutor.run("show demo").code(0).stdout_has("drew ");
    let json = tutor.run("test --format json").code(0).json().to_string();
    assert!(!json.contains("recorded_stdout"), "{json}");
    // A damaged one is told by `check`, and no run fails by it.
    tutor.put(snap, "---\nnot a snapshot");
    tutor.run("test").code(0);
    tutor.run("check").code(4);
}

/// A step that prints three bytes, a check of that, and one of a value that differs in each run.
fn checked() -> String {
    step("build", "echo ab; echo $RANDOM > number")
        + &check("size of=build expect=3", "wc -c < \"$TUTOR_STDOUT\"")
        + &check("number of=build range=0..32767", "cat number")
}

#[test]
fn what_checks_found_is_recorded_reviewed_and_compared() {
    let body = checked();
    let tutor = Tutor::new().lesson(&body);
    tutor.run("test").code(1);
    let shown = tutor.run("review").code(0);
    shown
        .stdout_has("check size held: 3, expect=3")
        .stdout_has("check number held: ");
    tutor.run("accept --all").code(0);
    let snap = tutor.get("course/snapshots/demo/build.snap");
    assert!(
        snap.contains("      expect: \"3\"\n      value: \"3\"\n"),
        "{snap}"
    );
    // Another value of the same range is no difference.
    tutor.run("test --strict").code(0);
    assert_eq!(warnings(&tutor), [""; 0]);

    for (from, to, reason) in [
        ("0..32767", "0..40000", "check `number` was another"),
        ("expect=3", "match=3", "check `size` was another"),
        ("wc -c <", "wc --bytes <", "check `size` was another"),
    ] {
        let tutor = &tutor;
        let page = tutor.get("course/lessons/demo.md");
        assert!(page.contains(from), "{from}");
        tutor.put("course/lessons/demo.md", &page.replace(from, to));
        assert_eq!(warnings(tutor), [stale(11, "build", reason)]);
        tutor.run("test").code(1).stdout_has(reason);
        tutor.run("accept --all").code(0);
        tutor.run("test").code(0);
    }
    let more = body.clone() + &check("more of=build match=^a", "cat \"$TUTOR_STDOUT\"");
    let tutor = tutor.edited("demo", &more);
    tutor
        .run("test")
        .code(1)
        .stdout_has("check `more` was not there");
    tutor.run("accept --all").code(0);
    let tutor = tutor.edited("demo", &body);
    assert_eq!(
        warnings(&tutor),
        [stale(11, "build", "it had a check `more`")]
    );
}

#[test]
fn a_check_that_does_not_hold_is_not_recorded_as_one_that_does() {
    let body = checked().replace("expect=3", "expect=4");
    let tutor = Tutor::new().lesson(&body);
    tutor.run("test").code(1).stdout_has("size does not hold");
    let waiting = tutor.get("course/snapshots/demo/build.snap.new");
    assert!(!waiting.contains("size:"), "{waiting}");
    assert!(waiting.contains("number:"), "{waiting}");
}

#[test]
fn an_old_record_is_read_and_renewed() {
    let tutor = accepted(&checked());
    let file = "course/snapshots/demo/build.snap";
    let snap = tutor.get(file);
    let start = snap.find("  place: host").expect("it says where");
    let end = snap.find("\n---\n").expect("its metadata ends") + 1;
    tutor.put(file, &format!("{}{}", &snap[..start], &snap[end..]));
    tutor.run("test").code(0).stdout_lacks("waits to be read");
    let ran = tutor.run("test --renew").code(0);
    ran.stdout_has("1 output waits to be read");
    tutor.run("accept --all").code(0);
    assert!(tutor.get(file).contains("  checks:\n"));
}

#[test]
fn a_record_names_whole_versions_and_no_kernel_where_none_was_used() {
    let facets = "[facets.kernel]\non = \"kernel\"\nprobe = \"uname -r\"\n\
        [facets.tool]\nprobe = \"echo a tool, version v1.2.3-rc1, of today\"\nprecision = \"major\"\n";
    let tutor = Tutor::new()
        .lesson(step("here", "echo 1") + &step("there on=kernel", "uname -r | wc -l"))
        .course(facets);
    tutor.run("test --on host").code(1);
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("a release");
    let there = tutor.get("course/snapshots/demo/there.snap.new");
    assert!(
        there.contains(&format!("    kernel: {}\n", release.trim())),
        "{there}"
    );
    let here = tutor.get("course/snapshots/demo/here.snap.new");
    assert!(!here.contains("kernel"), "{here}");
    for snap in [here, there] {
        assert!(snap.contains("    tool: \"1\"\n"), "{snap}");
        assert!(snap.contains("    tool: 1.2.3-rc1\n"), "{snap}");
    }
}

#[test]
fn what_was_made_after_a_failure_is_marked_and_needs_a_word_of_its_own() {
    let body = step("before", "echo 0")
        + &step("server", "echo busy >&2; false")
        + &step("get", "echo '<html>404'")
        + &step("stop", "true");
    let tutor = Tutor::new().lesson(&body);
    tutor.run("test").code(1);
    let shown = tutor.run("review").code(0);
    shown.stdout_has("`server` failed in the same run");
    let left = "left alone: `server` failed before demo/get ended in the same run";
    let ran = tutor.run("accept --all").code(3).stderr_has(left);
    ran.stderr_has("demo/stop ended")
        .stdout_has("accepted demo/before");
    let accepted: Vec<String> = tutor.files("course/snapshots").into_keys().collect();
    let waiting = [
        "demo/before.snap",
        "demo/get.snap.new",
        "demo/stop.snap.new",
    ];
    assert_eq!(accepted, waiting);
    let rows = tutor.run("review --json").code(0).json();
    assert_eq!(rows["waiting"][0]["after_failure"], "server");
    tutor.run("accept demo get").code(3).stderr_has(left);
    tutor.run("accept --all --after-failure").code(0);
    let why = "`server` had failed before in the same run";
    assert_eq!(
        warnings(&tutor),
        [stale(19, "get", why), stale(23, "stop", why)]
    );

    let mended = body.replace("echo busy >&2; false", "echo ready");
    let tutor = tutor.edited("demo", &mended);
    tutor
        .run("test")
        .code(1)
        .stdout_has("stop: the output is as recorded, but the step is not");
    tutor.run("accept --all").code(0);
    assert_eq!(warnings(&tutor), [""; 0]);
    tutor.run("test").code(0);
}

#[test]
fn a_check_that_fails_marks_its_step_and_what_follows() {
    let body = step("a", "echo 1")
        + &check("two of=a expect=2", "cat \"$TUTOR_STDOUT\"")
        + &step("b", "echo 3");
    let tutor = Tutor::new().lesson(body);
    tutor.run("test").code(1);
    for step in ["a", "b"] {
        let waiting = tutor.get(&format!("course/snapshots/demo/{step}.snap.new"));
        assert!(waiting.contains("  after_failure: two\n"), "{waiting}");
    }
}

#[test]
fn a_background_step_that_fails_late_marks_what_follows_it_in_the_text() {
    let body = step("server background", "sleep 0.2; exit 3")
        + &step("get", "sleep 0.5; echo '<html>404'");
    let tutor = Tutor::new().lesson(body);
    tutor.run("test").code(1);
    let waiting = tutor.get("course/snapshots/demo/get.snap.new");
    assert!(waiting.contains("  after_failure: server\n"), "{waiting}");
}

#[test]
fn outputs_are_shown_in_the_order_of_the_course_with_place_and_status() {
    let tutor = Tutor::new()
        .lesson(step("z", "echo 1") + &step("a exit=3", "exit 3"))
        .lesson(step("b", "echo 2"));
    let page = tutor.get("course/lessons/demo.md");
    tutor.put(
        "course/lessons/demo.md",
        &page.replace("name: demo", "name: zoo"),
    );
    tutor.run("test").code(1);
    let shown = tutor.run("review").code(0);
    let titles: Vec<&str> = shown
        .stdout
        .lines()
        .filter(|line| line.starts_with("demo"))
        .collect();
    assert_eq!(
        titles,
        [
            "demo/z lessons/demo.md:11 (1/3)",
            "demo/a lessons/demo.md:15 (2/3)",
            "demo-2/b lessons/demo-2.md:11 (3/3)",
        ]
    );
    shown
        .stdout_has("new, exit 3: ")
        .stdout_has("it printed nothing");
    let accepted = tutor.run("accept --all").code(0);
    assert_eq!(
        accepted.stdout,
        "accepted demo/z\naccepted demo/a\naccepted demo-2/b\n"
    );
}

#[test]
fn a_new_variant_is_shown_beside_the_output_for_all_others() {
    let tutor = Tutor::new().unconfined();
    tutor.put("version", "1.5\n");
    let version = tutor.path("version").display().to_string();
    let facet = format!("[facets.tool]\nprobe = \"cat {version}\"\n");
    let body = step("one vary=tool", &format!("echo same; cat {version}"));
    let tutor = tutor.lesson(body).course(&facet);
    tutor.run("test").code(1);
    tutor.run("accept --all").code(0);
    tutor.put("version", "2.0\n");
    tutor.run("test").code(0);
    let shown = tutor.run("review").code(0);
    shown
        .stdout_has("demo/one@tool-2.0 ")
        .stdout_has("the output for all others, exit 0: ")
        .stdout_has("-1.5")
        .stdout_has("+2.0");
}

#[test]
fn prune_removes_what_no_step_finds_and_nothing_else() {
    let body = step("a", "echo one") + &step("b", "echo two");
    let tutor = accepted(&body);
    let snap = tutor.get("course/snapshots/demo/a.snap");
    tutor.put("course/snapshots/demo/old.snap", &snap);
    tutor.put("course/snapshots/demo/old.snap.new", &snap);
    tutor.put("course/snapshots/demo/notes.txt", "mine");
    let tutor = tutor.edited("demo", &body.replace("id=b", "id=b exit=oops"));
    tutor.run("accept --prune").code(4);
    assert!(tutor.path("course/snapshots/demo/old.snap").exists());
    let tutor = tutor.edited("demo", &step("a", "echo one"));
    let ran = tutor.run("accept --prune").code(0);
    ran.stdout_has("removed demo/old.snap, which is of no step of this course")
        .stdout_has("removed demo/b.snap, which is of no step of this course");
    let left: Vec<String> = tutor.files("course/snapshots").into_keys().collect();
    assert_eq!(left, ["demo/a.snap", "demo/notes.txt"]);
    tutor
        .run("accept --prune")
        .code(0)
        .stdout_has("every output is of a step");
}

#[test]
fn the_value_of_a_check_is_recorded_as_the_masks_of_its_step_leave_it() {
    let body = step("build mask=time", "echo done")
        + &check(
            "soon of=build match=^took",
            "echo took $((RANDOM % 50 + 2)) ms in $PWD",
        )
        + &check("in of=build expect=\"12 ms\"", "echo 12 ms");
    let tutor = Tutor::new().lesson(body);
    tutor.run("test").code(1);
    let waiting = tutor.get("course/snapshots/demo/build.snap.new");
    let masked = "      value: \"took [TIME] in [WORKSPACE]\"\n";
    assert!(waiting.contains(masked), "{waiting}");
    assert!(waiting.contains("      value: 12 ms\n"), "{waiting}");
}

#[test]
fn an_output_that_is_shown_without_a_run_is_said_to_be_of_another_command() {
    let body = step("a", "echo one") + &step("b", "echo two");
    let tutor = accepted(&body);
    let why = "when it was recorded, the command was another";
    tutor.run("show demo").code(0).stdout_lacks(why);
    let other = body.replace("id=b", "id=b needs=gone").replace("two", "2");
    let tutor = tutor.course(NEEDS).edited("demo", &other);
    tutor.run("show demo").code(0).stdout_has(why);
    tutor.run("run demo").code(0).stdout_has(why);
}

#[test]
fn at_a_terminal_one_answer_takes_what_was_made_after_a_failure_and_the_answer_for_all_does_not() {
    let body = step("fails", "false") + &step("a", "echo a") + &step("b", "echo b");
    let tutor = Tutor::new().lesson(body);
    tutor.run("test").code(1);
    let Some(mut running) = at_a_terminal(&tutor, "review demo") else {
        return;
    };
    for (number, answer) in [(1, "a\n"), (2, "A\n")] {
        running.until_stdout(&format!("({number}/2)"));
        running.say(answer);
    }
    let ran = running.end().code(3);
    ran.stdout_has("accepted demo/a")
        .stdout_lacks("accepted demo/b");
    assert!(tutor.path("course/snapshots/demo/b.snap.new").exists());
}

#[test]
fn a_mask_of_the_course_that_changed_is_named() {
    let masks =
        |pattern: &str| format!("[masks.port]\npattern = '{pattern}'\ntoken = \"[PORT]\"\n");
    let body = step("a mask=port", "echo port 80") + &step("b", "echo port 80");
    let tutor = Tutor::new().lesson(body).course(&masks("port ([0-9]+)"));
    tutor.run("test").code(1);
    tutor.run("accept --all").code(0);
    assert_eq!(warnings(&tutor), [""; 0]);
    let manifest = "course/lessons/course.toml";
    let other = tutor.get(manifest).replace("([0-9]+)", "([0-9]{2})");
    tutor.put(manifest, &other);
    let why = "mask `port` of the course was another";
    assert_eq!(warnings(&tutor), [stale(11, "a", why)]);
    tutor.run("test").code(1).stdout_has(why);
    tutor.run("accept --all").code(0);
    tutor.run("test").code(0);
}
