//! What is wrong with a page, and where.

use super::*;

#[test]
fn a_misspelt_key_is_named_with_the_right_one_and_read_as_it() {
    let page = "```sh {id=a timout=5s}\ntrue\n```\n";
    assert_snapshot!(wrong(page), @r#"
        1:13 "timout" unknown attribute `timout` on step `a`
            did you mean `timeout`?
        "#);
    assert_snapshot!(parsed(page), @r#"
        step a on host, timeout 5s: "true\n"
        1 wrong
        "#);
    assert_snapshot!(wrong("```sh {idd=a colour=red}\n```\n```sh {chekc=x of=a expect=1}\n```\n"), @r#"
        1:8 "idd" unknown attribute `idd` on this step
            did you mean `id`?
        1:14 "colour" unknown attribute `colour` on this step
            a step takes `id`, `was`, `on`, `needs`, `timeout`, `exit`, `compare`, `mask`, `vary`, `background`, `until` and `exclusive`
        3:8 "chekc" unknown attribute `chekc` on this check
            did you mean `check`?
        3:14 "x" no sentence links to check `x`
            link the words that it proves: `[…](#check-x)`
        "#);
}

#[test]
fn a_key_of_another_kind_of_fence_is_named_with_where_it_belongs() {
    assert_snapshot!(wrong("```c {file=a.c exit=1 of=b}\n```\n```sh {id=a expect=1}\n```\n"), @r#"
        1:16 "exit" `exit` has no meaning on file `a.c`
            it belongs on a step (`id=…`)
        1:23 "of" `of` has no meaning on file `a.c`
            it belongs on a check (`check=…`) or a prediction (`predict=…`)
        3:13 "expect" `expect` has no meaning on step `a`
            it belongs on a check (`check=…`)
        "#);
}

#[test]
fn a_key_is_given_once_and_with_a_value() {
    assert_snapshot!(wrong("```sh {id=a id=b timeout on= needs background=yes}\n```\n"), @r#"
        1:13 "id" `id` is given twice on step `a`
            keep one of them
        1:18 "timeout" `timeout` needs a value
            write `timeout=…`
        1:26 "on=" `on` has an empty value
            write `on=…`
        1:30 "needs" `needs` needs a value
            write `needs=kprobe`
        1:47 "yes" `background` takes no value
            write `background` alone
        "#);
}

#[test]
fn bad_values_are_named_with_what_would_be_right() {
    assert_snapshot!(wrong(
            "```sh {id=a timeout=5 exit=-1 on=kernal compare=no exclusive=cpu}\n```\n```sh {id=b timeout=0s exit=80 background until=soon}\n```\n```sh {id=c background until=port:99999}\n```\n```sh {id=d background until=line:( timeout=99999999999999999999m}\n```\n"
        ), @r#"
        1:21 "5" `5` is no length of time
            write `500ms`, `30s` or `2m`
        1:28 "-1" `-1` is no exit status
            write a number from 0 to 255, or `nonzero`
        1:34 "kernal" `kernal` is no place
            did you mean `kernel`?
        1:49 "no" `no` is no way to compare
            write `snapshot` or `none`
        3:21 "0s" a step cannot end within no time
            write `500ms`, `30s` or `2m`
        3:29 "80" status 80 cannot be expected: it skips the rest of the lesson
            let the step end with another status
        3:49 "soon" `soon` says nothing to wait for
            write `until=line:REGEX`, `until=file:PATH` or `until=port:NUMBER`
        5:30 "port:99999" `99999` is no port
            write a number from 1 to 65535
        7:30 "line:(" the regular expression does not compile: unclosed group
            put `\` before a character that stands for itself; there is no look-around
        7:45 "99999999999999999999m" `99999999999999999999m` is no length of time
            write `500ms`, `30s` or `2m`
        "#);
}

#[test]
fn bad_lists_are_named_at_the_name() {
    assert_snapshot!(wrong("```sh {id=a needs=clang>=x,B,kprobe<2 mask=pid,,tag}\n```\n"), @r#"
        1:19 "clang>=x" `x` is no version
            write numbers with dots: `clang>=14.0`
        1:28 "B" `B` may not stand in the name `B`
            use lower-case letters, digits and `-`: `b`
        1:30 "kprobe<2" `kprobe<2` asks for a version in a way that is not known
            write `clang>=14`: only the oldest version can be asked for
        1:39 "mask=pid,,tag" `mask` has an empty name in its list
            write names with commas and no blanks between them: `mask=prog-id`
        "#);
}

#[test]
fn until_goes_with_background() {
    assert_snapshot!(wrong("```sh {id=a until=port:80}\n```\n"), @r#"
        1:13 "until" `until` without `background`: a step in the foreground is over when it ends
            add `background` to the brace group, or take `until` away
        "#);
}

#[test]
fn a_step_has_an_id_that_names_a_file() {
    assert_snapshot!(wrong("```sh {}\n```\n```sh {timeout=5s}\n```\n```sh {id=Count_Calls}\n```\n```sh {id=\"\"}\n```\n"), @r#"
        1:7 "{}" this step has no `id`
            name it: `id=build`; the name never changes, since it names the snapshot
        3:7 "{timeout=5s}" this step has no `id`
            name it: `id=build`; the name never changes, since it names the snapshot
        5:11 "Count_Calls" `C` may not stand in the name `Count_Calls`
            use lower-case letters, digits and `-`: `count-calls`
        7:8 "id=\"\"" `id` has an empty value
            write `id=…`
        "#);
}

#[test]
fn ids_and_check_names_are_given_once() {
    assert_snapshot!(wrong(
            "```sh {id=a}\n```\n```sh {id=a}\n```\n[x](#check-c)\n```sh {check=c of=a expect=1}\n```\n```sh {check=c of=a expect=1}\n```\n"
        ), @r#"
        3:11 "a" a second step `a`
            the first stands on line 6: give this one a name of its own
        8:14 "c" a second check `c`
            the first stands on line 11: give this one a name of its own
        "#);
}

#[test]
fn a_file_stays_the_same_kind_of_thing() {
    assert_snapshot!(wrong(
            "```c {file=a}\n```\n```c {file=a/b.c}\n```\n```sh {file=a}\n```\n"
        ), @r#"
        3:12 "a/b.c" `a/b.c` and `a` of line 6 cannot both be there
            one would be a file and a folder at once: rename one of them
        5:13 "a" `a` is `sh` here and `c` on line 6
            give both fences the same language, or the files different names
        "#);
}

#[test]
fn a_check_names_a_step_above_it() {
    assert_snapshot!(wrong(
            "[x](#check-c) [y](#check-d) [z](#check-e)\n```sh {check=c of=build expect=1}\n```\n```sh {id=build}\n```\n```sh {check=d of=biuld expect=1}\n```\n```sh {check=e expect=1}\n```\n"
        ), @r#"
        2:19 "build" this check stands before its step `build`
            move it below line 9: a check runs where it stands
        6:19 "biuld" no step `biuld` in this lesson
            did you mean `build`?
        8:7 "{check=e expect=1}" check `e` has no `of`
            name the step that it belongs to: `of=build`
        "#);
}

#[test]
fn a_check_expects_one_thing() {
    assert_snapshot!(wrong(
            "```sh {id=a}\n```\n[x](#check-c) [y](#check-d)\n```sh {check=c of=a}\n```\n```sh {check=d of=a expect=1 range=1..2}\n```\n"
        ), @r#"
        4:14 "c" check `c` does not say what to expect
            add one of `expect=TEXT`, `match=REGEX` and `range=1..5`
        6:30 "range" check `d` has `expect` and `range`
            keep one of `expect`, `match` and `range`; write a second check for the other
        "#);
}

#[test]
fn what_a_check_expects_can_be_met() {
    assert_snapshot!(wrong(
            "```sh {id=a}\n```\n[x](#check-c) [y](#check-d) [z](#check-e)\n```sh {check=c of=a match=\"a[\"}\n```\n```sh {check=d of=a range=5..1}\n```\n```sh {check=e of=a range=nan..}\n```\n"
        ), @r#"
        4:27 "\"a[\"" the regular expression does not compile: unclosed character class
            put `\` before a character that stands for itself; there is no look-around
        6:27 "5..1" no number lies in `5..1`
            write the smaller number first
        8:27 "nan.." `nan..` is no range
            write two numbers, as in `range=1..5`; `1..` and `..5` are open
        "#);
}

#[test]
fn a_check_has_one_sentence_and_a_sentence_its_check() {
    assert_snapshot!(wrong(
            "```sh {id=a}\n```\n[x](#check-two) and [y](#check-two) and [z](#check-tow)\n```sh {check=two of=a expect=1}\n```\n```sh {check=alone of=a expect=1}\n```\n"
        ), @r#"
        3:21 "[y](#check-two)" a second link to check `two`
            a check proves one sentence, that of line 8: take this link away or write a check of its own
        3:41 "[z](#check-tow)" this links to check `tow`, which is not in the lesson
            did you mean `#check-two`?
        6:14 "alone" no sentence links to check `alone`
            link the words that it proves: `[…](#check-alone)`
        "#);
}

#[test]
fn a_file_stays_in_the_workspace() {
    let page = "```c {file=/etc/passwd}\nx\n```\n```c {file=../a.c}\n```\n```c {file=a/}\n```\n```c {file=.}\n```\n```c {file}\n```\n";
    assert_snapshot!(wrong(page), @r#"
        1:12 "/etc/passwd" `/etc/passwd` is an absolute path
            a lesson writes into its workspace only: name the file relative to it
        4:12 "../a.c" `../a.c` leaves the workspace
            a lesson writes into its workspace only: take the `..` away
        6:12 "a/" `a/` names no file
            name a file in the workspace: `hello.bpf.c`
        8:12 "." `.` names no file
            name a file in the workspace: `hello.bpf.c`
        10:7 "file" `file` needs a value
            write `file=…`
        "#);
    assert_snapshot!(parsed(page), @r#"
        prose code(c: "x\n") code(c: "") code(c: "") code(c: "") code(c: "")
        5 wrong
        "#);
}

#[test]
fn an_include_that_cannot_be_followed_is_marked() {
    assert_snapshot!(wrong(
            "```c {file=a.c}\n{{#include ../bpf/z.c}}\n```\n```c {file=b.c}\n{{#include ../../z.c}}\n```\n```c {file=c.c}\n{{#include ../bpf/a.c:d}}\n```\n"
        ), @r#"
        2:1 "{{#include ../bpf/z.c}}" there is no file `bpf/z.c` to include
            the path is relative to the lesson's file, as in `../bpf/hello.bpf.c`
        5:1 "{{#include ../../z.c}}" `../../z.c` lies outside the course
            include only files below the folder that holds `lessons/`
        8:1 "{{#include ../bpf/a.c:d}}" `bpf/a.c` has no anchor `d`
            mark its lines with `// ANCHOR: d` and `// ANCHOR_END: d`
        "#);
}

#[test]
fn only_bash_runs() {
    assert_snapshot!(wrong("```python {id=a}\n```\n```console {id=b}\n$ true\n```\n"), @r#"
        1:4 "python" `python` does not run: a step is `sh` or `bash`
            write it with `python {file=…}` and run it from an `sh` step
        3:4 "console" `console` does not run: a step is `sh` or `bash`
            write the commands alone into an `sh` fence; `tutor` shows their output
        "#);
}

#[test]
fn a_fence_in_a_list_or_quote_does_not_run() {
    let page = "- item\n\n  ```sh {id=a}\n  true\n  ```\n\n> ```sh {id=b}\n> true\n> ```\n";
    assert_snapshot!(wrong(page), @r#"
        3:3 "```sh {id=a}" a fence inside a list or a quote does not run
            move it to the left margin, out of the list or quote
        7:3 "```sh {id=b}" a fence inside a list or a quote does not run
            move it to the left margin, out of the list or quote
        "#);
    assert_snapshot!(parsed(page), @r#"
        prose ul(p(item) code(sh: "true\n")) quote(code(sh: "true\n"))
        2 wrong
        "#);
}

#[test]
fn a_backtick_in_an_opening_line_is_named_and_swallows_nothing() {
    let page = "```sh {id=a until=line:`x`}\ntrue\n```\n\nProse.\n\n```sh {id=b}\nfalse\n```\n";
    assert_snapshot!(wrong(page), @r#"
        1:13 "until" `until` without `background`: a step in the foreground is over when it ends
            add `background` to the brace group, or take `until` away
        1:24 "`x`" a backtick in the line that opens a fence of backticks
            Markdown sees no fence here and misreads all that follows: fence with `~~~`, or take the backtick away
        "#);
    assert_snapshot!(parsed(page), @r#"
        step a on host: "true\n"
        prose p(Prose.)
        step b on host: "false\n"
        2 wrong
        "#);
    assert_snapshot!(wrong("```c `x`\nint x;\n```\n"), @r#"
        1:6 "`x`" a backtick in the line that opens a fence of backticks
            Markdown sees no fence here and misreads all that follows: fence with `~~~`, or take the backtick away
        "#);
    assert_snapshot!(parsed("```a``` is code, and `` ` `` too.\n\n~~~sh {id=a}\n```x`\n~~~\n"), @r#"
        prose p(`a` is code, and ``` too.)
        step a on host: "```x`\n"
        "#);
}

#[test]
fn a_fence_without_an_end_is_named() {
    let page = "```sh {id=a}\ntrue\n\n# Not a heading\n";
    assert_snapshot!(wrong(page), @r#"
        1:1 "```sh {id=a}" this fence is not closed, so it swallows the rest of the text
            end it with a line of 3 or more backticks
        "#);
    assert_snapshot!(parsed(page), @r#"
        step a on host: "true\n\n# Not a heading\n"
        1 wrong
        "#);
    assert_snapshot!(wrong("```"), @r#"
        1:1 "```" this fence is not closed, so it swallows the rest of the text
            end it with a line of 3 or more backticks
        "#);
    assert_snapshot!(wrong("````sh {id=a}\n```\n"), @r#"
        1:1 "````sh {id=a}" this fence is not closed, so it swallows the rest of the text
            end it with a line of 4 or more backticks
        "#);
}

#[test]
fn a_nul_byte_is_named() {
    assert_snapshot!(wrong("```sh {id=a}\necho \0\n```\n"), @r#"
        2:6 "\0" a NUL byte in a fence
            neither bash nor a text file can hold it: take it away, or write it as `\0` with `printf`
        "#);
}

#[test]
fn all_errors_come_at_once() {
    assert_snapshot!(wrong("```sh {id=a timout=1}\n```\n```sh {id=a} x\n```\n[x](#check-y)\n"), @r#"
        1:13 "timout" unknown attribute `timout` on step `a`
            did you mean `timeout`?
        1:20 "1" `1` is no length of time
            write `500ms`, `30s` or `2m`
        3:11 "a" a second step `a`
            the first stands on line 6: give this one a name of its own
        3:14 "x" text after the brace group
            end the line after `}`; a value that holds `}` stands in double quotes
        5:1 "[x](#check-y)" this links to check `y`, which is not in the lesson
            write a fence `sh {check=y of=STEP expect=…}`
        "#);
}
