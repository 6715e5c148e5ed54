//! `tutor lab run`, from outside.

use crate::own;
use crate::support::{Tutor, at_a_terminal, has, skipped, step};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

#[test]
fn what_a_command_took_and_what_a_checkpoint_takes_is_written_on_request() {
    let Some(tutor) = own::learner("no command was measured") else {
        return;
    };
    let line = format!(
        "lab run --measure {}",
        tutor.path("measured.json").display()
    );
    let mut command = tutor.command(&line);
    command.args(["--", "sh", "-c", "echo one; exit 7"]);
    let ran = tutor.start_command(command, &line).end();
    ran.code(7).stdout_has("one\n");
    let text = tutor.get("measured.json");
    let measured: Value = serde_json::from_str(&text).expect("JSON");
    let number = |name: &str| measured[name].as_f64().expect(&text);
    assert_eq!(measured["format"], 1);
    assert!(
        number("guest_ready_ms") <= number("first_output_ms"),
        "{text}"
    );
    assert!(
        number("first_output_ms") <= number("command_ended_ms"),
        "{text}"
    );
    assert!(number("checkpoint_ms") > 0.0, "{text}");
    // A whole state is some hundred times as large.
    let bytes = number("checkpoint_bytes");
    assert!((1000.0..20_000_000.0).contains(&bytes), "{text}");
}

