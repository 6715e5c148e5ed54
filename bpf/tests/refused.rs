//! What cannot be loaded or compiled is told with its cause and what to do.

mod support;

use std::process::Command;

use support::asked::{Run, compiled};

#[test]
fn what_cannot_be_loaded_is_told_before_a_kernel_is_asked() {
    let Some(big) = compiled("what_cannot_be_loaded", "hello", &["-target", "bpfeb"]) else {
        return;
    };
    let c = concat!(env!("CARGO_MANIFEST_DIR"), "/hello.bpf.c");
    for command in ["run", "compare", "xlated", "jited"] {
        let error = Run::new(&[command, c]).error();
        let words = "this is the C of a program, and not yet an object\nhelp: compile it with `clang -O2 -g -target bpf ";
        assert!(error.contains(words), "{command}: {error}");
        assert!(
            error.contains("hello.bpf.o`, and name the object;"),
            "{error}"
        );
        let error = Run::on(&big, &[command]).error();
        assert_eq!(
            error,
            "hello.o: the object is big-endian, and this machine is little-endian\n\
             help: compile it with `-target bpf`, which takes this machine's order",
            "{command}"
        );
        let folder = Run::new(&[command, env!("CARGO_MANIFEST_DIR")]).error();
        assert!(
            folder.ends_with("cannot read the file: is a directory"),
            "{folder}"
        );
    }
}

#[test]
fn a_function_without_a_section_of_its_own_is_no_program_to_run() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("alone.c");
    std::fs::write(&source, "int alone(void) { return 0; }\n").unwrap();
    let object = folder.path().join("alone.o");
    let answer = Command::new("clang")
        .args(["-O2", "-target", "bpf", "-c"])
        .arg(&source)
        .arg("-o")
        .arg(&object)
        .status();
    if answer.is_err() {
        println!("skipped: a_function_without_a_section: there is no clang");
        return;
    }
    let path = object.to_str().unwrap();
    let error = Run::new(&["run", path]).error();
    assert_eq!(
        error,
        "alone.o: there is no program in this object: `alone` is a function without a section of its own\n\
         help: write `SEC(\"…\")` before the function that is the program, such as `SEC(\"kprobe/do_unlinkat\")`"
    );
    let json = Run::new(&["sections", path]).json();
    assert_eq!(json["programs"], serde_json::json!([]));
}

#[test]
fn a_crash_of_clang_leaves_no_file_and_its_cause_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("divide.c");
    std::fs::write(&source, "int divide(int a, int b) { return a / b; }\n").unwrap();
    let left = folder.path().join("left");
    std::fs::create_dir(&left).unwrap();
    let answer = Command::new(env!("CARGO_BIN_EXE_tutor-bpf"))
        .args(["bpf", "pipeline", "--mcpu", "v1"])
        .arg(&source)
        .env("TMPDIR", &left)
        .output()
        .unwrap();
    let (out, error) = (
        String::from_utf8_lossy(&answer.stdout),
        String::from_utf8_lossy(&answer.stderr),
    );
    if error.contains("there is no `clang`") {
        println!("skipped: a_crash_of_clang: there is no clang");
        return;
    }
    assert!(error.contains("signed division"), "{error}");
    assert!(
        error.contains("help: BPF before v4 divides unsigned numbers only"),
        "{error}"
    );
    assert!(!out.contains("Stack dump"), "{out}");
    assert_eq!(std::fs::read_dir(&left).unwrap().count(), 0);
}

#[test]
fn a_file_that_clang_refuses_leaves_standard_output_to_json() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("broken.c");
    std::fs::write(&source, "#include \"vmlinux.h\"\n").unwrap();
    let (error, out) = Run::new(&["pipeline", "--json", source.to_str().unwrap()]).answer();
    let error = error.unwrap_err();
    if error.contains("there is no `clang`") {
        println!("skipped: a_file_that_clang_refuses: there is no clang");
        return;
    }
    assert_eq!(out, "");
    assert!(
        error.contains("`bpftool btf dump file /sys/kernel/btf/vmlinux format c > vmlinux.h`"),
        "{error}"
    );
}

#[test]
fn a_file_that_does_not_end_is_refused_by_each_command_that_reads_one() {
    let folder = tempfile::tempdir().unwrap();
    let endless = folder.path().join("endless.c");
    let file = std::fs::File::create(&endless).unwrap();
    // It has no bytes on the disk.
    file.set_len(5 << 30).unwrap();
    let path = endless.to_str().unwrap();
    for command in [
        "sections", "symbols", "disasm", "compare", "xlated", "jited", "run", "pipeline",
    ] {
        let error = Run::new(&[command, path]).error();
        let words = "/endless.c: the file has more than 256 MiB, and no program or packet has";
        assert!(error.ends_with(words), "{command}: {error}");
    }
}

#[test]
fn a_loop_without_a_known_bound_is_told_with_its_line_and_a_log_that_is_bounded() {
    const NAME: &str = "a_loop_without_a_known_bound";
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: {NAME}: only root can load programs");
        return;
    }
    let Some(object) = compiled(NAME, "tests/programs/refused/endless", &["-g"]) else {
        return;
    };
    let (verdict, out) = Run::on(&object, &["run"]).answer();
    let error = verdict.unwrap_err();
    assert!(
        error.contains("the kernel refused program `endless`: E2BIG"),
        "{error}"
    );
    assert!(error.contains("give each loop a bound"), "{error}");
    assert!(
        out.contains("\ncomplaint    BPF program is too large. Processed 1000001 insn\n"),
        "{out}"
    );
    assert!(out.contains("\nline of C    "), "{out}");
    assert!(out.contains("sum += i ^ (sum << 1); @ "), "{out}");
    assert!(out.len() < 100_000, "{} bytes", out.len());
}
