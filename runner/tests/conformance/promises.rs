//! What every backend promises, as tests. Each one opens a shell, runs something that is known to
//! break runners, and looks from inside: through the shell alone, so that the machine it is on
//! may be another one.

#[path = "ahead.rs"]
mod ahead;
#[path = "background.rs"]
mod background;

pub use ahead::*;
pub use background::*;

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tutor::backend::{Backend, Happening, Mode, Opening, Session, Status};
use tutor::event::Stream;
use tutor::transcript::ShellFate;

/// How long anything may take that is known to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The time between the kind signal and the sure one, where the sure one is not what is tested.
const GRACE: Duration = Duration::from_secs(10);

/// The same, where waiting for the sure one is what is tested.
const SHORT_GRACE: Duration = Duration::from_millis(100);

/// One shell, and the folder it started in.
struct Shell {
    session: Box<dyn Session>,
    last_id: u32,
    /// What came while something else was awaited.
    later: Vec<Happening>,
    _folder: TempDir,
}

/// What one run did.
#[derive(Debug)]
struct Ran {
    status: Status,
    shell_lost: bool,
    shell_new: bool,
    on_request: bool,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Ran {
    fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

impl Shell {
    fn open(backend: &dyn Backend) -> Shell {
        Shell::open_with(backend, |_| ())
    }

    /// Opens a shell after `prepare` had its way with the folder.
    fn open_with(backend: &dyn Backend, prepare: impl FnOnce(&Path)) -> Shell {
        let folder = tempfile::Builder::new()
            .prefix("conform-")
            .tempdir()
            .expect("a folder");
        prepare(folder.path());
        let environment = environment(folder.path());
        let opening = Opening {
            folder: folder.path(),
            home: folder.path(),
            environment: &environment,
            own_mounts: false,
        };
        let session = backend.open(&opening).expect("the backend opens a shell");
        Shell {
            session,
            last_id: 0,
            later: Vec::new(),
            _folder: folder,
        }
    }

    fn begin(&mut self, mode: Mode, script: &str) -> u32 {
        self.last_id += 1;
        self.session
            .run(self.last_id, mode, script)
            .expect("the backend takes a run");
        self.last_id
    }

    /// Gives steps ahead; `None` if this backend takes none so.
    fn ahead(&mut self, scripts: &[&str]) -> Option<Vec<u32>> {
        let steps: Vec<(u32, &str)> = (self.last_id + 1..).zip(scripts.iter().copied()).collect();
        let taken = self.session.run_ahead(&steps);
        self.last_id += scripts.len() as u32;
        let ids = steps.iter().map(|(id, _)| *id).collect();
        taken.expect("the backend answers").then_some(ids)
    }

    /// Waits for what `wanted` picks; all else is kept for later.
    fn await_that<T>(&mut self, what: &str, mut wanted: impl FnMut(&Happening) -> Option<T>) -> T {
        let kept = std::mem::take(&mut self.later);
        let mut found = None;
        for happening in kept {
            match found.is_none().then(|| wanted(&happening)).flatten() {
                Some(value) => found = Some(value),
                None => self.later.push(happening),
            }
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(value) = found {
                return value;
            }
            assert!(
                Instant::now() < deadline,
                "waited in vain for {what}; came: {:?}",
                self.later
            );
            let next = self
                .session
                .next(Duration::from_millis(100))
                .expect("the backend answers");
            let Some(happening) = next else { continue };
            found = wanted(&happening);
            if found.is_none() {
                self.later.push(happening);
            }
        }
    }

    fn end_of(&mut self, wanted: u32) -> Ran {
        let (status, fate, on_request) =
            self.await_that("the end of a run", |happening| match happening {
                Happening::Ended {
                    id,
                    status,
                    shell,
                    on_request,
                } if *id == wanted => Some((*status, *shell, *on_request)),
                _ => None,
            });
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        self.later.retain(|happening| match happening {
            Happening::Output { id, stream, bytes } if *id == wanted => {
                match stream {
                    Stream::Stdout => stdout.extend(bytes),
                    Stream::Stderr => stderr.extend(bytes),
                }
                false
            }
            _ => true,
        });
        Ran {
            status,
            shell_lost: fate == ShellFate::Lost,
            shell_new: fate == ShellFate::New,
            on_request,
            stdout,
            stderr,
        }
    }

    fn run_in(&mut self, mode: Mode, script: &str) -> Ran {
        let id = self.begin(mode, script);
        self.end_of(id)
    }

    fn run(&mut self, script: &str) -> Ran {
        self.run_in(Mode::Step, script)
    }

    /// Runs a step that must do well and returns what it printed on standard output.
    fn prints(&mut self, script: &str) -> String {
        let ran = self.run(script);
        assert_eq!(
            (ran.status, ran.shell_lost),
            (Status::Exited(0), false),
            "`{script}`: {ran:?}"
        );
        ran.stdout()
    }

    /// Waits until a condition, written for a shell of its own, holds in the folder.
    fn until(&mut self, condition: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.run_in(Mode::Aside, condition).status == Status::Exited(0) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "waited in vain for `{condition}`"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until that many processes run `sleep` for exactly so long.
    fn until_sleepers(&mut self, count: usize, seconds: u32) {
        self.until(&sleepers(count, seconds));
    }

    fn kill(&mut self, id: u32, grace: Duration) -> Ran {
        self.session
            .kill(id, grace)
            .expect("the backend ends a run");
        self.end_of(id)
    }

    fn stop(&mut self, id: u32) -> Ran {
        self.session
            .stop(id, GRACE)
            .expect("the backend stops a run");
        self.end_of(id)
    }

    /// Closes the shell: what had to be ended, and what the shell printed as it closed.
    fn finish(&mut self) -> (Vec<(Option<u32>, String)>, String) {
        self.session
            .finish(Duration::from_secs(2))
            .expect("the backend closes a shell");
        let leftovers = self.await_that("the shell to close", |happening| match happening {
            Happening::Finished { leftovers } => Some(leftovers.clone()),
            _ => None,
        });
        let mut closing = Vec::new();
        for happening in &self.later {
            if let Happening::Output { id: 0, bytes, .. } = happening {
                closing.extend(bytes);
            }
        }
        (leftovers, String::from_utf8_lossy(&closing).into_owned())
    }
}

fn environment(home: &Path) -> Vec<(String, String)> {
    let pairs = [
        (
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        ),
        ("HOME", home.display().to_string()),
        ("LC_ALL", "C.UTF-8".to_owned()),
    ];
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A length of sleep that nobody else on the machine sleeps for.
fn own_seconds() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let process = std::process::id() % 100_000;
    1_000_000_000 + process * 1000 + NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A script that is true if that many processes run `sleep` for so long. It starts no process,
/// and so finds none of its own.
fn sleepers(count: usize, seconds: u32) -> String {
    format!(
        "count=0; for file in /proc/[0-9]*/cmdline; do \
         words=(); mapfile -d '' words <$file; [[ \"${{words[*]}}\" == 'sleep {seconds}' ]] && count=$((count + 1)); \
         done 2>/dev/null; (( count == {count} ))"
    )
}

/// The table's first row: `sh -c 'sleep A & sleep B'` hangs, and both go.
pub fn a_hanging_step_is_ended_with_all_its_children(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let seconds = own_seconds();
    let id = shell.begin(
        Mode::Step,
        &format!("sh -c 'sleep {seconds} & sleep {seconds}'"),
    );
    shell.until_sleepers(2, seconds);
    assert!(shell.kill(id, GRACE).shell_lost);
    shell.until_sleepers(0, seconds);
    assert_eq!(shell.prints("echo next"), "next\n");
}

/// `sleep 100 &` with output not redirected.
pub fn a_child_that_holds_the_output_makes_nobody_wait(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let seconds = own_seconds();
    assert_eq!(
        shell.prints(&format!("sleep {seconds} & echo started")),
        "started\n"
    );
    shell.until_sleepers(1, seconds);
    assert_eq!(shell.prints("echo next"), "next\n");
    assert_eq!(shell.finish().0, [(Some(1), format!("sleep {seconds}"))]);
    Shell::open(backend).until_sleepers(0, seconds);
}

/// `sleep 100 >/dev/null 2>&1 &`.
pub fn a_silent_child_is_found_and_ended(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let seconds = own_seconds();
    assert_eq!(
        shell.prints(&format!("sleep {seconds} >/dev/null 2>&1 &")),
        ""
    );
    shell.until_sleepers(1, seconds);
    assert_eq!(shell.finish().0, [(Some(1), format!("sleep {seconds}"))]);
    Shell::open(backend).until_sleepers(0, seconds);
}

/// `cat`, and a shell's own `read`.
pub fn a_step_that_reads_its_input_reads_nothing(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert_eq!(shell.prints("cat"), "");
    assert_eq!(shell.run("read line").status, Status::Exited(1));
    assert_eq!(shell.prints("bash -s; sh; wc -c"), "0\n");
    assert_eq!(shell.prints("echo next"), "next\n");
}

/// `exit 4`.
pub fn exit_ends_its_own_step_only(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let ran = shell.run("echo before; exit 4; echo after");
    assert_eq!(
        (ran.status, ran.shell_lost, ran.stdout()),
        (Status::Exited(4), true, "before\n".to_owned())
    );
    assert_eq!(shell.prints("echo next"), "next\n");
}

/// `a\377\000b`.
pub fn bytes_that_are_no_text_come_as_they_were(backend: &dyn Backend) {
    let ran = Shell::open(backend).run(r"printf 'a\377\000b'; printf '\000\376' >&2");
    assert_eq!(
        (ran.stdout.as_slice(), ran.stderr.as_slice()),
        (&b"a\xff\0b"[..], &b"\0\xfe"[..])
    );
}

/// An escape sequence that sets the terminal's title: making it harmless is the renderer's part.
pub fn an_escape_sequence_comes_as_it_was(backend: &dyn Backend) {
    let ran = Shell::open(backend).run(r"printf '\033]0;owned\007\r\n'");
    assert_eq!(ran.stdout, b"\x1b]0;owned\x07\r\n");
}

/// A step that prints and then works on; here it works until it is told that the line came.
pub fn the_first_line_of_a_slow_step_comes_before_its_end(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let id = shell.begin(
        Mode::Step,
        "echo first; until [ -e go ]; do sleep 0.01; done; echo last",
    );
    let first = shell.await_that("the first line", |happening| match happening {
        Happening::Output {
            id: printed, bytes, ..
        } if *printed == id => Some(bytes.clone()),
        _ => None,
    });
    assert_eq!(first, b"first\n");
    shell.run_in(Mode::Aside, ": >go");
    assert_eq!(shell.end_of(id).stdout(), "last\n");
}

/// `set -u`.
pub fn set_u_is_kept_and_ends_only_the_step_that_breaks_it(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert_eq!(shell.prints("set -u"), "");
    assert_eq!(shell.prints("[[ $- == *u* ]] && echo kept"), "kept\n");
    let ran = shell.run("echo \"$nosuch\"; echo after");
    assert_eq!(
        (ran.status, ran.shell_lost, ran.stdout()),
        (Status::Exited(1), true, String::new())
    );
    assert_eq!(shell.prints("echo \"[$nosuch]\""), "[]\n");
}

/// `set -e`.
pub fn set_e_is_kept_and_ends_only_the_step_that_breaks_it(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert_eq!(shell.prints("set -e"), "");
    assert_eq!(shell.prints("[[ $- == *e* ]] && echo kept"), "kept\n");
    let ran = shell.run("echo before; false; echo after");
    assert_eq!(
        (ran.status, ran.shell_lost, ran.stdout()),
        (Status::Exited(1), true, "before\n".to_owned())
    );
    assert_eq!(shell.prints("false; echo next"), "next\n");
}

/// `exec 3>…`: the file is the step's, and stays so.
pub fn a_file_that_a_step_opened_stays_open(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert_eq!(
        shell.prints("for n in 3 4 5 6 7 8 9 10 63 255; do eval \"exec $n>file-$n\"; done"),
        ""
    );
    assert_eq!(
        shell.prints("echo there >&3; echo too >&255; cat file-3 file-255"),
        "there\ntoo\n"
    );
}

/// `trap … EXIT`.
pub fn an_exit_trap_runs_once_when_the_shell_closes(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert_eq!(shell.prints("trap 'echo bye' EXIT"), "");
    assert_eq!(shell.prints("echo still here"), "still here\n");
    assert_eq!(shell.finish(), (vec![], "bye\n".to_owned()));
}

/// `readonly x=1`.
pub fn a_readonly_variable_stays_readonly(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert_eq!(shell.prints("readonly x=1 PS4 IFS"), "");
    assert_eq!(shell.prints("echo $x"), "1\n");
    let ran = shell.run("x=2");
    assert!(
        ran.status != Status::Exited(0) && ran.stderr().contains("readonly"),
        "{ran:?}"
    );
    assert_eq!(shell.run("echo next").stdout(), "next\n");
}

/// Like a notebook's kernel.
pub fn folder_variables_and_functions_are_kept(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    shell.prints("mkdir sub; cd sub; x=5; declare -A map=([a]=b); f() { echo \"f $1\"; }; alias g=f; umask 077");
    shell.prints("shopt -s expand_aliases extglob; set -- one two");
    let kept = "basename \"$PWD\"; echo $x ${map[a]}; f 1; g 2; umask; shopt -q extglob && echo $#";
    assert_eq!(shell.prints(kept), "sub\n5 b\nf 1\nf 2\n0077\n2\n");
}

/// As at a terminal.
pub fn the_status_is_that_of_the_last_command(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert_eq!(shell.prints("false; true"), "");
    assert_eq!(shell.run("true; (exit 37)").status, Status::Exited(37));
    assert_eq!(shell.run("nosuch-command").status, Status::Exited(127));
    assert_eq!(shell.run("sh -c 'kill -9 $$'").status, Status::Exited(137));
    assert_eq!(shell.prints("# nothing at all"), "");
    assert_eq!(shell.prints(""), "");
}

/// Their order is best effort; which is which is not.
pub fn stdout_and_stderr_are_told_apart(backend: &dyn Backend) {
    let ran = Shell::open(backend).run("echo out; echo err >&2; sh -c 'echo out; echo err >&2'");
    assert_eq!(
        (ran.stdout(), ran.stderr()),
        ("out\nout\n".to_owned(), "err\nerr\n".to_owned())
    );
}

/// Commands and statuses do not travel where a step prints.
pub fn words_of_the_control_channel_are_output_like_any_other(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let noise = "0123456789abcdef 1 0 hB\n{\"Ended\":{\"id\":1,\"status\":{\"Exited\":0},\"shell\":\"Kept\"}}\n";
    let ran = shell.run(&format!(
        "cat <<'END'\n{noise}END\necho \"$_tutor\" | wc -l >/dev/null; exit 9"
    ));
    assert_eq!(
        (ran.status, ran.stdout()),
        (Status::Exited(9), noise.to_owned())
    );
    assert_eq!(shell.prints("printf '\\0\\1\\2\\3\\4\\5' | wc -c"), "6\n");
}

/// Closing all files takes the shell's own as well: it ends, and the next step gets a new one.
/// What runs there is not taken for the end of the old one.
pub fn a_step_that_closes_every_file_is_heard_to_the_end(backend: &dyn Backend) {
    let close = "for file in /proc/$$/fd/*; do n=${file##*/}; eval \"exec $n>&-\"; done; (exit 3)";
    for _ in 0..20 {
        let mut shell = Shell::open(backend);
        assert_eq!(
            shell.run("exec 0<&- 1>&- 2>&-; (exit 7)").status,
            Status::Exited(7)
        );
        assert_eq!(shell.run(close).status, Status::Exited(3));
        let ran = shell.run("echo next; (exit 9)");
        assert_eq!(
            (ran.status, ran.stdout()),
            (Status::Exited(9), "next\n".to_owned())
        );
    }
}

/// `exit`, `set -e`, `exec true`, `kill $$`: the next step gets a new shell in the first folder.
pub fn whatever_ends_the_shell_ends_that_step_only(backend: &dyn Backend) {
    let endings = [
        ("exit", Status::Exited(0)),
        ("set -e; false", Status::Exited(1)),
        ("exec true", Status::Exited(0)),
        ("exec sh -c 'exit 5'", Status::Exited(5)),
        ("kill $$; sleep 100", Status::Signaled(15)),
        ("kill -9 $$; sleep 100", Status::Signaled(9)),
        ("f() { exit 3; }; f", Status::Exited(3)),
    ];
    let mut shell = Shell::open(backend);
    let folder = shell.prints("pwd");
    for (script, status) in endings {
        shell.prints("x=1; cd /");
        let ran = shell.run(script);
        assert_eq!(
            (ran.status, ran.shell_lost),
            (status, true),
            "`{script}`: {ran:?}"
        );
        assert_eq!(
            shell.prints("pwd; echo ${x-lost} >&2"),
            folder,
            "after `{script}`"
        );
        assert_eq!(shell.prints("echo ${x-lost}"), "lost\n", "after `{script}`");
    }
}

/// By the system, for want of memory, or by what an earlier step left.
pub fn a_shell_that_was_ended_between_two_steps_is_told_of(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert!(!shell.run("x=1").shell_new);
    for signal in ["KILL", "TERM", "HUP"] {
        let process = shell.prints("echo $$");
        let kill = format!("kill -{signal} {process}");
        assert_eq!(shell.run_in(Mode::Aside, &kill).status, Status::Exited(0));
        // A check runs in the lesson's shell as well.
        let ran = shell.run_in(Mode::Check, "echo ${x-none}");
        assert_eq!(
            (ran.stdout(), ran.shell_new),
            ("none\n".to_owned(), true),
            "{signal}"
        );
        assert!(!shell.run("x=1").shell_new, "{signal}");
    }
    shell.finish();
}

/// The report can say that variables and functions were lost.
pub fn a_timeout_loses_the_shell_and_not_the_folder(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    shell.prints("x=1; echo made >file");
    let seconds = own_seconds();
    let id = shell.begin(Mode::Step, &format!("echo begun; sleep {seconds}"));
    shell.until_sleepers(1, seconds);
    let ran = shell.kill(id, GRACE);
    assert_eq!((ran.shell_lost, ran.stdout()), (true, "begun\n".to_owned()));
    assert_eq!(shell.prints("echo ${x-lost}; cat file"), "lost\nmade\n");
}

/// The control code does not depend on what a step may redefine.
pub fn builtins_may_be_redefined(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let names = [
        "read", "printf", "eval", "trap", "set", "echo", "exec", "wait", "mapfile", "test", "cd",
    ];
    for name in names {
        shell.run(&format!("{name}() {{ :; }}"));
        shell.run(&format!("alias {name}=false"));
    }
    shell.run("shopt -s expand_aliases; enable -n read");
    assert_eq!(
        shell.run("command pwd >/dev/null; (exit 6)").status,
        Status::Exited(6)
    );
    assert_eq!(shell.run("builtin printf 'next\\n'").stdout(), "next\n");
    assert_eq!(
        shell.run_in(Mode::Check, "builtin echo checked").stdout(),
        "checked\n"
    );
}

/// By a file that it reads, as by itself.
pub fn what_a_file_switches_off_harms_no_later_step(backend: &dyn Backend) {
    for read in [". ./off", "source off"] {
        let mut shell = Shell::open_with(backend, |folder| {
            let off = "enable -n eval printf ulimit read exit; set -x\n";
            std::fs::write(folder.join("off"), off).expect("writable");
        });
        assert_eq!(shell.prints("echo before"), "before\n");
        shell.run(read);
        let ran = shell.run("echo after");
        assert_eq!(ran.stdout(), "after\n", "{read}: {ran:?}");
        // One `+` more for the `eval` that it is in.
        assert_eq!(ran.stderr(), "++ echo after\n", "{read}");
        assert_eq!(shell.run("(exit 6)").status, Status::Exited(6), "{read}");
    }
}

/// Nor does a `continue`.
pub fn a_top_level_break_or_return_does_no_harm(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    shell.prints("x=1");
    for script in ["break", "break 3", "continue", "return", "return 3"] {
        let ran = shell.run(script);
        assert!(!ran.shell_lost, "`{script}`: {ran:?}");
        assert_eq!(shell.prints("echo $x"), "1\n", "after `{script}`");
    }
}

/// Half a construct does not wait for its other half.
pub fn text_that_is_no_shell_is_one_failed_step(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    for script in [
        "if",
        "echo 'open",
        "}",
        ")",
        "for x in",
        "a && ",
        "<<<",
        "cat <(",
        "$((",
    ] {
        let ran = shell.run(script);
        assert!(
            // At an open `$((` bash 5.2 corrupts its memory, and may say no more.
            ran.status != Status::Exited(0) && (!ran.stderr.is_empty() || ran.shell_lost),
            "`{script}`: {ran:?}"
        );
        assert_eq!(shell.prints("echo next"), "next\n", "after `{script}`");
    }
    // What bash says of it does not depend on what went before.
    let said = |shell: &mut Shell| {
        let said = shell.run("if then fi (").stderr();
        said.replace(|digit: char| digit.is_ascii_digit(), "")
    };
    let first = said(&mut shell);
    shell.prints("set +x");
    assert_eq!(said(&mut shell), first);
    assert_eq!(shell.prints("cat <<END\nno end of it"), "no end of it\n");
    assert_eq!(
        shell.prints("echo 验证 \"it's\" \\\\ '$x' `echo y`"),
        "验证 it's \\ $x y\n"
    );
}

/// It is cleared and fixed; what bash itself adds is known.
pub fn the_environment_is_the_given_one_and_no_more(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let names = shell.prints("env | sed 's/=.*//' | sort | grep -vxE 'PWD|OLDPWD|SHLVL|_'");
    assert_eq!(names, "HOME\nLC_ALL\nPATH\n");
    assert_eq!(shell.prints("export NEW=1"), "");
    assert_eq!(shell.prints("sh -c 'echo $NEW $LC_ALL'"), "1 C.UTF-8\n");
}

/// And so does every shell after the first.
pub fn the_shell_starts_in_the_given_folder(backend: &dyn Backend) {
    let mut shell = Shell::open_with(backend, |folder| {
        std::fs::write(folder.join("from the lesson"), "its text\n").expect("writable");
    });
    assert_eq!(
        shell.prints("cat 'from the lesson'; [ \"$PWD\" -ef \"$HOME\" ] && echo home"),
        "its text\nhome\n"
    );
    shell.run("cd /; exit");
    assert_eq!(shell.prints("cat 'from the lesson'"), "its text\n");
}

/// TERM comes first, and a step may tidy up.
pub fn a_step_that_is_ended_is_asked_first(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let wait = "trap 'echo tidy; exit 0' TERM; : >up; while :; do sleep 0.01; done";
    let id = shell.begin(Mode::Step, &format!("bash -c {}", quoted(wait)));
    shell.until("[ -e up ]");
    assert_eq!(shell.kill(id, GRACE).stdout(), "tidy\n");
}

/// KILL comes after the time of grace.
pub fn a_step_that_does_not_listen_is_ended_all_the_same(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let seconds = own_seconds();
    let script = format!("trap '' TERM; : >up; sleep {seconds} & while :; do sleep 0.01; done");
    let id = shell.begin(Mode::Step, &script);
    shell.until("[ -e up ]");
    shell.until_sleepers(1, seconds);
    assert!(shell.kill(id, SHORT_GRACE).shell_lost);
    shell.until_sleepers(0, seconds);
    assert_eq!(shell.prints("echo next"), "next\n");
}

/// Found by descent, not by group or session alone.
pub fn a_daemon_in_a_session_of_its_own_is_ended_with_its_step(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let seconds = own_seconds();
    // Twice away from its parent, as daemons do it.
    let daemon = format!("setsid sh -c 'setsid sleep {seconds} >/dev/null 2>&1 &'");
    let id = shell.begin(
        Mode::Step,
        &format!("({daemon}); while :; do sleep 0.01; done"),
    );
    shell.until_sleepers(1, seconds);
    shell.kill(id, GRACE);
    shell.until_sleepers(0, seconds);
}

/// Also those of the second step, and daemons.
pub fn leftovers_name_the_step_they_came_from(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let (one, two) = (own_seconds(), own_seconds());
    shell.prints(&format!("sleep {one} &"));
    shell.until_sleepers(1, one);
    // The daemon is there before its step ends.
    let daemon = format!(
        "(setsid sleep {two} >/dev/null 2>&1 &); until ({}); do :; done",
        sleepers(1, two)
    );
    let id = shell.begin(Mode::Step, &daemon);
    assert_eq!(shell.end_of(id).status, Status::Exited(0));
    let (mut leftovers, _) = shell.finish();
    leftovers.sort();
    assert_eq!(
        leftovers,
        [
            (Some(1), format!("sleep {one}")),
            (Some(id), format!("sleep {two}"))
        ]
    );
    let mut other = Shell::open(backend);
    other.until_sleepers(0, one);
    other.until_sleepers(0, two);
}

/// However it is dropped: in the middle of a step, too.
pub fn nothing_is_left_when_a_session_is_dropped(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let seconds = own_seconds();
    let trap = "trap '' TERM HUP INT";
    shell.begin(
        Mode::Step,
        &format!("{trap}; (setsid sleep {seconds} &); sleep {seconds}"),
    );
    shell.until_sleepers(2, seconds);
    drop(shell);
    Shell::open(backend).until_sleepers(0, seconds);
}

/// A subshell: it sees variables and files.
pub fn a_check_sees_the_shell_and_changes_nothing(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    shell.prints("x=1; set -e; mkdir -p sub; cd sub; : >file; f() { echo f; }");
    let ran = shell.run_in(Mode::Check, "f; echo $x; ls; x=2; cd /; exit 3");
    assert_eq!(
        (ran.status, ran.shell_lost, ran.stdout()),
        (Status::Exited(3), false, "f\n1\nfile\n".to_owned())
    );
    assert_eq!(shell.prints("echo $x; basename \"$PWD\""), "1\nsub\n");
}

/// It sees files alone.
pub fn an_aside_has_a_shell_of_its_own(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    shell.prints("x=1; echo made >file");
    let ran = shell.run_in(Mode::Aside, "echo ${x-unset}; cat file; exit 5");
    assert_eq!(
        (ran.status, ran.stdout()),
        (Status::Exited(5), "unset\nmade\n".to_owned())
    );
}

/// Nothing is lost on the way; bounding it is the engine's part.
pub fn a_flood_comes_whole_and_in_order(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let ran = shell.run("seq 1 200000; seq 1 1000 >&2");
    let mut expected = String::new();
    for number in 1..=200_000 {
        expected.push_str(&number.to_string());
        expected.push('\n');
    }
    assert!(
        ran.stdout == expected.as_bytes(),
        "{} bytes came of {}",
        ran.stdout.len(),
        expected.len()
    );
    assert!(ran.stderr().ends_with("\n999\n1000\n"));
}

/// Longer than any pipe or argument list.
pub fn a_long_script_runs_to_its_last_line(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let text = "it's `all` $of \"one\" \\ step\n".repeat(10_000);
    let script = format!("cat <<'END' >text\n{text}END\nwc -c <text; (exit 7)");
    for mode in [Mode::Step, Mode::Check] {
        let ran = shell.run_in(mode, &script);
        assert_eq!(
            (ran.status, ran.stdout()),
            (Status::Exited(7), format!("{}\n", text.len()))
        );
    }
    assert_eq!(shell.prints("echo next"), "next\n");
}

/// As in a long lesson; some of them end the shell, with text of theirs after that.
pub fn many_runs_in_a_row_are_each_heard(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    for number in 0..300 {
        let (mode, ending) = match number % 30 {
            7 => (Mode::Check, format!("exit {}", number % 100)),
            11 => (Mode::Background, format!("exit {}", number % 100)),
            13 => (Mode::Step, format!("exit {}\necho never", number % 100)),
            17 => (
                Mode::Step,
                format!("cat /proc/$$/fd/0 >/dev/null; (exit {})", number % 100),
            ),
            _ => (Mode::Step, format!("(exit {})", number % 100)),
        };
        let ran = shell.run_in(mode, &format!("echo {number}; {ending}"));
        assert_eq!(
            (ran.status, ran.stdout()),
            (Status::Exited(number % 100), format!("{number}\n"))
        );
        assert_eq!(ran.shell_lost, number % 30 == 13);
    }
}

/// Lessons run side by side.
pub fn two_sessions_know_nothing_of_each_other(backend: &dyn Backend) {
    let (mut one, mut two) = (Shell::open(backend), Shell::open(backend));
    let seconds = own_seconds();
    one.prints("x=1; echo mine >file");
    let id = two.begin(Mode::Step, &format!("sleep {seconds}"));
    two.until_sleepers(1, seconds);
    one.run("exit 1");
    one.finish();
    drop(one);
    assert_eq!(
        two.run_in(Mode::Aside, &sleepers(1, seconds)).status,
        Status::Exited(0)
    );
    two.kill(id, GRACE);
    assert_eq!(two.prints("echo ${x-unset}; ls"), "unset\n");
}

/// Its pipes are its own.
pub fn what_a_step_left_behind_prints_belongs_to_that_step(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let late =
        "(until [ -e go ]; do sleep 0.01; done; echo late; echo late >&2; : >went) & exec 5>&1";
    let first = shell.begin(Mode::Step, late);
    assert_eq!(shell.end_of(first).stdout(), "");
    assert_eq!(
        shell.prints(": >go; until [ -e went ]; do sleep 0.01; done; echo now; echo five >&5"),
        "now\n"
    );
    let mut said = String::new();
    for (stream, wanted) in [(Stream::Stdout, "late\nfive\n"), (Stream::Stderr, "late\n")] {
        said.clear();
        while said.len() < wanted.len() {
            said += &shell.await_that("what it printed late", |happening| match happening {
                Happening::Output {
                    id,
                    stream: on,
                    bytes,
                } if (*id, *on) == (first, stream) => {
                    Some(String::from_utf8_lossy(bytes).into_owned())
                }
                _ => None,
            });
        }
        assert_eq!(said, wanted);
    }
}

/// `exec >file`, `exec 1>&-`, `exec 0<&-`, all from 3 to 255 closed, and numbers that bash picks.
pub fn what_a_step_does_to_its_files_ends_with_it(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let scripts = [
        "exec >file 2>&1; echo hidden",
        "exec 1>&-",
        "exec 2>&-",
        "exec 0<&-",
        "exec 0</etc/passwd",
        "exec 1>&2",
        "for n in {3..255}; do eval \"exec $n>&-\"; done",
        "exec {own}>other; echo there >&$own",
    ];
    for script in scripts {
        shell.run(script);
        let ran = shell.run("cat; echo out; echo err >&2");
        assert_eq!(
            (ran.status, ran.stdout(), ran.stderr()),
            (Status::Exited(0), "out\n".to_owned(), "err\n".to_owned()),
            "after `{script}`"
        );
    }
    assert_eq!(
        shell.prints("cat other; echo more >&$own; cat other"),
        "there\nthere\nmore\n"
    );
}

/// An aside has what the machine gives to every process; no other run has more.
pub fn no_file_of_ours_is_in_what_a_step_starts(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let list = "sh -c 'set -- /proc/$$/fd/*; for file; do echo ${file##*/}; done'";
    let everybodys = shell.run_in(Mode::Aside, list).stdout();
    assert!(everybodys.starts_with("0\n1\n"), "{everybodys}");
    for mode in [Mode::Step, Mode::Check, Mode::Background] {
        assert_eq!(shell.run_in(mode, list).stdout(), everybodys, "{mode:?}");
    }
}

/// bash keeps it at a number of its own while a step runs; what comes next is not lost to it.
pub fn what_a_step_reads_of_the_shells_own_input_is_not_missed(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    for script in [
        "cat /proc/$$/fd/0 >/dev/null",
        "for file in /proc/$$/fd/1[0-9]; do timeout 0.05 cat $file; done >/dev/null 2>&1; :",
        "read -r -u 10 line 2>/dev/null; read -r -u 11 line 2>/dev/null; :",
    ] {
        shell.run(script);
        assert_eq!(
            shell.run("echo next").stdout(),
            "next\n",
            "after `{script}`"
        );
    }
}

/// Whether it ends with a newline or not.
pub fn a_report_is_told_from_what_traps_print(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    for trap in ["printf trapped", "echo trapped", "printf '\\n\\ntrapped'"] {
        shell.run(&format!("trap {} DEBUG; trap {0} ERR", quoted(trap)));
        assert_eq!(shell.run("(exit 4)").status, Status::Exited(4), "{trap}");
        assert_eq!(
            shell.run("trap - DEBUG ERR; (exit 5)").status,
            Status::Exited(5)
        );
        assert_eq!(shell.prints("echo next"), "next\n");
    }
}

/// `exec` changes its own step's input and no other's.
pub fn every_step_has_an_empty_input(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    shell.prints("seq 3 >numbers");
    for change in ["exec <numbers; read x", "exec <&-", "exec </dev/zero"] {
        shell.run(change);
        assert_eq!(shell.prints("cat"), "", "after `{change}`");
    }
}

/// As bash's `<(...)` has them, and scripts that write to `/dev/stderr`.
pub fn standard_files_have_their_names(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    assert_eq!(shell.prints("cat <(echo one) <(echo two)"), "one\ntwo\n");
    assert_eq!(shell.prints("echo three | cat /dev/stdin"), "three\n");
    let ran = shell.run("echo four >/dev/stderr; echo five >/dev/stdout");
    assert_eq!(
        (ran.stdout(), ran.stderr()),
        ("five\n".into(), "four\n".into())
    );
}

/// The step that did it ends the shell: the report needs them.
pub fn readonly_names_of_ours_make_nobody_wait(backend: &dyn Backend) {
    for name in ["_tutor", "_tutor_gate", "_tutor_x", "_tutor_off"] {
        let mut shell = Shell::open(backend);
        let ran = shell.run(&format!("echo before; readonly {name}"));
        assert_eq!(ran.stdout(), "before\n", "{name}");
        assert_eq!(shell.prints("echo next"), "next\n", "{name}");
        assert_eq!(shell.prints("echo after"), "after\n", "{name}");
    }
    let mut shell = Shell::open(backend);
    let ran = shell.run("readonly _tutor");
    assert!(ran.shell_lost && ran.status != Status::Exited(0), "{ran:?}");
}

/// `ulimit -n`, which nothing can raise again.
pub fn a_step_that_leaves_too_few_files_ends_the_shell_and_nothing_else(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let ran = shell.run("ulimit -n 5; echo few");
    assert_eq!(
        (ran.status, ran.shell_lost, ran.stdout()),
        (Status::Exited(0), true, "few\n".into())
    );
    assert_eq!(shell.prints("echo next"), "next\n");
    for count in (6..20).rev() {
        shell.run(&format!("ulimit -n {count}"));
        assert_eq!(shell.prints("echo next"), "next\n", "{count}");
        let ran = shell.run_in(Mode::Check, "echo checked");
        assert_eq!(ran.stdout(), "checked\n", "{count}");
    }
}

/// However often the pipes of others were used again meanwhile.
pub fn what_was_left_behind_prints_to_its_own_step_after_hundreds_of_others(backend: &dyn Backend) {
    let mut shell = Shell::open(backend);
    let ticking = "exec 5>&1; (until [ -e stop ]; do echo tick; sleep 0.01; done; echo gone) &";
    let left = shell.begin(Mode::Step, ticking);
    shell.end_of(left);
    for round in 0..5 {
        let first = shell.begin(Mode::Step, "echo first");
        let mine = format!("echo {round}; echo five >&5; echo err >&2");
        if let Some(ids) = shell.ahead(&vec![mine.as_str(); 50]) {
            for id in ids {
                let ran = shell.end_of(id);
                assert_eq!(
                    (ran.stdout(), ran.stderr()),
                    (format!("{round}\n"), "err\n".into())
                );
            }
        }
        assert_eq!(shell.end_of(first).stdout(), "first\n");
        for _ in 0..20 {
            assert_eq!(shell.prints("echo one by one"), "one by one\n");
        }
    }
    shell.prints(": >stop; exec 5>&-");
    let mut said = String::new();
    while !said.contains("gone\n") {
        said += &shell.await_that("the last line", |happening| match happening {
            Happening::Output { id, bytes, .. } if *id == left => {
                Some(String::from_utf8_lossy(bytes).into_owned())
            }
            _ => None,
        });
    }
    let strange = said
        .lines()
        .find(|line| !["tick", "five", "gone"].contains(line));
    assert_eq!(strange, None);
}

/// Also those that were given ahead, asides, and the shell after one that was lost: who looks after
/// a busy shell may keep off its processor, and nobody inherits that.
pub fn every_shell_runs_on_all_processors(backend: &dyn Backend) {
    let processors = "grep Cpus_allowed: /proc/self/status";
    let mut shell = Shell::open(backend);
    let all = shell.prints(processors);
    let first = shell.begin(Mode::Step, "sleep 0.1");
    let mut scripts = vec!["sleep 0.01"; 20];
    scripts.extend([processors, "kill -9 $$"]);
    if let Some(ids) = shell.ahead(&scripts) {
        assert_eq!(Shell::open(backend).prints(processors), all);
        assert_eq!(shell.run_in(Mode::Aside, processors).stdout(), all);
        shell.end_of(first);
        assert_eq!(shell.end_of(ids[20]).stdout(), all);
        assert!(shell.end_of(ids[21]).shell_lost);
    } else {
        shell.end_of(first);
    }
    for mode in [Mode::Step, Mode::Check, Mode::Background, Mode::Aside] {
        assert_eq!(shell.run_in(mode, processors).stdout(), all, "{mode:?}");
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
