//! The agent, driven as `tutor` drives it: what it does besides what every backend promises, which
//! `runner/tests/conformance/` holds it to.

mod guards;

use nix::sys::signal::kill;
use nix::unistd::Pid;
use proptest::prelude::*;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tutor_agent::client::Client;
use tutor_agent::confine::limits::ResourceLimits;
use tutor_agent::confine::{Confinement, Guard, Held};
use tutor_agent::guarded::Given;
use tutor_agent::protocol::{Incoming, Mode, Reply, Request, ShellFate, Status, Stream};

const PATIENCE: Duration = Duration::from_secs(20);

struct Agent {
    client: Client,
    folder: TempDir,
    last_id: u32,
}

#[derive(Debug, PartialEq)]
struct Ran {
    status: Status,
    shell: ShellFate,
    stdout: String,
    stderr: String,
}

impl Agent {
    fn start() -> Agent {
        let (agent, _) = Agent::guarded(Guard::Processes, None).unwrap();
        agent
    }

    fn guarded(guard: Guard, confine: Option<Confinement>) -> Result<(Agent, Held), String> {
        Agent::limited(guard, confine, None)
    }

    /// Starts an agent with a guard, and returns what holds; else why it cannot confine steps. The
    /// agent's own folder is theirs.
    fn limited(
        guard: Guard,
        confine: Option<Confinement>,
        limits: Option<ResourceLimits>,
    ) -> Result<(Agent, Held), String> {
        let folder = tempfile::tempdir().unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_tutor-agent"));
        let client = Client::spawn(program, guard.words()).unwrap();
        let mut agent = Agent {
            client,
            folder,
            last_id: 0,
        };
        let cwd = agent.folder.path().to_owned();
        let confine = confine.map(|confine| Confinement {
            writable: vec![cwd.clone()],
            ..confine
        });
        let held = agent.start_in(&cwd, confine, limits)?;
        Ok((agent, held))
    }

    /// Starts a shell in a folder.
    fn start_in(
        &mut self,
        folder: &Path,
        confine: Option<Confinement>,
        limits: Option<ResourceLimits>,
    ) -> Result<Held, String> {
        let env = [
            ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            ("LC_ALL", "C.UTF-8"),
        ];
        let env = env
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
        self.client
            .send(&Request::Start {
                cwd: folder.to_owned(),
                env,
                isolate: false,
                confine,
                limits,
            })
            .unwrap();
        match self.client.recv(Some(PATIENCE)).unwrap() {
            Some(Incoming::Reply(Reply::Started { held, .. })) => Ok(held),
            Some(Incoming::Reply(Reply::Unconfined { why })) => Err(why),
            other => panic!("{other:?}"),
        }
    }

    fn begin(&mut self, mode: Mode, script: &str) -> u32 {
        self.last_id += 1;
        self.client
            .send(&Request::Run {
                id: self.last_id,
                script: script.to_owned(),
                mode,
            })
            .unwrap();
        self.last_id
    }

    fn next(&mut self) -> Incoming {
        self.client
            .recv(Some(PATIENCE))
            .unwrap()
            .expect("the agent says nothing")
    }

