//! The screen: what reaches it, how wide it is, and where courses are found.

use super::*;

/// Text that a terminal would obey, or that reads otherwise than it is.
const EVIL: &str = "A\u{1b}]0;owned\u{7}B\u{1b}[2JC\u{202e}D\u{9b}31mE\rF\u{2066}G";

/// True if a terminal may get it: of escape sequences those that color alone.
fn is_harmless(text: &str) -> bool {
    let colorless = regex::Regex::new("\u{1b}\\[[0-9;]*m")
        .expect("a pattern")
        .replace_all(text, "");
    !colorless.chars().any(|c| {
        (c.is_control() && c != '\n' && c != '\t')
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    })
}

#[test]
fn no_step_reaches_the_terminal_past_tutor() {
    let body = plain("one exit=nonzero", "echo at \"you\" >/dev/tty")
        + &plain("two exit=nonzero", "read -r key </dev/tty");
    let tutor = Tutor::new().unconfined().lesson(body);
    let Some(running) = at_a_terminal(&tutor, "run demo") else {
        return;
    };
    let ran = running.end().code(0).stdout_lacks("at you");
    let refused = ran.stdout.matches("/dev/tty: No such device").count();
    assert_eq!(refused, 2, "{}", ran.stdout);
}

#[test]
fn output_of_steps_cannot_steer_the_terminal() {
    let octal: String = EVIL.bytes().map(|byte| format!("\\{byte:03o}")).collect();
    let evil = format!("printf '{octal}\\n'");
    let body = step("one", &evil)
        + &plain("two", &format!("{evil} >&2; exit 4"))
        + &check("three of=one expect=1", &format!("{evil}; {evil} >&2"))
        + &plain("four needs=evil", "true")
        + &plain(
            "five",
            &format!(
                "bash -c 'exec -a \"$0\" sleep 1000' \"$({evil})\" >/dev/null 2>&1 & until grep -q owned /proc/$!/cmdline; do :; done"
            ),
        );
    let toml = format!(
        "[needs.evil]\nwhat = \"a need\"\nwhy = \"for tests\"\nprobe = '''\n{evil}\nexit 1\n'''\nremedy = \"none\"\n"
    );
    let tutor = Tutor::new().lesson(body).course(&toml);
    for color in ["always", "never", "auto"] {
        for line in ["run demo", "test", "review", "doctor"] {
            let ran = tutor.run(&format!("{line} --color {color}"));
            assert!(
                ran.stdout.contains('G') || line == "review",
                "{line}: {}",
                ran.stdout
            );
            assert!(
                is_harmless(&ran.stdout),
                "{line} --color {color}: {:?}",
                ran.stdout
            );
            assert!(
                is_harmless(&ran.stderr),
                "{line} --color {color}: {:?}",
                ran.stderr
            );
        }
    }
    tutor.run("accept --all --after-failure").code(0);
    let page = tutor
        .get("course/lessons/demo.md")
        .replacen("\\n'", " changed\\n'", 1);
    tutor.put("course/lessons/demo.md", &page);
    for line in ["run demo", "test", "review", "show demo"] {
        let ran = tutor.run(&format!("{line} --color always"));
        assert!(is_harmless(&ran.stdout), "{line}: {:?}", ran.stdout);
    }
}

