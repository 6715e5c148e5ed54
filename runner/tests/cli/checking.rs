//! `tutor check`, `tutor new` and `tutor help`, as an author types them.

use super::{Tutor, check, plain, step};
use crate::broken::with_broken_lessons;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn check_takes_lessons_by_name_number_and_path() {
    let tutor = with_broken_lessons();
    for name in ["demo", "lessons/demo.md"] {
        tutor
            .run(&format!("check {name}"))
            .code(0)
            .stdout_has("1 lesson: no errors, no warnings");
    }
    tutor
        .run("check demo-2 demo")
        .code(4)
        .stdout_has("`idd`")
        .stdout_has("2 lessons: 1 error, no warnings");
    tutor.run("check gone").code(4).stdout_has("is not there");
    tutor
        .run("check nosuch")
        .code(2)
        .stderr_has("no lesson `nosuch`");
    tutor.run("check").code(4).stdout_has("2 lessons: 2 errors");
    let json = tutor.run("check demo --json").code(0).json();
    assert_eq!(json["diagnostics"].as_array().map(Vec::len), Some(0));
}

#[test]
fn strict_makes_a_warning_fail() {
    let tutor = Tutor::new().lesson(
        "[a](nowhere.md)\n\n<!--\n```sh {id=x}\n```\n-->\n\n".to_owned() + &plain("one", "true"),
    );
    tutor.run("check").code(0).stdout_has("1 warning");
    tutor.run("check --strict").code(4).stdout_has("1 warning");
    // What may be meant so is no warning.
    let noted = "<!--\n```sh {id=x}\n```\n-->\n\n".to_owned() + &plain("one", "true");
    let tutor = Tutor::new().lesson(noted);
    tutor
        .run("check --strict")
        .code(0)
        .stdout_has("note: a fence in a comment does not run")
        .stdout_has("no errors, no warnings");
}

#[test]
fn check_asks_bash_whether_it_can_read_each_script_and_runs_none() {
    let tutor = Tutor::new().lesson(
        plain("one", "echo a\nif true; then\n\techo b")
            + &plain("two", "touch ran; for x in; do; done")
            + &plain("meant exit=2", "fi")
            + &plain("extended", "shopt -s extglob\nls !(a)")
            + &plain("open", "cat <<'EOF'\ntext")
            + &step("quoted", "echo \"$(cat <<'EOF'\ntext\nEOF\n)\"")
            + &check("c of=one expect=1", "echo $((1"),
    );
    let ran = tutor
        .run("check")
        .code(4)
        .stdout_has("bash cannot read step `one`: syntax error: unexpected end of file")
        .stdout_has("| touch ran; for x in; do; done")
        .stdout_has("bash cannot read step `two`: syntax error near unexpected token `;'")
        .stdout_has("bash cannot read check `c`")
        .stdout_has("warning: a here-document of step `open` lacks its last line `EOF`")
        .stdout_has("1 lesson: 3 errors, 2 warnings");
    assert!(!ran.told().contains("step `meant`:") && !ran.told().contains("extended"));
    assert!(!tutor.path("course/ran").exists());
}

#[test]
fn check_names_what_a_key_of_the_command_line_would_miss() {
    let tutor = Tutor::new().lesson(plain("one", "true"));
    let page = tutor.get("course/lessons/demo.md");
    for (stem, name) in [("1", "first"), ("lesson-1", "second"), ("b", "demo")] {
        let named = page.replace("name: demo", &format!("name: {name}"));
        tutor.put(&format!("course/lessons/{stem}.md"), &named);
    }
    let page = page.replace("name: demo", "name: third");
    tutor.put("course/lessons/demo.md", &page);
    let toml =
        "format = 1\ntitle = \"A course\"\nlessons = [\"1\", \"lesson-1\", \"b\", \"demo\"]\n";
    tutor.put("course/lessons/course.toml", toml);
    tutor
        .run("check")
        .code(0)
        .stdout_has("lessons/lesson-1.md:1:1: warning: on the command line `1` is `lessons/1.md`, not this lesson")
        .stdout_has("lessons/b.md:1:1: warning: on the command line `demo` is `lessons/demo.md`, not this lesson")
        .stdout_has("no errors, 2 warnings");
}