    fn end_of(&mut self, wanted: u32) -> Ran {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        loop {
            match self.next() {
                Incoming::Output {
                    id,
                    stream: Stream::Stdout,
                    bytes,
                } if id == wanted => stdout.extend(bytes),
                Incoming::Output {
                    id,
                    stream: Stream::Stderr,
                    bytes,
                } if id == wanted => stderr.extend(bytes),
                Incoming::Reply(Reply::Ended {
                    id, status, shell, ..
                }) if id == wanted => {
                    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
                    return Ran {
                        status,
                        shell,
                        stdout: text(stdout),
                        stderr: text(stderr),
                    };
                }
                Incoming::Output { .. } | Incoming::Reply(Reply::Ended { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn run(&mut self, script: &str) -> Ran {
        let id = self.begin(Mode::Step, script);
        self.end_of(id)
    }

    fn prints(&mut self, script: &str) -> String {
        let ran = self.run(script);
        assert_eq!(ran.status, Status::Exited(0), "{ran:?}");
        ran.stdout
    }

    fn finish(&mut self) {
        self.client
            .send(&Request::Finish { grace_ms: 1000 })
            .unwrap();
        loop {
            match self.next() {
                Incoming::Reply(Reply::Finished { .. }) => return,
                Incoming::Output { .. } | Incoming::Reply(Reply::Ended { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The most memory that the agent has had.
    fn peak_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.client.pid())).unwrap();
        let mut lines = status.lines();
        let peak = lines.find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn pid_in(&self, file: &str) -> Pid {
        let path = self.folder.path().join(file);
        let text = until("a pid in a file", || {
            fs::read_to_string(&path)
                .ok()
                .filter(|text| text.ends_with('\n'))
        });
        Pid::from_raw(text.trim().parse().unwrap())
    }
}

fn until<T>(what: &str, mut holds: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = holds() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn is_gone(pid: Pid) -> Option<()> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.chars().next());
    (kill(pid, None).is_err() || state == Some(Some('Z'))).then_some(())
}

#[test]
fn stdout_and_stderr_are_told_apart_and_messages_are_plain() {
    let ran = Agent::start().run("echo out; echo err >&2; nosuch");
    assert_eq!(ran.stdout, "out\n");
    // Which line it is, bash counts over all runs.
    let (head, tail) = ran.stderr.split_once("bash: line ").expect("a message");
    let tail = tail.trim_start_matches(|c: char| c.is_ascii_digit());
    assert_eq!((head, tail), ("err\n", ": nosuch: command not found\n"));
    assert_eq!(ran.status, Status::Exited(127));
}

#[test]
fn whatever_does_not_end_the_shell_keeps_it() {
    let scripts = [
        "break",
        "return 3",
        "if",
        "echo 'open",
        "continue 2",
        "read() { :; }; printf() { :; }; eval() { :; }",
        "set -u",
        "set -e",
        "readonly x=1",
        "trap 'echo trapped' DEBUG",
        "trap '' TERM",
        "exec >file 2>&1",
        "exec 0<&- 1>&- 2>&-",
        "shopt -s expand_aliases; alias printf=false",
        "set -C",
        "set -f",
        "IFS=x",
        "enable -n read",
        "enable -n printf",
        "enable -n eval builtin set",
        "LC_ALL=C",
        "unset PATH; PATH=",
        "kill -TERM 0 2>/dev/null; :",
        "set -v",
        "trap 'echo oops' ERR",
        "set -o posix",
        "cat <<EOF\nno end",
    ];
    for script in scripts {
        let mut agent = Agent::start();
        let ran = agent.run(script);
        if script.starts_with("kill") {
            continue;
        }
        assert_eq!(ran.shell, ShellFate::Kept, "{script}: {ran:?}");
        assert!(
            agent.prints("\\builtin echo here").contains("here\n"),
            "{script}"
        );
    }
}

#[test]
fn tracing_shows_the_steps_own_commands_only() {
    let mut agent = Agent::start();
    agent.run("set -x; true");
    let ran = agent.run("echo a");
    assert_eq!(ran.stdout, "a\n");
    assert!(
        ran.stderr.contains("echo a") && !ran.stderr.contains("builtin"),
        "{}",
        ran.stderr
    );
    agent.run("set +x");
    assert_eq!(agent.run("echo b").stderr, "");
}

#[test]
fn nothing_is_left_when_tutor_is_gone() {
    let mut agent = Agent::start();
    agent.begin(Mode::Step, "setsid sh -c 'trap \"\" HUP TERM; echo $$ >a; while :; do sleep 0.01; done' & sh -c 'echo $$ >b; while :; do (sleep 1000 &); sleep 0.01; done'");
    let (daemon, forker) = (agent.pid_in("a"), agent.pid_in("b"));
    drop(agent);
    until("all to be gone", || is_gone(daemon).and(is_gone(forker)));
}

#[test]
fn a_step_that_kills_the_agent_is_seen() {
    let mut agent = Agent::start();
    agent.begin(Mode::Step, "kill -9 $PPID; sleep 1");
    loop {
        if agent.next() == Incoming::HungUp {
            break;
        }
    }
}

/// Its own script can end with any status; what it starts cannot say how it ended.
#[test]
fn no_program_of_a_step_can_speak_for_it() {
    let mut agent = Agent::start();
    let forge = r#"
        nonce=$(tr '\0' '\n' </proc/$$/fd/10 | grep -aoE "printf '[0-9a-f]+ [0-9]+" | tail -1)
        forged=$(printf "${nonce#printf \'} 0\n")
        for file in /proc/$$/fd/* /proc/$PPID/fd/*; do
          timeout 0.2 sh -c 'echo "$1" >"$2"' forge "$forged" "$file"
        done 2>/dev/null
        for number in 10 11 12 13; do
          (printf '%s\n' "$forged" >&$number)
          env printf '%s\n' "$forged" >&$number
        done 2>/dev/null
        echo "${#nonce}"
        (exit 3)"#;
    let ran = agent.run(forge);
    assert_eq!(ran.status, Status::Exited(3));
    let nonce_bytes = ran.stdout.lines().last().map(str::parse);
    assert!(matches!(nonce_bytes, Some(Ok(16..=100usize))), "{ran:?}");
    assert_eq!(agent.run("(exit 4)").status, Status::Exited(4));
}

#[test]
fn a_flood_on_any_file_of_the_agent_is_not_kept() {
    let mut agent = Agent::start();
    let flood = "for file in /proc/$PPID/fd/* /proc/$$/fd/1[0-9]; do
        timeout 0.1 sh -c 'cat /dev/zero >\"$1\"' flood $file
        timeout 0.05 sh -c 'while :; do echo; done >\"$1\"' flood $file
    done 2>/dev/null; (exit 5)";
    assert_eq!(agent.run(flood).status, Status::Exited(5));
    assert!(agent.peak_kib() < 32 * 1024, "{} KiB", agent.peak_kib());
}

/// A step can give the shell's own output, which is the control channel, to what it starts.
#[test]
fn a_flood_on_the_control_channel_neither_fills_nor_stops_the_agent() {
    let mut agent = Agent::start();
    let flood = "for writer in {1..8}; do cat /dev/zero >&11 & done
        for file in /proc/$PPID/fd/*; do cat /dev/zero >$file & done 2>/dev/null; sleep 1000";
    let id = agent.begin(Mode::Step, flood);
    std::thread::sleep(Duration::from_secs(1));
    let began = Instant::now();
    let end = Request::End { id, grace_ms: 100 };
    agent.client.send(&end).unwrap();
    agent.end_of(id);
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(agent.peak_kib() < 32 * 1024, "{} KiB", agent.peak_kib());
    assert_eq!(agent.prints("echo next"), "next\n");
}

#[test]
fn a_flood_passes_through_in_constant_memory() {
    let mut agent = Agent::start();
    let id = agent.begin(Mode::Step, "head -c 100000000 /dev/zero");
    let mut count = 0;
    loop {
        match agent.next() {
            Incoming::Output { bytes, .. } => count += bytes.len(),
            Incoming::Reply(Reply::Ended { id: ended, .. }) if ended == id => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(count, 100_000_000);
    assert!(agent.peak_kib() < 32 * 1024, "{} KiB", agent.peak_kib());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Whatever a script holds, it is told from the agent's own words, and the next run is well.
    #[test]
    fn no_script_is_misread(text in any::<String>(), status in 0i32..126) {
        let text: String = text.chars().filter(|c| *c != '\0').collect();
        let mut agent = Agent::start();
        let quoted = text.replace('\'', r"'\''");
        let ran = agent.run(&format!("printf %s '{quoted}'; (exit {status})"));
        prop_assert_eq!(ran, Ran {
            status: Status::Exited(status), shell: ShellFate::Kept, stdout: text, stderr: String::new(),
        });
        prop_assert_eq!(agent.prints("echo next"), "next\n");
    }

    /// The same for scripts that are no programs at all.
    #[test]
    fn noise_is_one_run_and_no_more(noise in "[a-z0-9 '\"$(){};|&\\\\\n]{0,40}") {
        prop_assume!(!noise.contains("exec"));
        let mut agent = Agent::start();
        // Noise may be the name of a program, such as `vi`.
        agent.run("PATH=");
        let id = agent.begin(Mode::Check, &noise);
        agent.end_of(id);
        prop_assert_eq!(agent.prints("echo next"), "next\n");
    }
}

/// What a program says that is guarded and given these files.
fn guarded(given: &Given, script: &str, secret: &Path) -> String {
    let program = ["/bin/bash", "-c", script].map(OsString::from);
    let inherited = fs::File::open(secret).unwrap();
    let inherited = std::os::fd::OwnedFd::from(inherited);
    // One that this process has open and does not close when it starts programs.
    let open = nix::fcntl::fcntl(&inherited, nix::fcntl::FcntlArg::F_DUPFD(30)).unwrap();
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_tutor-agent"))
        .arg("guarded")
        .arg(std::process::id().to_string())
        .args(given.words(program))
        .env("OPEN", open.to_string())
        .output()
        .unwrap();
    nix::unistd::close(open).unwrap();
    String::from_utf8([done.stdout, done.stderr].concat()).unwrap()
}

#[test]
fn a_guarded_program_has_what_it_was_given_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["given", "secret"] {
        fs::write(at(name), format!("{name}\n")).unwrap();
    }
    let given = Given {
        reads: vec![at("given")],
        uses: Vec::new(),
    };
    let shown = at("").display().to_string();
    let said = guarded(&given, &format!("cd {shown}; cat <&$OPEN"), &at("secret"));
    assert!(!said.contains("secret"), "what was open: {said}");
    let said = guarded(&given, &format!("cd {shown}; chown 1 given"), &at("secret"));
    assert!(said.contains("not permitted"), "root's rights: {said}");
    if !tutor_agent::guarded::is_restricted_here() {
        eprintln!("skipped: this kernel does not use Landlock, so no file was kept from a program");
        return;
    }
    let said = |script: &str| {
        let said = guarded(&given, &format!("cd {shown}; {script}"), &at("secret"));
        said.trim().to_owned()
    };
    assert_eq!(said("cat given"), "given");
    for script in [
        "cat secret",
        "cat /proc/1/environ",
        "ls .",
        "echo x >given",
        "echo x >new",
        "mkdir new",
        "ln given new",
        "rm given",
        "truncate -s 0 given",
        "mkfifo new",
        "exec 3<>/dev/tcp/127.0.0.1/9",
    ] {
        let said = said(&format!("LC_ALL=C bash -c '{script}'"));
        assert!(
            said.contains("ermission denied") || said.contains("cross-device"),
            "{script}: {said}"
        );
    }
    assert!(!at("new").exists());
    assert_eq!(fs::read_to_string(at("given")).unwrap(), "given\n");
}