#[test]
fn text_of_lessons_cannot_steer_the_terminal() {
    let body = format!(
        "Prose {EVIL}\n\n## Head {EVIL}\n\n- item {EVIL}\n\n```text\nfence {EVIL}\n```\n\n"
    ) + &plain("one", &format!(": '{EVIL}'"))
        + &step("three", "echo 3")
        + &format!("```c {{file=a.c}}\n// {EVIL}\n```\n\n")
        + &format!(
            "[Claim {EVIL}](#check-two)\n\n```sh {{check=two of=one expect=1}}\necho 2\n```\n"
        );
    let toml = format!(
        "[needs.evil]\nwhat = {EVIL:?}\nwhy = {EVIL:?}\nprobe = \"exit 1\"\nremedy = {EVIL:?}\n",
    )
    .replace("\\u{", "\\U{");
    let toml = regex::Regex::new(r"\\U\{([0-9a-f]+)\}")
        .expect("a pattern")
        .replace_all(&toml, |found: &regex::Captures<'_>| {
            format!("\\U{:0>8}", &found[1])
        });
    let tutor = Tutor::new().lesson(body).course(&toml);
    let page = tutor.get("course/lessons/demo.md");
    let evil_title = "\"A\\u001b]0;owned\\u0007B\\u202eC\"";
    tutor.put(
        "course/lessons/demo.md",
        &page.replacen("title: The lesson demo", &format!("title: {evil_title}"), 1),
    );
    let evil_snapshot = format!("---\nexpression: {evil_title}\n---\n{EVIL}\n");
    tutor.put("course/snapshots/demo/three.snap", &evil_snapshot);
    tutor.put("course/snapshots/demo/three.snap.new", &evil_snapshot);
    for color in ["always", "never"] {
        for line in [
            "run demo",
            "test",
            "show demo",
            "list",
            "check",
            "doctor",
            "review",
        ] {
            let ran = tutor.run(&format!("{line} --color {color}"));
            assert!(!ran.stdout.is_empty(), "{line}: {}", ran.stderr);
            assert!(
                is_harmless(&ran.stdout),
                "{line} --color {color}: {:?}",
                ran.stdout
            );
            assert!(
                is_harmless(&ran.stderr),
                "{line} --color {color}: {:?}",
                ran.stderr
            );
        }
    }
    tutor.put(
        "course/lessons/demo.md",
        &(page + &format!("\n```sh {{id=one bad=\"{EVIL}\"}}\n: {EVIL}\n```\n")),
    );
    for color in ["always", "never"] {
        for line in ["run demo", "check"] {
            let ran = tutor.run(&format!("{line} --color {color}")).code(4);
            assert!(
                is_harmless(&ran.stdout),
                "{line} --color {color}: {:?}",
                ran.stdout
            );
            assert!(
                is_harmless(&ran.stderr),
                "{line} --color {color}: {:?}",
                ran.stderr
            );
        }
    }
}

#[test]
fn color_comes_when_it_is_wanted_and_only_repeats_the_words() {
    let body =
        "Some **bold** prose.\n\n".to_owned() + &plain("one", "echo hi") + &plain("two", "false");
    let tutor = Tutor::new().lesson(body);
    let plain_run = tutor.run("run demo --quiet").code(1).stdout_lacks("\u{1b}");
    let colored = tutor
        .run("run demo --quiet --color always")
        .code(1)
        .stdout_has("\u{1b}[");
    let colorless = regex::Regex::new("\u{1b}\\[[0-9;]*m")
        .expect("a pattern")
        .replace_all(&colored.stdout, "")
        .into_owned();
    let times = regex::Regex::new("[0-9.]+ (µs|ms|s)").expect("a pattern");
    assert_eq!(
        times.replace_all(&colorless, "T"),
        times.replace_all(&plain_run.stdout, "T")
    );
    let tutor = tutor.env("CLICOLOR_FORCE", "1");
    tutor.run("run demo").stdout_has("\u{1b}[");
    let tutor = tutor.env("NO_COLOR", "1");
    tutor.run("run demo").stdout_lacks("\u{1b}");
    tutor.run("run demo --color always").stdout_has("\u{1b}[");
    tutor.run("run demo --color never").stdout_lacks("\u{1b}");
}

#[test]
fn prose_fits_a_narrow_and_a_wide_screen() {
    let prose = "A sentence that is long enough to be wrapped more than once on a narrow screen. "
        .repeat(4);
    let chinese = "验证器逐条检查每一条指令，然后才允许程序运行。".repeat(6);
    let table = "| name | what it is |\n|---|---|\n| map | a place to keep things between two runs of a program |\n";
    let body = format!("{prose}\n\n{chinese}\n\n- {prose}\n\n{table}\n\n> {prose}\n\n")
        + &plain("one", "true");
    for columns in [40, 200] {
        let tutor = Tutor::new()
            .lesson(&body)
            .env("COLUMNS", &columns.to_string());
        let ran = tutor.run("show demo").code(0);
        for line in ran.stdout.lines() {
            let width = unicode_width::UnicodeWidthStr::width(line);
            assert!(width <= columns, "{width} columns of {columns}: {line:?}");
        }
    }
}