#[test]
fn a_shell_says_whose_files_it_has_and_what_is_kept() {
    let Some(tutor) = own::learner("no shell was opened there") else {
        return;
    };
    let shell = |line: &str| {
        let typed = "echo $PWD >made; cat made; exit 7\r";
        let (seen, code) = at_a_terminal(tutor.command(line), "lab:", typed);
        assert_eq!(code, Some(7), "{seen}");
        seen.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let seen = shell("lab shell --color never");
    assert!(
        seen.contains("without your files: `--folder FOLDER` brings some"),
        "{seen}"
    );
    assert!(seen.contains(" /root "), "{seen}");
    let folder = tutor.path("tmp").display().to_string();
    let seen = shell(&format!("lab shell --color never --folder {folder}"));
    for said in [
        "with a copy of `",
        "and no compiler: what you write there on your own machine does not get here",
        "what changes here comes back when you leave",
        &format!("came back to `{folder}`: `made`"),
    ] {
        assert!(seen.contains(said), "{seen}");
    }
    assert_eq!(tutor.get("tmp/made"), format!("{folder}\n"));
}

#[test]
fn what_changed_comes_back_whatever_ends_the_command_or_the_shell() {
    let Some(tutor) = own::learner("nothing was brought back") else {
        return;
    };
    let folder = tutor.path("tmp").display().to_string();
    let line = format!("lab run --folder {folder}");
    let long = |name: &str| {
        let mut command = tutor.command(&line);
        let script = format!("echo lab >{name}; echo ready; yes");
        command.args(["--", "sh", "-c", &script]);
        command
    };
    // Ctrl-C.
    let mut running = tutor.start_command(long("interrupted"), &line);
    running.until_stdout("ready");
    running.signal(Signal::SIGINT);
    running.end().code(130).stderr_has("`interrupted`");
    assert_eq!(tutor.get("tmp/interrupted"), "lab\n");
    // A reader that leaves early.
    let mut command = long("unread");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.stdout(writer).output().unwrap();
    assert_eq!(tutor.get("tmp/unread"), "lab\n", "{output:?}");
    // A terminal that is closed.
    let mut shell = AtTerminal::new(tutor.command(&format!("lab shell --folder {folder}")));
    shell.until(&["lab:"]);
    shell.say("echo lab >closed; echo re'ad'y\r");
    shell.until(&[" ready "]);
    let AtTerminal {
        mut child, master, ..
    } = shell;
    drop(master);
    child.wait().unwrap();
    assert_eq!(tutor.get("tmp/closed"), "lab\n");
}

/// A command at a terminal of its own.
struct AtTerminal {
    child: Child,
    master: fs::File,
    /// What it showed and nobody waited for.
    seen: String,
}

impl AtTerminal {
    fn new(mut command: Command) -> AtTerminal {
        let terminal = nix::pty::openpty(None, None).unwrap();
        // Else the command would keep its own terminal open.
        fcntl(&terminal.master, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
        let slave = || Stdio::from(terminal.slave.try_clone().unwrap());
        command.stdin(slave()).stdout(slave()).stderr(slave());
        AtTerminal {
            child: command.spawn().unwrap(),
            master: terminal.master.into(),
            seen: String::new(),
        }
    }

    fn say(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until it shows these texts one after another, whatever blanks and line ends are in them.
    fn until(&mut self, texts: &[&str]) {
        let mut buffer = [0; 4096];
        let shows = |seen: &str| {
            let words = seen.split_whitespace().collect::<Vec<_>>().join(" ");
            let after =
                |seen: &str, text: &&str| seen.split_once(text).map(|(_, rest)| rest.to_owned());
            texts
                .iter()
                .try_fold(words, |seen, text| after(&seen, text))
                .is_some()
        };
        while !shows(&self.seen) {
            let count = self.master.read(&mut buffer).expect(&self.seen);
            let more = String::from_utf8_lossy(&buffer[..count]);
            self.seen.push_str(&more);
        }
        self.seen.clear();
    }
}

#[test]
fn a_folder_that_cannot_come_back_leaves_the_shell_open() {
    let Some(tutor) = own::learner("no shell was left with too much") else {
        return;
    };
    let folder = tutor.path("tmp").display().to_string();
    let mut shell = AtTerminal::new(tutor.command(&format!("lab shell --folder {folder}")));
    shell.until(&["lab:"]);
    shell.say("echo lab >made; truncate -s 110M big; exit\r");
    shell.until(&["could not be brought back: `", "leave again", "lab:"]);
    shell.say("rm big; exit\r");
    shell.until(&["came back to"]);
    assert_eq!(shell.child.wait().unwrap().code(), Some(0));
    assert_eq!(tutor.get("tmp/made"), "lab\n");
}

#[test]
fn a_machine_that_ends_by_itself_says_what_did_not_come_back() {
    let Some(tutor) = own::learner("no machine was ended") else {
        return;
    };
    let folder = tutor.path("tmp").display().to_string();
    let line = format!("lab run --folder {folder}");
    let mut command = tutor.command(&line);
    command.args([
        "--",
        "sh",
        "-c",
        "echo lab >made; echo o >/proc/sysrq-trigger; sleep 60",
    ]);
    let ran = tutor.start_command(command, &line).end().code(3);
    let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let loss = format!("what changed in `{folder}` since then did not come back");
    assert!(said.contains(&loss), "{said}");
}

#[test]
fn a_kernel_that_is_not_there_is_told_before_anything_is_measured() {
    let tutor = Tutor::new();
    let line = "lab run --kernel 6.99 --measure measured.json";
    let mut command = tutor.command(line);
    command.args(["--", "true"]);
    let ran = tutor.start_command(command, line).end();
    ran.code(3).stderr_has("the lab has no kernel `6.99`");
    assert!(!tutor.path("tmp/measured.json").exists());
}

/// Leaves time to write something before what is in the guest comes back.
const CHANGES: &str = "echo lab >notes.txt; rm old.txt; printf 'g%s\\n' o; sleep 3";

fn what_is_yours_is_named(tutor: &Tutor, folder: &str, said: &str) {
    let get = |name: &str| tutor.get(&format!("{folder}/{name}"));
    assert_eq!(get("notes.txt"), "mine");
    assert_eq!(get("notes.txt.from-lab"), "lab\n");
    assert_eq!(get("old.txt"), "mine");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for line in [
        "`notes.txt` is as you changed it; what the lab had there is kept beside it, in \
         `notes.txt.from-lab`",
        "`old.txt` stays, since you changed something there; the lab had removed it",
    ] {
        assert!(said.contains(line), "{said}");
    }
}

#[test]
fn what_you_write_while_a_command_runs_is_kept_and_both_versions_are_named() {
    let Some(tutor) = own::learner("nothing was written meanwhile") else {
        return;
    };
    tutor.put("tmp/old.txt", "old");
    let line = format!("lab run --folder {}", tutor.path("tmp").display());
    let mut command = tutor.command(&line);
    command.args(["--", "sh", "-c", CHANGES]);
    let mut running = tutor.start_command(command, &line);
    running.until_stdout("go");
    for name in ["tmp/notes.txt", "tmp/old.txt"] {
        tutor.put(name, "mine");
    }
    let ran = running.end().code(0);
    what_is_yours_is_named(&tutor, "tmp", &ran.stderr);
}

#[test]
fn what_you_write_while_a_lesson_runs_is_kept_and_both_versions_are_named() {
    let Some(tutor) = own::learner("nothing was written meanwhile") else {
        return;
    };
    let first = step("one", "echo old >old.txt");
    let tutor = tutor.lesson(first + &step("two on=kernel", CHANGES));
    let mut running = tutor.start("run demo");
    running.until_stdout("go");
    let workspace = tutor.workspace("demo");
    let folder = workspace.strip_prefix(tutor.path("")).expect("below");
    let folder = folder.display().to_string();
    for name in ["notes.txt", "old.txt"] {
        tutor.put(&format!("{folder}/{name}"), "mine");
    }
    let ran = running.end();
    what_is_yours_is_named(&tutor, &folder, &ran.told());
}

#[test]
fn a_program_of_a_shared_folder_brings_no_file_of_the_learners_along() {
    let Some(tutor) = own::learner("no program was brought there") else {
        return;
    };
    tutor.put("secret", "the learner's key\n");
    let secret = tutor.path("secret").display().to_string();
    tutor.put("tmp/source.c", "int main(void) { return 0; }\n");
    let gcc = std::process::Command::new("gcc")
        .args(["source.c", "-o", "program"])
        .arg(format!("-Wl,--dynamic-linker={secret}"))
        .current_dir(tutor.path("tmp"))
        .output()
        .expect("gcc starts");
    assert!(gcc.status.success(), "{gcc:?}");
    let line = format!("lab run --folder {}", tutor.path("tmp").display());
    let mut command = tutor.command(&line);
    command.args(["--", "cat", &secret]);
    let ran = tutor.start_command(command, &line).end();
    let ran = ran.code(1).stderr_has("No such file or directory");
    assert!(!ran.stdout.contains("key"), "{}", ran.stdout);
}

/// Runs `tutor bpf compare` on an object in a guest, with `bpf_jit_harden` set so.
fn compared(tutor: &Tutor, harden: u32) -> Value {
    let line = format!("lab run --folder {}", tutor.path("tmp").display());
    let script = format!(
        "echo {harden} >/proc/sys/net/core/bpf_jit_harden && \
         tutor bpf compare hello.bpf.o --json"
    );
    let mut command = tutor.command(&line);
    command.args(["--", "sh", "-c", &script]);
    tutor.start_command(command, &line).end().code(0).json()
}

#[test]
fn under_a_hardened_jit_constants_are_blinded_and_the_call_is_still_the_verifiers() {
    let Some(tutor) = own::learner("no hardened JIT was seen") else {
        return;
    };
    if !has("clang") {
        skipped("there is no clang, so no hardened JIT was seen");
        return;
    }
    let program = "#define SEC(name) __attribute__((section(name), used))\n\
        static long (*print)(const char *, unsigned, ...) = (void *)6;\n\
        SEC(\"raw_tp/sys_enter\") int prog(void *ctx)\n{\n\tchar text[] = \"a\\n\";\n\
        \tprint(text, sizeof(text));\n\treturn 0;\n}\n\
        SEC(\"license\") char _license[] = \"GPL\";\n";
    tutor.put("tmp/hello.bpf.c", program);
    let clang = std::process::Command::new("clang")
        .args([
            "-O2",
            "-g",
            "-mcpu=v1",
            "-target",
            "bpf",
            "-c",
            "hello.bpf.c",
        ])
        .args(["-o", "hello.bpf.o"])
        .current_dir(tutor.path("tmp"))
        .output()
        .expect("clang starts");
    assert!(clang.status.success(), "{clang:?}");
    let rows = |value: &Value| {
        value["programs"][0]["rows"]
            .as_array()
            .cloned()
            .expect("rows")
    };
    let named =
        |rows: &[Value], change: &str| rows.iter().filter(|row| row["change"] == change).count();

    let plain = rows(&compared(&tutor, 0));
    assert_eq!(
        (named(&plain, "blinded"), named(&plain, "helper-address")),
        (0, 1)
    );
    assert_eq!(named(&plain, "same"), plain.len() - 1);

    let hard = rows(&compared(&tutor, 2));
    assert_eq!(
        (hard.len(), named(&hard, "helper-address")),
        (plain.len(), 1)
    );
    assert_eq!(
        named(&hard, "blinded") + named(&hard, "same") + 1,
        hard.len()
    );
    // The size of the text, 3, is put together from two halves that only together make it.
    let size = hard
        .iter()
        .find(|row| row["bytecode"]["text"] == "r2 = 3")
        .expect("the size");
    assert_eq!(size["change"], "blinded");
    let half = |at: usize, before: &str| {
        let text = size["xlated"][at]["text"].as_str().expect("text");
        text.strip_prefix(before)
            .and_then(|number| number.parse::<i32>().ok())
            .expect(text)
    };
    assert_eq!(half(0, "r11 = ") ^ half(1, "r11 ^= "), 3);
    assert_eq!(size["xlated"][2]["text"], "r2 = r11");
    let zero = hard
        .iter()
        .find(|row| row["bytecode"]["text"] == "r0 = 0")
        .expect("the zero");
    assert_eq!(
        (&zero["change"], &zero["xlated"][0]["text"]),
        (&"blinded".into(), &"r0 ^= r0".into())
    );
}

/// A program that talks in the agent's place.
fn liar(tutor: &Tutor) -> bool {
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/runner/tests/lab/hostile_agent/evil.c"
    );
    let mut compiler = std::process::Command::new("gcc");
    compiler.args(["-static", "-O2", "-Wall", "-Werror", "-o"]);
    compiler.arg(tutor.path("evil")).arg(source);
    let is_made = compiler.status().is_ok_and(|status| status.success());
    if !is_made {
        skipped("gcc makes no static program here, so nobody lied from a real guest");
    }
    is_made
}

/// Runs the liar in a guest: it lists one file, says that it has so many bytes, and sends so many.
/// The folder that is shared is `tmp/shared`.
fn told_by(tutor: &Tutor, path: &str, bytes: u64, sent: u64) -> crate::support::Ran {
    tutor.put("tmp/shared/own", "mine");
    std::fs::copy(tutor.path("evil"), tutor.path("tmp/shared/evil")).unwrap();
    let line = format!("lab run --folder {}", tutor.path("tmp/shared").display());
    let mut command = tutor.command(&line);
    command.args(["--", "./evil", path]);
    command.args([bytes.to_string(), sent.to_string()]);
    tutor.start_command(command, &line).end()
}

#[test]
fn a_guest_that_lies_of_its_files_ends_with_an_error_and_what_is_yours_is_as_it_was() {
    let Some(tutor) = own::learner("nobody lied there") else {
        return;
    };
    if !liar(&tutor) {
        return;
    }
    let there = || tutor.files("tmp").into_keys().collect::<Vec<String>>();
    // The same program telling what may be.
    told_by(&tutor, "made", 4, 4).code(0);
    assert_eq!(tutor.get("tmp/shared/made"), "xxxx");
    std::fs::remove_file(tutor.path("tmp/shared/made")).unwrap();
    // A listing that cannot be is refused before anything is done; to lack a file is no lie.
    let both: &[&str] = &["shared/evil", "shared/own"];
    let lies = [
        ("../outside", 1, 1, both),
        ("/tmp/tutor-was-here", 1, 1, both),
        ("own/below", 1, 1, both),
        ("bomb", 1, 300_000_000, &[]),
    ];
    for (path, bytes, sent, left) in lies {
        let ran = told_by(&tutor, path, bytes, sent);
        ran.code(3).stderr_has("the guest broke the protocol: ");
        assert_eq!(there(), left, "{path}");
    }
}
