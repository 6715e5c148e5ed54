//! What `course.toml` says of packages, of what steps ask for, and of names.

use super::*;

/// The course file with these lines.
fn with(lines: &str) -> String {
    let page = page("a", "```sh {id=a}\ntrue\n```\n");
    let course = format!("{MANIFEST}{lines}");
    checked(&[
        ("lessons/course.toml", &course),
        ("lessons/lesson-1.md", &page),
    ])
}

fn packaged(package: &str) -> String {
    with(&format!(
        "[needs.sqlite]\nwhat = 'a'\nwhy = 'b'\nprobe = 'c'\npackage = {package}\n"
    ))
}

#[test]
fn a_need_names_its_packages_itself() {
    assert_eq!(
        packaged("{ apt = 'sqlite3', dnf = 'sqlite', pacman = 'sqlite' }"),
        ""
    );
    assert_eq!(packaged("{ apt = 'g++' }"), "");
    assert_eq!(packaged("'clang'"), "");
}

#[test]
fn a_package_that_nobody_could_install_is_named_with_its_place() {
    assert_snapshot!(packaged("'clnag'"), @r#"
    lessons/course.toml:8:11: "'clnag'" `clnag` is no row of tutor's list of packages
        did you mean `clang`?
    "#);
    assert_snapshot!(packaged("'no such row at all'"), @r#"
    lessons/course.toml:8:11: "'no such row at all'" `no such row at all` is no row of tutor's list of packages
        write `package = { apt = "…", dnf = "…", pacman = "…" }`, or name a row of tutor's own list, such as `clang`
    "#);
    assert_snapshot!(packaged("{ apk = 'sqlite', dfn = 'sqlite' }"), @r#"
    lessons/course.toml:8:13: "apk" `apk` is no package manager that is known here
        did you mean `apt`?
    lessons/course.toml:8:29: "dfn" `dfn` is no package manager that is known here
        did you mean `dnf`?
    "#);
    assert_snapshot!(packaged("{ apt = '-oDPkg::Pre-Invoke::=id', dnf = 'a b', pacman = 3 }"), @r#"
    lessons/course.toml:8:19: "'-oDPkg::Pre-Invoke::=id'" this is no name of a package for apt
        write one name as a text: `apt = "sqlite"`
    lessons/course.toml:8:52: "'a b'" this is no name of a package for dnf
        write one name as a text: `dnf = "sqlite"`
    lessons/course.toml:8:68: "3" this is no name of a package for pacman
        write one name as a text: `pacman = "sqlite"`
    "#);
    assert_snapshot!(packaged("{}"), @r#"
    lessons/course.toml:8:11: "{}" the package of need `sqlite` has no name
        write `package = { apt = "…", dnf = "…", pacman = "…" }`, or name a row of tutor's own list, such as `clang`
    "#);
    assert_snapshot!(packaged("7"), @r#"
    lessons/course.toml:8:11: "7" the package of need `sqlite` is no name
        write `package = { apt = "…", dnf = "…", pacman = "…" }`, or name a row of tutor's own list, such as `clang`
    "#);
}

#[test]
fn variables_that_are_not_the_learners_to_give_are_refused_with_their_place() {
    assert_snapshot!(with("[steps]\nenv = ['WHO', 'PATH', 'LC_ALL', 'SHELLOPTS', 'A-B']\n"), @r#"
    lessons/course.toml:5:15: "'PATH'" `PATH` is the same for all steps, and no course can ask for another one
        docs/lesson-format.md says what steps can ask for
    lessons/course.toml:5:23: "'LC_ALL'" `LC_ALL` is the same for all steps, and no course can ask for another one
        docs/lesson-format.md says what steps can ask for
    lessons/course.toml:5:33: "'SHELLOPTS'" `SHELLOPTS` would change how bash runs every step
        docs/lesson-format.md says what steps can ask for
    lessons/course.toml:5:46: "'A-B'" `A-B` is no name of a variable
        docs/lesson-format.md says what steps can ask for
    "#);
}

#[test]
fn a_whole_home_is_no_place_however_it_is_written() {
    assert_snapshot!(with("[steps]\nread = ['$HOME', '~', '$HOME/.config']\n"), @r#"
    lessons/course.toml:5:9: "'$HOME'" `$HOME` is the whole home folder: name what is needed of it, such as `~/.cargo`
        docs/lesson-format.md says what steps can ask for
    lessons/course.toml:5:18: "'~'" `~` is the whole home folder: name what is needed of it, such as `~/.cargo`
        docs/lesson-format.md says what steps can ask for
    "#);
}

#[test]
fn what_steps_ask_for_stands_in_a_table_of_its_own() {
    assert_snapshot!(with("path = ['~/bin']\nenv = ['WHO']\n"), @r#"
    lessons/course.toml:4:1: "path" unknown key `path` in the course
        write it in the table `[steps]`: `steps.path = …`
    lessons/course.toml:5:1: "env" unknown key `env` in the course
        write it in the table `[steps]`: `steps.env = …`
    "#);
}