#[test]
fn at_a_narrow_terminal_nothing_but_code_is_wider_than_it() {
    let sentence = "a sentence that is a good deal longer than forty columns of a terminal";
    let body = step("fails timeout=20s", &format!("echo '{sentence}'\nexit 3"))
        + &check(
            "wrong of=fails expect=1",
            &format!("echo '{sentence}'; echo 'why: {sentence}' >&2"),
        )
        + &step("lacks needs=thing", "true")
        + &plain("loads on=kernel needs=first,second", "true")
        + "What follows the step that was skipped.\n";
    let need = format!(
        "[needs.thing]\nwhat = \"{sentence}\"\nwhy = \"{sentence}\"\nremedy = \"{sentence}\"\nprobe = \"echo {sentence}; false\""
    );
    let of_kernel = ["first", "second"].map(|name| {
        format!("[needs.{name}]\non = \"kernel\"\nwhat = \"it\"\nwhy = \"it\"\nremedy = \"it\"\nprobe = \"true\"\n")
    });
    let tutor = Tutor::new().lesson(body).course(&need);
    let tutor = tutor.course(&of_kernel.concat()).env("NO_COLOR", "1");
    for line in [
        "run demo",
        "test",
        "doctor",
        "matrix",
        "list",
        "run demo --only fals",
        "show demo --no-pager",
    ] {
        let Some(running) = at_a_terminal_of(&tutor, 40, line) else {
            return;
        };
        let ran = running.end();
        for row in ran.stdout.lines() {
            // Moving lines are drawn over, and code is as its author wrote it.
            let row = row
                .trim_end_matches('\r')
                .rsplit("\u{1b}[2K")
                .next()
                .unwrap_or(row);
            let is_code = row.starts_with("  $ ") || row.starts_with("    exit 3");
            let columns = unicode_width::UnicodeWidthStr::width(row);
            assert!(
                columns <= 40 || is_code,
                "{columns} columns: {row:?} in {}",
                ran.told()
            );
        }
        assert!(!ran.stdout.is_empty());
        let ran = ran.stdout_lacks("colu\r\n");
        if line == "run demo" {
            ran.stdout_has("`tutor run demo --only fails`\r\n");
        }
    }
    let changed = format!("echo 'other {sentence}'");
    let tutor = tutor.edited("demo", &step("fails", &format!("echo '{sentence}'")));
    tutor.run("test").code(1);
    tutor.run("accept --all").code(0);
    let tutor = tutor.edited("demo", &step("fails", &changed));
    if let Some(running) = at_a_terminal_of(&tutor, 40, "test") {
        let ran = running.end();
        ran.stdout_has("    -a sentence that is a good deal\r\n")
            .stdout_has("    +other a sentence that is a good\r\n")
            .stdout_has("       longer than forty columns of a\r\n");
    }
    let tutor = tutor.edited(
        "demo",
        &plain("fails", &format!("echo '{sentence}'; (exit 1)")),
    );
    // Scripts look for whole lines.
    tutor
        .run("run demo")
        .code(1)
        .stdout_has(&format!("  │ {sentence}\n"));
}

#[test]
fn the_question_whether_a_course_may_run_fits_a_narrow_terminal() {
    let tutor = Tutor::new().lesson(plain("one", "echo ran")).not_trusted();
    let tutor = tutor.env("NO_COLOR", "1");
    let Some(mut running) = at_a_terminal_of(&tutor, 40, "run demo") else {
        return;
    };
    running.until_stdout("run it?");
    running.say("n\n");
    let ran = running.end().code(2).stdout_lacks("│ ran");
    for row in ran.stdout.lines() {
        let columns = unicode_width::UnicodeWidthStr::width(row.trim_end_matches('\r'));
        assert!(columns <= 40, "{row:?} in {}", ran.told());
    }
}

