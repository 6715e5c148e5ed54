//! `tutor try`, as far as no kernel is needed.

use super::*;

#[test]
fn what_does_not_compile_is_told_with_its_place_and_nothing_runs() {
    let tutor = Tutor::new();
    if !has_clang() {
        return skipped("`tutor try`: there is no clang");
    }
    tutor.put("tmp/bad.bpf.c", "int x\n");
    tutor
        .run("try bad.bpf.c")
        .code(1)
        .stderr_has("bad.bpf.c:1:6: error: expected ';'")
        .stderr_has("clang does not compile it, so nothing ran");
    tutor
        .run("try gone.bpf.c")
        .code(1)
        .stderr_has("no such file or directory: 'gone.bpf.c'");
}

#[test]
fn what_is_no_c_file_is_told_with_what_runs_it() {
    Tutor::new()
        .run("try hello.bpf.o")
        .code(2)
        .stderr_has("`hello.bpf.o` is no C file")
        .stderr_has("tutor bpf run");
}

fn has_clang() -> bool {
    let asked = std::process::Command::new("clang")
        .arg("--version")
        .output();
    asked.is_ok_and(|asked| asked.status.success())
}
