//! Lessons in a second language: prose of their own, and everything else of the original.

use super::*;

/// An original with two sections, a file, two steps, a check and an exercise.
fn original() -> String {
    "Here it begins.\n\n```c {file=a.c}\nint a;\n```\n\n".to_owned()
        + &step("first", "cat a.c")
        + "[It is an int](#check-int).\n\n```sh {check=int of=first expect=1}\ngrep -c int \"$TUTOR_STDOUT\"\n```\n\n\
           ## More to do\n\nOnce more.\n\n"
        + &step("second", "echo two")
        + "```sh {exercise=task}\ngrep -q b a.c\n```\n\n\
           <details id=\"hint-task-1\"><summary>A hint</summary>\n\nLook.\n\n</details>\n\n\
           <details id=\"solution-task\"><summary>A solution</summary>\n\n```c {file=a.c}\nint b;\n```\n\n</details>\n\n\
           ## The end\n\nThat was it.\n"
}

fn page(body: &str) -> String {
    format!(
        "---\nformat: 1\nname: demo\ntitle: 演示\ngoals: [运行]\ntime: 5 分钟\n---\n\n# 演示\n<!-- section: the-lesson-demo HASH0 -->\n\n{body}"
    )
}

const BODY: &str = "从这里开始。\n\n<!-- file: a.c -->\n\n<!-- step: first -->\n\n[这是一个 int](#check-int)。\n\n\
    ## 再来一次\n<!-- section: more-to-do HASH1 -->\n\n再来一次。\n\n<!-- step: second -->\n\n<!-- step: task -->\n\n\
    <details id=\"hint-task-1\"><summary>提示</summary>\n\n看一看。\n\n</details>\n\n\
    <details id=\"solution-task\"><summary>答案</summary>\n\n<!-- file: a.c -->\n\n</details>\n\n\
    ## 结尾\n<!-- section: the-end HASH2 -->\n\n就这样。\n";

/// The course with this translation, its hashes as the sections are now.
fn translated(body: &str) -> Tutor {
    let tutor = Tutor::new().lesson(original());
    tutor.put("course/lessons/demo.zh.md", &page(body));
    let status = tutor.run("i18n status --json").code(0).json();
    let sections = status["translations"][0]["sections"].as_array().cloned();
    let mut text = page(body);
    for (number, section) in sections.unwrap_or_default().iter().enumerate() {
        let hash = section["hash"].as_str().unwrap_or_default();
        text = text.replace(&format!("HASH{number}"), hash);
    }
    tutor.put("course/lessons/demo.zh.md", &text);
    tutor
}

#[test]
fn a_translation_has_the_fences_of_the_original_in_its_own_prose() {
    let tutor = translated(BODY);
    tutor.run("check --strict --deny stale").code(0);
    let shown = tutor.run("show demo --lang zh --no-pager").code(0);
    let order = [
        "演示",
        "从这里开始。",
        "int a;",
        "cat a.c",
        "这是一个 int",
        "再来一次",
        "echo two",
        "提示",
        "就这样。",
    ];
    let mut at = 0;
    for text in order {
        let found = shown.stdout[at..].find(text);
        assert!(found.is_some(), "{text} after {at} of {}", shown.stdout);
        at += found.unwrap_or_default();
    }
    shown
        .stdout_lacks("Here it begins")
        .stdout_lacks("section:")
        .stdout_lacks("step:");
    tutor
        .run("run demo --lang zh")
        .stdout_has("从这里开始。")
        .stdout_has("│ int a;")
        .stdout_has("check int holds");
    tutor.run("hint demo task --lang zh").stdout_has("看一看。");
    tutor
        .run("hint demo task --solution --lang zh")
        .stdout_has("int b;");
    tutor
        .run("run demo")
        .stdout_has("Here it begins.")
        .stdout_lacks("从这里");
}

#[test]
fn outputs_and_progress_are_those_of_the_original() {
    let tutor = translated(BODY);
    tutor.run("test").code(1);
    tutor.run("accept --all").code(0);
    tutor
        .run("run demo --lang zh")
        .code(0)
        .stdout_has("first: as recorded");
    tutor.run("list").stdout_has("done");
    tutor.run("list --lang zh").stdout_has("演示");
}

#[test]
fn the_language_is_that_of_the_option_the_variable_or_the_locale() {
    let chinese = "从这里开始。";
    let show = |tutor: &Tutor, line: &str| tutor.run(&format!("show demo --no-pager {line}"));
    let of_locale = translated(BODY).env("LC_ALL", "zh_CN.UTF-8");
    show(&of_locale, "").stdout_has(chinese);
    show(&of_locale, "--lang en").stdout_has("Here it begins.");
    let of_locale = of_locale.env("TUTOR_LANG", "en");
    show(&of_locale, "").stdout_has("Here it begins.");
    show(&of_locale, "--lang zh").stdout_has(chinese);
    let of_other = translated(BODY).env("LC_ALL", "de_DE.UTF-8");
    show(&of_other, "").stdout_has("Here it begins.");
    show(&of_other, "--lang de")
        .code(2)
        .stderr_has("the course cannot be read in `de`: it has en, zh");
}