#[test]
fn output_fits_a_terminal_that_became_narrower_meanwhile() {
    let sentence = "a sentence that is a good deal longer than forty columns of a terminal";
    // The shell's parent is the agent, whose parent has the terminal.
    let script = format!(
        "read -r _ _ _ tutor _ </proc/$PPID/stat\nstty cols 40 </proc/$tutor/fd/1\necho '{sentence}'"
    );
    let tutor = Tutor::new().unconfined().lesson(plain("one", &script));
    let tutor = tutor.env("NO_COLOR", "1");
    if let Some(running) = at_a_terminal(&tutor, "run demo") {
        let ran = running.end().code(0);
        ran.stdout_has("│ a sentence that is a good deal\r\n");
    }
}

#[test]
fn a_step_or_a_lesson_that_is_not_there_is_answered_with_what_was_meant() {
    let tutor = Tutor::new().lesson(plain("compile", "true"));
    for line in [
        "run demo --only compil",
        "run demo --until compil",
        "accept demo compil",
        "study demo --from compil",
    ] {
        let ran = tutor.run(line).code(2);
        ran.stderr_has("no step `compil` in demo; did you mean `compile`?");
    }
    let ran = tutor.run("run demo --only x").code(2);
    ran.stderr_has("its only step is `compile`");
    tutor
        .run("run dmo")
        .code(2)
        .stderr_has("did you mean `demo`?");
    tutor
        .run("run demo-7")
        .code(2)
        .stderr_has("the only lesson is `demo`");
    tutor.run("accept demo compile").code(0);
}

#[test]
fn the_course_is_found_from_below_and_by_its_variable() {
    let tutor = Tutor::new().lesson(plain("one", "true"));
    fs::create_dir_all(tutor.path("course/deep/below")).expect("writable");
    let listed = |from: &Path, variable: Option<&Path>| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tutor"));
        command
            .arg("list")
            .current_dir(from)
            .env("TUTOR_HOME", tutor.path("home"))
            .env_remove("TUTOR_COURSE");
        if let Some(folder) = variable {
            command.env("TUTOR_COURSE", folder);
        }
        tutor.start_command(command, "list").end()
    };
    listed(&tutor.path("course/deep/below"), None)
        .code(0)
        .stdout_has("A course");
    listed(&tutor.path("tmp"), Some(&tutor.path("course")))
        .code(0)
        .stdout_has("A course");
    listed(&tutor.path("tmp"), None).code(0).stdout_has("BPF");
    listed(&tutor.path("tmp"), Some(&tutor.path("nosuch"))).code(2);
}

#[test]
fn a_step_that_is_silent_is_seen_to_go_on_at_a_terminal_only() {
    let tutor = Tutor::new().unconfined();
    let fifo = tutor.path("go");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a fifo");
    let tutor = tutor.lesson(plain("one", &format!("read -r line <{}", fifo.display())));
    let Some(mut running) = at_a_terminal(&tutor, "run demo") else {
        return;
    };
    running.until_stdout("one has run for");
    fs::write(&fifo, "go\n").expect("the step reads");
    let ran = running.end().code(0);
    // Moving lines are wiped away at the end.
    let (_, after) = ran
        .stdout
        .rsplit_once("one has run for")
        .expect("it was seen");
    assert!(after.contains("\r\u{1b}[2K"), "{after:?}");
    let running = tutor.start("run demo");
    fs::write(&fifo, "go\n").expect("the step reads");
    running
        .end()
        .code(0)
        .stdout_lacks("has run for")
        .stdout_lacks("\r");
}

