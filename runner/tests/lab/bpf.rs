//! `tutor bpf --on lab`: the same answers, from another kernel.

use crate::own;
use crate::support::{Tutor, skipped};
use nix::sys::signal::Signal;
use std::process::Command;
use std::thread;
use std::time::Duration;

const PROGRAM: &str = "
#define SEC(name) __attribute__((section(name), used))
static long (*printk)(const char *text, int bytes, ...) = (void *)6;
SEC(\"raw_tp/sys_enter\") int here(void *ctx)
{
    char text[] = \"-here\";
    printk(text, sizeof(text));
    return 0;
}
char gpl[] SEC(\"license\") = \"GPL\";
";

/// A learner with the lab's kernels, and an object in the folder `tmp`.
fn learner() -> Option<Tutor> {
    let tutor = own::learner("`tutor bpf --on lab` was not tried")?;
    tutor.put("tmp/here.bpf.c", PROGRAM);
    let mut clang = Command::new("clang");
    clang.args(["-O2", "-g", "-target", "bpf", "-c", "here.bpf.c"]);
    let compiled = clang.current_dir(tutor.path("tmp")).status().ok()?;
    assert!(compiled.success());
    Some(tutor)
}

#[test]
fn a_command_on_a_kernel_of_the_lab_says_what_it_says_there() {
    let Some(tutor) = learner() else {
        return skipped(
            "`tutor bpf --on lab`: there is no QEMU, no kernel for the lab or no clang",
        );
    };
    let folder = tutor.path("tmp").display().to_string();
    for words in [
        "xlated here.bpf.o --json",
        "xlated --opcodes --program here here.bpf.o",
        "jited here.bpf.o",
        "run --repeat 3 here.bpf.o --grep=-here --lines=0",
        "probe btf",
        "features --helpers xdp",
    ] {
        let mut command = tutor.command(&format!("lab run --folder {folder}"));
        command.args(["--", "tutor", "bpf"]).args(words.split(' '));
        let there = tutor.start_command(command, words).end();
        let here = tutor.run(&format!("bpf --on lab {words}"));
        assert!(!here.stdout.is_empty(), "{words}: {}", here.stderr);
        assert_eq!(plain(&here.stdout), plain(&there.stdout), "{words}");
        assert_eq!(here.status, there.status, "{words}");
    }
    let json = tutor.run("bpf xlated --json --on lab here.bpf.o").json();
    assert_eq!(json["programs"][0]["name"], "here");
}

/// Without what the kernel makes anew each time.
fn plain(text: &str) -> String {
    let moves = [
        "load_time_ns",
        "at 0x",
        "address",
        "average",
        "call ",
        "bytes",
        " ns",
    ];
    let lines = text
        .lines()
        .filter(|line| !moves.iter().any(|word| line.contains(word)));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn an_interrupt_ends_the_attachment_and_shows_what_was_printed() {
    let Some(tutor) = learner() else {
        return skipped("an interrupt of `tutor bpf --on lab`: no QEMU, kernel or clang");
    };
    // Nothing tells from outside when the program is attached, so it is tried until it was.
    for tenths in [2, 5, 10, 20, 40, 80, 160] {
        let running = tutor.start("bpf run --on lab --attach 3600 here.bpf.o");
        thread::sleep(Duration::from_millis(tenths * 100));
        running.signal(Signal::SIGINT);
        let ran = running.end();
        if ran.stdout.contains("-here") {
            ran.code(130).stdout_has("until it was interrupted");
            return;
        }
    }
    panic!("nothing was shown");
}

#[test]
fn what_asks_no_kernel_or_what_is_not_in_the_lab_is_refused() {
    let tutor = Tutor::new();
    tutor
        .run("bpf disasm --on lab here.bpf.o")
        .code(2)
        .stderr_has("this command asks no kernel");
    tutor
        .run("bpf xlated --on lab id 3")
        .code(2)
        .stderr_has("nothing loaded yet");
    tutor
        .run("bpf xlated --on host --kernel 6.1 here.bpf.o")
        .code(2)
        .stderr_has("leave one of them out");
    tutor
        .run("bpf features --kernel 6.99")
        .code(3)
        .stderr_has("lab");
}

#[test]
fn what_is_no_object_needs_no_machine_to_be_told() {
    let tutor = Tutor::new();
    tutor.put("tmp/here.bpf.c", PROGRAM);
    for command in ["run", "compare", "xlated", "jited"] {
        tutor
            .run(&format!("bpf {command} --on lab here.bpf.c"))
            .code(1)
            .stderr_has("this is the C of a program, and not yet an object")
            .stderr_has("compile it with `clang -O2 -g -target bpf ");
        tutor
            .run(&format!("bpf {command} --on lab ."))
            .code(1)
            .stderr_has("is a directory");
    }
}

#[test]
fn a_command_runs_while_a_program_is_attached_and_one_that_waited_in_vain_says_where() {
    let Some(tutor) = learner() else {
        return skipped("`bpf run --while`: there is no QEMU, no kernel for the lab or no clang");
    };
    let ran = tutor.run("bpf run --on lab here.bpf.o --attach 1 --grep nobody-says-this");
    ran.code(0).stdout_lacks("it waited at");
    let quiet = PROGRAM.replace("printk(text, sizeof(text));", "");
    tutor.put("tmp/here.bpf.c", &quiet);
    let mut clang = Command::new("clang");
    clang.args(["-O2", "-g", "-target", "bpf", "-c", "here.bpf.c"]);
    assert!(
        clang
            .current_dir(tutor.path("tmp"))
            .status()
            .is_ok_and(|status| status.success())
    );
    tutor
        .run("bpf run --on lab here.bpf.o --attach 0.2")
        .code(0)
        .stdout_has("it waited at `raw_tp/sys_enter`")
        .stdout_has("`--while 'COMMAND'` runs a command meanwhile");
    let mut command = tutor.command("bpf run --on lab here.bpf.o");
    command.args(["--while", "echo meanwhile; sleep 60 & exit"]);
    let ran = tutor.start_command(command, "bpf run --while").end();
    ran.code(0)
        .stderr_has("meanwhile")
        .stdout_has("was attached for")
        .stdout_lacks("the command of `--while`");
    let run = |args: &[&str], meanwhile: &str| {
        let mut command = tutor.command("bpf run --on lab here.bpf.o");
        command.args(args).args(["--while", meanwhile]);
        tutor.start_command(command, "bpf run --while").end()
    };
    run(&[], "exit 3")
        .code(0)
        .stdout_has("was attached for ")
        .stdout_has("the command of `--while` ended with status 3\n")
        .stdout_has("it waited at")
        .stdout_lacks("runs a command meanwhile");
    run(&[], "kill -9 $$").stdout_has("the command of `--while` was ended by signal 9\n");
    let late = ["--attach", "0.5"];
    run(&late, "sleep 60").stdout_has("the command of `--while` still ran, and was stopped\n");
    for (line, status) in [("exit 3", Some(3)), ("sleep 60", None)] {
        let json = run(&["--attach", "0.5", "--json"], line).json();
        let end = serde_json::json!({"signal": null, "status": status});
        assert_eq!(json["attached"]["while"], end, "{line}");
    }
}

/// A variable that libbpf fills in from the configuration of the kernel that the program runs on.
const KCONFIG: &str = "
#define SEC(name) __attribute__((section(name), used))
extern unsigned CONFIG_HZ __attribute__((section(\".kconfig\")));
SEC(\"socket\") int hz(void *ctx) { return CONFIG_HZ; }
char gpl[] SEC(\"license\") = \"GPL\";
";

#[test]
fn a_variable_from_the_kernels_configuration_has_its_value_in_the_lab() {
    let what = "`__kconfig` in the lab";
    let Some(tutor) = own::learner(what) else {
        return;
    };
    tutor.put("tmp/hz.bpf.c", KCONFIG);
    let mut clang = Command::new("clang");
    clang.args(["-O2", "-g", "-target", "bpf", "-c", "hz.bpf.c"]);
    let Ok(compiled) = clang.current_dir(tutor.path("tmp")).status() else {
        return skipped(&format!("{what}: there is no clang"));
    };
    assert!(compiled.success());
    let kernel = own::kernel("default").expect("its machine starts");
    let Some(config) = kernel.config.file() else {
        return skipped(&format!(
            "{what}: its kernel is there without its configuration"
        ));
    };
    let config = std::fs::read_to_string(config).expect("readable");
    let hz = config
        .lines()
        .find_map(|line| line.strip_prefix("CONFIG_HZ="));
    let returned = format!("returned {},", hz.expect("each kernel has it"));
    let ran = tutor.run("bpf run --on lab hz.bpf.o").code(0);
    ran.stdout_has(&returned);
}