#[test]
fn a_change_of_the_original_makes_its_section_stale() {
    let tutor = translated(BODY);
    let changed = original().replace("Once more.", "Once more, and better.");
    let tutor = tutor.edited("demo", &changed);
    tutor
        .run("check --strict")
        .code(0)
        .stdout_has("the original of section `more-to-do` is another one");
    tutor.run("check --deny stale").code(4);
    tutor
        .run("i18n status")
        .code(0)
        .stdout_has("demo.zh: 2 of 3 sections current")
        .stdout_has("stale: more-to-do");
    tutor
        .run("show demo --lang zh --no-pager")
        .stdout_has("英文原文又有改动")
        .stdout_has("再来一次。");
    tutor
        .run("i18n diff demo --lang zh")
        .code(0)
        .stdout_has("Once more, and better.");
    tutor
        .run("i18n accept demo --lang zh")
        .code(0)
        .stdout_has("more-to-do");
    tutor.run("check --deny stale").code(0);
    let current = tutor.get("course/lessons/demo.zh.md");
    assert!(current.contains("再来一次。"), "{current}");
    // A page that is new has no hashes.
    let without = page(BODY)
        .replace(" HASH0", "")
        .replace(" HASH1", "")
        .replace(" HASH2", "");
    tutor.put("course/lessons/demo.zh.md", &without);
    tutor
        .run("check")
        .code(0)
        .stdout_has("does not say which original it is of");
    tutor.run("i18n accept demo --lang zh").code(0);
    assert_eq!(tutor.get("course/lessons/demo.zh.md"), current);
}

#[test]
fn a_changed_script_makes_no_prose_stale() {
    let changed = original().replace("echo two", "echo 2");
    let tutor = translated(BODY).edited("demo", &changed);
    tutor.run("check --deny stale").code(0);
    tutor
        .run("show demo --lang zh --no-pager")
        .stdout_has("echo 2");
}

#[test]
fn a_section_that_is_not_translated_is_shown_in_the_original_and_said_to_be() {
    let end = BODY.find("## 结尾").expect("there");
    let tutor = translated(&BODY[..end]);
    tutor
        .run("show demo --lang zh --no-pager")
        .stdout_has("还没有中文版")
        .stdout_has("That was it.");
    tutor
        .run("check")
        .code(0)
        .stdout_has("section `the-end` is not translated");
    tutor.run("check --deny stale").code(4);
    tutor.run("i18n status").stdout_has("missing: the-end");
}

#[test]
fn what_a_translation_lacks_or_has_twice_is_told_with_its_place() {
    for (from, to, told) in [
        (
            "<!-- step: second -->\n\n",
            "",
            "`step: second` has no place in section `more-to-do`",
        ),
        (
            "<!-- step: second -->",
            "<!-- step: second -->\n\n<!-- step: second -->",
            "`step: second` has its place already",
        ),
        (
            "<!-- step: second -->\n\n<!-- step: task -->",
            "<!-- step: task -->\n\n<!-- step: second -->",
            "`step: task` stands out of order",
        ),
        (
            "<!-- step: second -->",
            "<!-- step: secnd -->",
            "did you mean `step: second`?",
        ),
        (
            "<!-- step: second -->",
            "<!-- step: second -->\n\n<!-- step: first -->",
            "`step: first` belongs to section `the-lesson-demo`",
        ),
        (
            "<!-- section: the-end HASH2 -->",
            "",
            "this heading does not say which section",
        ),
        (
            "<!-- section: the-end HASH2 -->",
            "<!-- section: the-ned HASH2 -->",
            "did you mean `the-end`?",
        ),
        (
            "再来一次。",
            "```sh {id=own}\ntrue\n```",
            "a fence with a brace group in a translation",
        ),
        (
            "<details id=\"hint-task-1\"><summary>提示</summary>\n\n看一看。\n\n</details>\n\n",
            "",
            "`hint-task-1` has no place",
        ),
    ] {
        let body = BODY.replace(from, to);
        assert_ne!(body, BODY, "{from}");
        let ran = translated(&body).run("check").code(4);
        ran.stdout_has(told).stdout_has("lessons/demo.zh.md:");
    }
    let above = page(BODY).replace("# 演示", "前言。\n\n# 演示");
    let tutor = Tutor::new().lesson(original());
    tutor.put("course/lessons/demo.zh.md", &above);
    tutor
        .run("check")
        .code(4)
        .stdout_has("a text above the first heading of a translation is shown nowhere");
    let tutor = translated(BODY);
    let page = tutor.get("course/lessons/demo.zh.md");
    tutor.put(
        "course/lessons/demo.zh.md",
        &page.replace("name: demo", "name: other"),
    );
    tutor
        .run("check")
        .code(4)
        .stdout_has("this page is `other`, and the original is `demo`");
}

#[test]
fn the_book_and_study_speak_it_too() {
    let tutor = translated(BODY).stdin("r\nr\nr\nq\n");
    tutor.run("study demo --lang zh").stdout_has("从这里开始。");
    tutor
        .run("book --lang zh --emit out --allow-missing")
        .code(0);
    let page = tutor.get("tmp/out/src/demo.md");
    assert!(
        page.contains("从这里开始。") && page.contains("看一看。"),
        "{page}"
    );
}