#[test]
fn check_names_files_that_no_course_reads() {
    let tutor = Tutor::new().lesson(plain("one", "true"));
    for name in ["Lesson_5.md", "lesson-6.markdown", "README.md", "notes.txt"] {
        tutor.put(&format!("course/lessons/{name}"), "# A page\n");
    }
    tutor
        .run("check")
        .code(0)
        .stdout_has("lessons/Lesson_5.md:1:1: warning: no lesson can be in a file of this name")
        .stdout_has("lessons/lesson-6.markdown:1:1: warning: ")
        .stdout_has("no errors, 2 warnings");
}

#[test]
fn new_takes_a_number_for_a_lesson_of_that_number() {
    let tutor = Tutor::new().lesson(plain("one", "true"));
    tutor.run("new 3").code(0).stdout_has("lessons/lesson-3.md");
    tutor.run("show 3").code(0).stdout_has("A new lesson");
}

#[test]
fn help_is_a_command_too() {
    for words in [&["help"][..], &["help", "run"], &["help", "lab", "shell"]] {
        let mut tutor = Command::new(env!("CARGO_BIN_EXE_tutor"));
        let output = tutor.args(words).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let usage = format!(
            "Usage: tutor{}",
            words[1..]
                .iter()
                .map(|word| format!(" {word}"))
                .collect::<String>()
        );
        assert!(output.status.success() && text.contains(&usage), "{text}");
    }
}

#[test]
fn a_fence_in_a_longer_one_is_what_a_step_writes() {
    let written = |mark: &str, id: &str| {
        format!(
            "{mark}sh {{id={id} compare=none}}\ncat > out.md <<'EOF'\n```c {{file=x.c}}\nint {id};\n```\nEOF\ncat out.md\n{mark}\n\n"
        )
    };
    let tutor = Tutor::new().lesson(written("````", "longer") + &written("~~~", "tildes"));
    tutor
        .run("check")
        .code(0)
        .stdout_has("no errors, no warnings");
    tutor
        .run("run demo")
        .code(0)
        .stdout_has("│ ```c {file=x.c}")
        .stdout_has("│ int longer;")
        .stdout_has("│ int tildes;");
}

#[test]
fn a_here_document_that_its_fence_cut_off_says_so_when_it_runs() {
    let body = "```sh {id=write}\ncat <<'EOF'\nbefore\n```\nafter\n```\nEOF\n```\n";
    let tutor = Tutor::new().lesson(body);
    tutor
        .run("check")
        .code(0)
        .stdout_has("warning: a here-document of step `write` lacks its last line `EOF`");
    tutor
        .run("run demo")
        .stdout_has("delimited by end-of-file (wanted `EOF')");
}

#[test]
fn bash_is_asked_about_the_lessons_that_are_checked_and_no_others() {
    let tutor = Tutor::new()
        .lesson(plain("one", "true"))
        .lesson(plain("two", "echo 2") + &plain("three", "echo 3"));
    let asked = tutor.path("asked");
    let script = format!(
        "#!/bin/sh\necho >>'{}'\nexec /bin/bash \"$@\"\n",
        asked.display()
    );
    tutor.put("bin/bash", &script);
    let bash = tutor.path("bin/bash");
    fs::set_permissions(&bash, fs::Permissions::from_mode(0o755)).expect("a program");
    let path = format!("{}:/usr/bin:/bin", tutor.path("bin").display());
    let tutor = tutor.env("PATH", &path);
    for (line, scripts) in [("check demo", 1), ("check", 3)] {
        let _ = fs::remove_file(&asked);
        tutor.run(line).code(0);
        assert_eq!(tutor.get("asked").lines().count(), scripts, "{line}");
    }
}

#[test]
fn what_check_finds_is_the_end_though_nothing_can_be_printed() {
    let tutor = Tutor::new().lesson(plain("one idd=x", "true"));
    for line in ["check", "check --json"] {
        let mut command = tutor.command(line);
        command.stdout(fs::File::create("/dev/full").expect("a full disk"));
        let status = command.status().expect("tutor runs");
        assert_eq!(status.code(), Some(4), "{line}");
    }
}
