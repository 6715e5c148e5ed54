//! `tutor try`: a program in C, compiled and run at once.

use crate::own;
use crate::support::skipped;
use std::fs;

const PROGRAM: &str = "
#define SEC(name) __attribute__((section(name), used))
#ifndef WORDS
#define WORDS \"-here\"
#endif
static long (*printk)(const char *text, int bytes, ...) = (void *)6;
SEC(\"raw_tp/sys_enter\") int here(void *ctx)
{
    char text[] = WORDS;
    printk(text, sizeof(text));
    return 0;
}
char gpl[] SEC(\"license\") = \"GPL\";
";

#[test]
fn a_program_in_c_is_compiled_and_run_and_leaves_no_file() {
    let Some(tutor) = own::learner("`tutor try` was not tried") else {
        return skipped("`tutor try`: there is no QEMU, no kernel for the lab or no clang");
    };
    tutor.put("tmp/here.bpf.c", PROGRAM);
    tutor
        .run("try here.bpf.c")
        .code(0)
        .stderr_has("$ clang -O2 -g -target bpf")
        .stdout_has("here ran once on request")
        .stdout_has("-here");
    let mut command = tutor.command("try here.bpf.c --repeat 2 --json");
    command.args(["--", "-DWORDS=\"-mine\""]);
    let own = tutor.start_command(command, "try --json").end();
    let own = own.code(0).json();
    assert_eq!(own["printed"], 2, "{own}");
    assert!(own["lines"][0]["text"].as_str() == Some("-mine"), "{own}");
    tutor
        .run("try here.bpf.c --attach 0.5 --while true")
        .code(0)
        .stdout_has("here was attached for");
    let bad = PROGRAM.replace("return 0;", "return *(int *)4660;");
    tutor.put("tmp/here.bpf.c", &bad);
    tutor
        .run("try here.bpf.c")
        .code(1)
        .stderr_has("the kernel refused program `here`")
        .stdout_has("line of C");
    let files = fs::read_dir(tutor.path("tmp")).expect("there");
    let files: Vec<_> = files.map(|file| file.expect("one").file_name()).collect();
    assert_eq!(files, ["here.bpf.c"]);
}