#[test]
fn a_page_with_line_ends_of_windows_runs_as_any_other() {
    let tutor = Tutor::new().lesson(
        "```text {file=a.txt}\ntext\n```\n\n".to_owned()
            + &plain("one", "echo hello\ncat a.txt\nx=5; [ $x = 5 ] && echo yes"),
    );
    let page = tutor.get("course/lessons/demo.md").replace('\n', "\r\n");
    tutor.put("course/lessons/demo.md", &page);
    let report = tutor.run("run demo --json").code(0).json();
    assert_eq!(
        report["lessons"][0]["items"][0]["stdout"],
        "hello\ntext\nyes\n"
    );
    tutor.run("check").code(0).stdout_has("no errors");
}

#[test]
fn a_page_that_is_no_text_is_named() {
    let tutor = Tutor::new().lesson(plain("one", "echo 1"));
    let page = tutor.get("course/lessons/demo.md").into_bytes();
    let with = |bytes: &[u8]| [page.as_slice(), bytes].concat();
    fs::write(tutor.path("course/lessons/demo.md"), with(b"\xff\xfe")).expect("writable");
    let ran = tutor.run("run demo");
    assert!(ran.stderr.contains("lessons/demo.md"), "{}", ran.told());
    ran.code(4);
    fs::write(
        tutor.path("course/lessons/demo.md"),
        with(b"\n```sh {id=two}\necho a\0b\n```\n"),
    )
    .expect("writable");
    let ran = tutor.run("run demo");
    assert!(!ran.stderr.contains("panicked"), "{}", ran.told());
}

#[test]
fn a_missing_page_and_a_broken_manifest_are_named() {
    let tutor = Tutor::new()
        .lesson(plain("one", "echo 1"))
        .lesson(plain("two", "echo 2"));
    fs::remove_file(tutor.path("course/lessons/demo-2.md")).expect("there");
    tutor.run("check").code(4).stdout_has("demo-2");
    tutor.run("run demo").code(0);
    tutor.run("run demo-2").code(4).stderr_has("demo-2");
    tutor.put(
        "course/lessons/course.toml",
        "format = 1\ntitle = \"x\nlessons = [",
    );
    tutor
        .run("check")
        .code(4)
        .stdout_has("lessons/course.toml:2:");
}

#[test]
fn a_terminal_is_asked_once() {
    let tutor = Tutor::new().unconfined().not_trusted();
    let witness = tutor.path("ran");
    let tutor = tutor.lesson(plain("one", &format!("echo ran >>{}", witness.display())));
    let asked = |answer: &str| {
        let mut running = at_a_terminal(&tutor, "run demo")?;
        running.until_stdout("run it? [y]");
        running.say(answer);
        Some(running.end())
    };
    let Some(refused) = asked("n\n") else { return };
    refused.code(2).stdout_has("1 step");
    assert!(!witness.exists());
    asked("y\n").expect("as before").code(0);
    assert_eq!(fs::read_to_string(&witness).expect("it ran"), "ran\n");
    tutor.run("run demo").code(0);
    let page = tutor.get("course/lessons/demo.md") + &plain("two", "true");
    tutor.put("course/lessons/demo.md", &page);
    tutor
        .run("run demo")
        .code(2)
        .stderr_has("is not tutor's own");
}

#[test]
fn what_stands_in_a_path_is_shown_in_an_error_and_not_obeyed() {
    let tutor = Tutor::new();
    for (name, is_pipe) in [("folder", false), ("pipe", true)] {
        let course = tutor.path(&format!("\u{1b}]0;owned\u{7}\u{202e}{name}"));
        std::fs::create_dir_all(course.join("lessons")).unwrap();
        let manifest = course.join("lessons/course.toml");
        match is_pipe {
            true => nix::unistd::mkfifo(&manifest, nix::sys::stat::Mode::S_IRWXU).unwrap(),
            false => std::fs::create_dir(&manifest).unwrap(),
        }
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tutor"));
        let command = command.arg("list").arg("--course").arg(&course);
        let said = command
            .env("TUTOR_HOME", tutor.path("home"))
            .output()
            .unwrap();
        let said = String::from_utf8(said.stderr).unwrap();
        assert!(said.contains(r"␛]0;owned␇\u{202e}"), "{said}");
        assert!(!said.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{said}");
    }
}
