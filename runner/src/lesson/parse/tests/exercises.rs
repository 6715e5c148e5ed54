//! Exercises, their hints and solutions.

use super::*;

const TASK: &str = "```c {file=a.c}\nint a;\n```\n\n```sh {exercise=who on=kernel}\ntest b\n```\n";
const HINT: &str = "<details id=\"hint-who-1\"><summary>A hint</summary>\n\nLook.\n\n</details>\n";
const SOLUTION: &str = "<details id=\"solution-who\">\n<summary>A solution</summary>\n\n```c {file=a.c}\nint b;\n```\n\nBecause.\n\n</details>\n";

#[test]
fn an_exercise_has_hints_and_a_solution_that_are_no_prose() {
    let page = format!("Do it.\n\n{TASK}\n{HINT}\n{SOLUTION}\nAfter it.\n");
    assert_snapshot!(parsed(&page), @r#"
    prose p(Do it.)
    file a.c (c): "int a;\n"
    step who on kernel, not compared: "test b\n"
    hint-who-1 (A hint): [prose p(Look.)]
    solution-who (A solution): [file a.c (c): "int b;\n"; prose p(Because.)]
    prose p(After it.)
    "#);
    let reading = reading(&page);
    let exercise = reading.lesson.exercises().next().unwrap();
    let starts = reading.lesson.starts(exercise);
    assert_eq!(starts.len(), 1);
    assert_eq!(starts[0].content, "int a;\n");
    let files: Vec<&str> = reading.lesson.files().map(|file| &*file.content).collect();
    assert_eq!(files, ["int a;\n"], "a solution is no file of the lesson");
    assert_eq!(linted(&format!("# A\n{page}")), "");
}

#[test]
fn other_folds_are_prose() {
    let page = "<details><summary>More</summary>\n\nText.\n\n</details>\n";
    assert!(parsed(page).starts_with("prose"), "{}", parsed(page));
}

#[test]
fn an_exercise_takes_the_keys_that_make_sense_on_one() {
    let page = TASK.replace("on=kernel", "on=kernel exit=1") + HINT + "\n" + SOLUTION;
    assert_snapshot!(wrong(&page), @r#"
    5:31 "exit" `exit` has no meaning on exercise `who`
        it belongs on a step (`id=…`)
    "#);
}

#[test]
fn parts_that_do_not_fit_together_are_named() {
    let two_hints = HINT.replace("who-1", "who-2") + "\n" + HINT;
    let of_other = HINT.replace("who", "whom");
    let of_none = HINT.replace("who", "elsewhere");
    let mut told = String::new();
    for (what, page) in [
        ("no solution", TASK.to_owned() + HINT),
        ("order", format!("{TASK}{two_hints}\n{SOLUTION}")),
        ("hint below", format!("{TASK}{SOLUTION}\n{HINT}")),
        ("solution above", format!("{SOLUTION}\n{TASK}")),
        ("misspelt", format!("{TASK}{of_other}\n{SOLUTION}")),
        ("unknown", format!("{TASK}{of_none}\n{SOLUTION}")),
        ("twice", format!("{TASK}{SOLUTION}\n{SOLUTION}")),
    ] {
        told.push_str(&format!("{what}:\n{}\n", wrong(&page)));
    }
    assert_snapshot!(told, @r#"
    no solution:
    5:1 "```sh {exercise=who on=kernel}" exercise `who` has no solution
        write it between `<details id="solution-who"><summary>A solution</summary>` and `</details>`: the tests run it
    order:
    8:1 "<details id=\"hint-who-2\"><summary>A hint</summary>" hint 2 of exercise `who` stands where its hint 1 belongs
        number hints in the order of the text: `hint-who-1`
    14:1 "<details id=\"hint-who-1\"><summary>A hint</summary>" hint 1 of exercise `who` stands where its hint 2 belongs
        number hints in the order of the text: `hint-who-2`
    hint below:
    19:1 "<details id=\"hint-who-1\"><summary>A hint</summary>" hint 1 of exercise `who` stands below its solution
        move it above: whoever has read the solution needs no hint
    solution above:
    1:1 "<details id=\"solution-who\">" the solution stands above its exercise `who`
        move it below the fence that judges it
    misspelt:
    8:1 "<details id=\"hint-whom-1\"><summary>A hint</summary>" this hint belongs to no exercise of the lesson: `whom`
        did you mean `who`?
    unknown:
    8:1 "<details id=\"hint-elsewhere-1\"><summary>A hint</summary>" this hint belongs to no exercise of the lesson: `elsewhere`
        write what judges it into a fence `sh {exercise=elsewhere}`
    twice:
    19:1 "<details id=\"solution-who\">" a second solution of exercise `who`
        keep one: a task that has two good answers is judged by what they do
    "#);
}

#[test]
fn a_solution_that_solves_nothing_is_named() {
    let other_file = SOLUTION.replace("a.c", "b.c");
    let same = SOLUTION.replace("int b;", "int a;");
    let empty = SOLUTION.replace("```c {file=a.c}\nint b;\n```\n", "");
    let mut told = String::new();
    for (what, solution) in [
        ("other file", other_file),
        ("same", same),
        ("without file", empty),
    ] {
        let page = format!("{TASK}{solution}");
        told.push_str(&format!("{what}:\n{}\n", wrong(&page)));
    }
    assert_snapshot!(told, @r#"
    other file:
    11:1 "```c {file=b.c}" the lesson writes no `b.c` above exercise `who`
        write what the learner begins with there, by a fence with `{file=b.c}`
    same:
    11:1 "```c {file=a.c}" this solution is what the learner begins with on line 6
        leave something to do: take a part out of the file above the exercise
    without file:
    8:1 "<details id=\"solution-who\">" the solution of exercise `who` has no file
        write the solved file into it, by a fence such as `c {file=hello.bpf.c}`
    "#);
}

#[test]
fn a_hint_or_solution_that_cannot_be_read_is_named() {
    let bad = [
        ("no number", HINT.replace("-1\"", "\"")),
        ("no summary", HINT.replace("<summary>A hint</summary>", "")),
        ("no end", HINT.replace("</details>\n", "")),
        (
            "nested",
            HINT.replace("Look.", "<details>\n\nMore.\n\n</details>"),
        ),
        ("in a list", format!("- {}", HINT.replace('\n', "\n  "))),
        ("step", HINT.replace("Look.", "```sh {id=x}\ntrue\n```")),
        (
            "hint with file",
            HINT.replace("Look.", "```c {file=x.c}\nint x;\n```"),
        ),
    ];
    let mut told = String::new();
    for (what, hint) in bad {
        let page = format!("{TASK}{hint}\n{SOLUTION}");
        told.push_str(&format!("{what}:\n{}\n", wrong(&page)));
    }
    assert_snapshot!(told, @r#"
    no number:
    8:1 "<details id=\"hint-who\"><summary>A hint</summary>" this hint or solution cannot be read
        give the hint the name of its exercise and a number: `hint-NAME-1`
    no summary:
    8:1 "<details id=\"hint-who-1\">" this hint or solution cannot be read
        write `<summary>…</summary>` behind it or on the next line, and then a blank line
    no end:
    13:1 "<details id=\"solution-who\">" the hint or solution before this one is not over
        end it with `</details>` on a line of its own, between blank lines
    nested:
    10:1 "<details>" one `<details>` within another: a hint or solution is not over
        end it with `</details>` on a line of its own, between blank lines
    in a list:
    8:3 "<details id=\"hint-who-1\"><summary>A hint</summary>" a hint or solution within something else
        move it to the left margin, out of the list or quote
    step:
    10:1 "```sh {id=x}" a fence in a hint does nothing
        take its brace group away, or move it out of the hint
    hint with file:
    10:1 "```c {file=x.c}" a fence in a hint does nothing
        take its brace group away, or move it out of the hint
    "#);
}

#[test]
fn a_check_of_an_exercise_is_an_error() {
    let check = "[It is so](#check-so).\n\n```sh {check=so of=who expect=1}\necho 1\n```\n";
    assert_snapshot!(wrong(&format!("{TASK}{SOLUTION}\n{check}")), @r#"
    21:1 "```sh {check=so of=who expect=1}" `so` belongs to an exercise
        an exercise is judged by its own fence alone: let that end with status 1 where it is not solved
    "#);
}
