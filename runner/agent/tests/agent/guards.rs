//! What an agent puts around what it starts. A machine may forbid all of it; then a test says so.

use super::*;
use nix::libc;
use seccompiler::{SeccompAction, SeccompFilter};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

const CONFINED: Guard = Guard::Confined { network: false };

/// An agent in namespaces; nothing, having said so, if there are none here.
fn in_namespaces(guard: Guard, confine: Option<Confinement>) -> Option<Agent> {
    let (agent, held) = Agent::guarded(guard, confine).unwrap();
    if held.namespaces {
        return Some(agent);
    }
    let why = held.lacking.join("; ");
    eprintln!("skipped: no namespaces are permitted here, so nothing was tried in them: {why}");
    None
}

fn confined() -> Option<Agent> {
    in_namespaces(CONFINED, Some(Confinement::default()))
}

/// How many processes of this machine have this in their command line.
fn processes_with(word: &str) -> usize {
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter(|entry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0)
            .any(|part| part == word.as_bytes())
    })
    .count()
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A number of seconds that no other sleep has.
fn own_seconds(offset: u32) -> String {
    format!("{}{offset}", 20_000_000 + std::process::id())
}

/// The process that serves, below one that waits for it.
fn server(agent: &Agent) -> Pid {
    let outer = Pid::from_raw(agent.client.pid() as i32);
    tutor_agent::processes::children(outer)[0]
}

#[test]
fn all_ends_with_the_agent_however_it_ends() {
    let kills: [fn(&Agent); 2] = [
        |agent| kill(server(agent), nix::sys::signal::SIGKILL).unwrap(),
        |agent| {
            let outer = Pid::from_raw(agent.client.pid() as i32);
            kill(outer, nix::sys::signal::SIGKILL).unwrap();
        },
    ];
    for (number, killed) in kills.into_iter().enumerate() {
        let Some(mut agent) = in_namespaces(Guard::Namespaces, None) else {
            return;
        };
        let seconds = own_seconds(number as u32);
        let script = format!(
            "trap '' TERM; (setsid setsid sleep {seconds} >/dev/null 2>&1 &); sleep {seconds}"
        );
        agent.begin(Mode::Step, &script);
        until("both to sleep", || processes_with(&seconds) == 2);
        killed(&agent);
        // Nobody has looked for them: the kernel ends them.
        until("their end", || processes_with(&seconds) == 0);
    }
}

#[test]
fn one_that_serves_and_is_stopped_ends_with_its_tutor_too() {
    let Some(mut agent) = in_namespaces(Guard::Namespaces, None) else {
        return;
    };
    let seconds = own_seconds(5);
    agent.begin(Mode::Step, &format!("sleep {seconds}"));
    until("it to sleep", || processes_with(&seconds) == 1);
    // A step can do as much to it by ptrace(2).
    kill(server(&agent), nix::sys::signal::SIGSTOP).unwrap();
    // What a `tutor` that is killed leaves: nobody at the other end, and nobody who waits.
    agent.client.hang_up();
    until("its end", || processes_with(&seconds) == 0);
}

#[test]
fn what_whoever_started_tutor_left_open_is_not_for_steps() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let secret = std::os::fd::OwnedFd::from(fs::File::create(&path).unwrap());
    // Without the mark that closes it when a program is started.
    let inherited = nix::unistd::dup(&secret).unwrap();
    nix::fcntl::fcntl(
        &inherited,
        nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty()),
    )
    .unwrap();
    let (mut agent, _) = Agent::guarded(Guard::Namespaces, None).unwrap();
    let open = agent.prints("ls -l /proc/$PPID/fd");
    assert!(!open.contains(path.to_str().unwrap()), "{open}");
}

#[test]
fn a_step_that_kills_all_that_it_can_harms_nobody_but_itself() {
    let Some(mut agent) = in_namespaces(Guard::Namespaces, None) else {
        return;
    };
    agent.run("kill -9 -1; kill -9 1; kill -9 $PPID; true");
    assert_eq!(agent.prints("echo on"), "on\n");
    let ran = agent.run("trap '' TERM; kill -TERM $$; echo survived; kill -9 $$");
    assert_eq!(ran.status, Status::Signaled(9), "{ran:?}");
    assert_eq!(ran.stdout, "survived\n");
}

#[test]
fn a_mount_of_a_step_is_there_for_its_lesson_only() {
    let Some(mut agent) = in_namespaces(Guard::Namespaces, None) else {
        return;
    };
    let ran = agent.run("mkdir m && mount -t tmpfs none m && touch m/x");
    if ran.status != Status::Exited(0) {
        eprintln!(
            "skipped: only root mounts, so no mount was made: {}",
            ran.stderr
        );
        return;
    }
    assert_eq!(agent.prints("ls m"), "x\n");
    assert!(!agent.folder.path().join("m/x").exists());
}

#[test]
fn confined_steps_find_their_folder_and_the_systems_programs() {
    let Some(mut agent) = confined() else { return };
    let own = agent.folder.path().display().to_string();
    let home = std::env::var("HOME").unwrap();
    let secret = tempfile::Builder::new().tempdir_in(&home).unwrap();
    fs::write(secret.path().join("token"), "secret").unwrap();
    let outside = tempfile::tempdir().unwrap();
    let path = |folder: &Path| folder.display().to_string();
    assert_eq!(agent.prints("pwd"), format!("{own}\n"));
    agent.prints(
        "echo mine >file && mv file other && test -s other && mkdir -p a/b && ln other a/b/c",
    );
    assert!(agent.folder.path().join("a/b/c").exists());
    agent.prints(
        "echo x >/tmp/x; cat <(echo x); echo x >/dev/null; head -c1 /dev/urandom >/dev/null",
    );
    agent.prints("x=$(mktemp) && grep -q here <(cat <<<here) && ls /usr/bin/env");
    for script in [
        format!("cat '{}/token'", path(secret.path())),
        format!("ls '{}'", path(secret.path())),
        format!("ls '{}'", path(outside.path())),
        format!("echo x >'{}/x'", path(outside.path())),
        "echo x >/usr/x".to_owned(),
        "echo x >/etc/x".to_owned(),
        "echo x >/x".to_owned(),
        "echo x >/sys/kernel/mm/ksm/run".to_owned(),
        "echo x >/proc/sys/kernel/hostname".to_owned(),
        "echo b >/proc/sysrq-trigger".to_owned(),
        "cat /proc/1/environ | grep .".to_owned(),
        "cat /etc/shadow | grep .".to_owned(),
        // What others may not read is not for root's steps either.
        "find /etc -type f ! -perm -004 -size +0 -readable | grep .".to_owned(),
        "find /etc -type d ! -perm -005 -readable | grep .".to_owned(),
        "mount -t tmpfs none /tmp".to_owned(),
        "umount /etc".to_owned(),
        "unshare -Ur true".to_owned(),
        "nsenter -t 1 -m true".to_owned(),
        "chroot . true".to_owned(),
        "mknod d b 254 0".to_owned(),
    ] {
        let ran = agent.run(&script);
        assert_ne!(ran.status, Status::Exited(0), "{script}: {ran:?}");
    }
    let path = agent.folder.path().join("x");
    agent.prints("kill -9 -1 || true; ln -s /etc/passwd x");
    assert!(path.is_symlink());
}

#[test]
fn files_in_memory_take_a_part_of_it_together() {
    let Some(mut agent) = confined() else { return };
    let one = "stat -c %d /tmp /var/tmp /dev/shm | sort -u | wc -l";
    assert_eq!(agent.prints(one), "1\n");
    let most = "kb=$(( $(stat -f -c '%b * %S' /tmp) / 1024 )); \
                read -r _ all _ </proc/meminfo; echo $(( kb * 3 < all ))";
    assert_eq!(agent.prints(most), "1\n");
    agent.prints("for at in /tmp /var/tmp /dev/shm; do echo x >$at/x || exit; done");
    let full = agent.run("head -c 1M /dev/zero >/dev/file || head -c 1M /dev/zero >/file");
    assert_ne!(full.status, Status::Exited(0), "{full:?}");
}

#[test]
fn confined_steps_see_no_other_process_and_no_socket() {
    let Some(mut agent) = confined() else { return };
    let seconds = own_seconds(7);
    let mut beside = std::process::Command::new("sleep")
        .arg(&seconds)
        .spawn()
        .unwrap();
    let shown = agent.prints("cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
    assert!(!shown.contains(&seconds), "{shown}");
    agent.run(&format!("kill -9 {}", beside.id()));
    assert!(beside.try_wait().unwrap().is_none());
    beside.kill().unwrap();
    beside.wait().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect = format!("exec 9<>/dev/tcp/127.0.0.1/{port}");
    assert_ne!(agent.run(&connect).status, Status::Exited(0));
    let name = format!("tutor-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _abstract = UnixListener::bind_addr(&address).unwrap();
    let shown = agent.prints("cat /proc/net/unix");
    assert!(!shown.contains(&name), "{shown}");
    // Its own loopback device works.
    let python = "import socket\ns=socket.create_server(('127.0.0.1',0))\nsocket.create_connection(s.getsockname())\nprint('met')";
    if agent.run("command -v python3").status == Status::Exited(0) {
        assert_eq!(agent.prints(&format!("python3 -c \"{python}\"")), "met\n");
    }
}

#[test]
fn a_course_that_asks_for_the_network_or_a_port_gets_that() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = std::thread::spawn(move || {
        for stream in listener.incoming().take(2) {
            stream.unwrap().write_all(b"hello\n").unwrap();
        }
    });
    let network = Guard::Confined { network: true };
    let connect = format!("cat </dev/tcp/127.0.0.1/{port}");
    for (ports, meets) in [
        (None, true),
        (Some(vec![port]), true),
        (Some(vec![1]), false),
    ] {
        let confine = Confinement {
            ports: ports.clone(),
            ..Confinement::default()
        };
        let (mut agent, held) = Agent::guarded(network, Some(confine)).unwrap();
        // Ports are told apart since the fourth version (Linux 6.7).
        if ports.is_some() && held.landlock.is_none_or(|version| version < 4) {
            eprintln!("skipped: Landlock here knows no ports, so none was kept from a step");
            continue;
        }
        let ran = agent.run(&connect);
        assert_eq!(ran.status == Status::Exited(0), meets, "{ports:?}: {ran:?}");
        // The other ways to a port: MPTCP, and what connects as it sends.
        for ways in [
            format!("s.socket(2,1,262).connect(('127.0.0.1',{port}))"),
            format!("s.socket().sendto(b'x',0x20000000,('127.0.0.1',{port}))"),
        ] {
            let ran = agent.run(&format!("python3 -c \"import socket as s\n{ways}\""));
            assert!(meets || ran.status != Status::Exited(0), "{ways}: {ran:?}");
        }
    }
    // Whatever was not fetched above is fetched here, so that the thread ends.
    while !served.is_finished() {
        let mut said = String::new();
        if let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) {
            let _ = stream.read_to_string(&mut said);
        }
    }
}

#[test]
fn what_a_course_asks_for_is_there_to_be_read_only() {
    let asked = tempfile::tempdir().unwrap();
    fs::write(asked.path().join("tool"), "#!/bin/sh\necho tool\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(asked.path().join("tool"), mode).unwrap();
    let hidden = tempfile::tempdir_in(asked.path()).unwrap();
    fs::write(hidden.path().join("key"), "key").unwrap();
    let confine = Confinement {
        readable: vec![asked.path().to_owned(), "/no/such/folder".into()],
        ..Confinement::default()
    };
    let Some(mut agent) = in_namespaces(CONFINED, Some(confine)) else {
        return;
    };
    let path = asked.path().display().to_string();
    assert_eq!(agent.prints(&format!("{path}/tool")), "tool\n");
    for script in [format!("echo x >{path}/new"), format!("rm {path}/tool")] {
        assert_ne!(agent.run(&script).status, Status::Exited(0), "{script}");
    }
    assert!(asked.path().join("tool").exists());
}

/// Does something where some system calls fail, as in a container.
fn without<T: Send + 'static>(
    calls: &'static [libc::c_long],
    then: impl FnOnce() -> T + Send + 'static,
) -> T {
    let thread = std::thread::spawn(move || {
        let rules = calls.iter().map(|call| (*call, Vec::new()));
        let filter = SeccompFilter::new(
            BTreeMap::from_iter(rules),
            SeccompAction::Allow,
            SeccompAction::Errno(libc::EPERM as u32),
            std::env::consts::ARCH.try_into().unwrap(),
        );
        let program: seccompiler::BpfProgram = filter.unwrap().try_into().unwrap();
        // It holds for this thread and what it starts.
        seccompiler::apply_filter(&program).unwrap();
        then()
    });
    thread.join().unwrap()
}

/// Nothing can be mounted in a container.
const AS_IN_A_CONTAINER: [libc::c_long; 2] = [libc::SYS_mount, libc::SYS_pivot_root];

#[test]
fn where_there_are_no_namespaces_landlock_confines_or_nothing_runs() {
    let started = || Agent::guarded(CONFINED, Some(Confinement::default()));
    let (mut agent, held) = match without(&AS_IN_A_CONTAINER, started) {
        Ok(started) => started,
        Err(why) => {
            eprintln!("skipped: Landlock is too old here to confine alone: {why}");
            return;
        }
    };
    assert!(!held.namespaces && held.landlock.is_some_and(|version| version >= 6));
    assert!(held.lacking[0].starts_with("namespaces: "), "{held:?}");
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("token"), "secret").unwrap();
    let path = outside.path().display().to_string();
    agent.prints("echo mine >file; cat file; cat <(echo x); ls /usr/bin/env; echo >/dev/null");
    // What a program makes for itself has a place, though that is not the machine's own.
    agent.prints("f=$(mktemp) && echo x >$f && grep -q here <(cat <<<here)");
    let parent = std::process::id();
    for script in [
        format!("cat {path}/token"),
        format!("echo x >{path}/x"),
        format!("kill -0 {parent}"),
        format!("cat /proc/{parent}/environ"),
        "echo x >/tmp/x".to_owned(),
        "echo >/dev/tcp/127.0.0.1/9".to_owned(),
        "python3 -c 'import socket; socket.socket(socket.AF_UNIX)'".to_owned(),
        "unshare -Ur true".to_owned(),
    ] {
        let ran = agent.run(&script);
        assert_ne!(ran.status, Status::Exited(0), "{script}: {ran:?}");
    }
    const NOR_LANDLOCK: [libc::c_long; 2] = [libc::SYS_mount, libc::SYS_landlock_restrict_self];
    let refused = without(&NOR_LANDLOCK, move || started().map(|_| ()));
    let why = refused.unwrap_err();
    assert!(
        why.contains("namespaces: ") && why.contains("Landlock: "),
        "{why}"
    );
}

#[test]
fn a_guard_that_cannot_be_had_is_told_and_steps_run_all_the_same() {
    let started = || Agent::guarded(Guard::Namespaces, None);
    let (mut agent, held) = without(&AS_IN_A_CONTAINER, started).unwrap();
    assert!(!held.namespaces);
    assert!(held.lacking[0].contains("make mounts private"), "{held:?}");
    assert_eq!(agent.prints("echo on"), "on\n");
}

#[test]
fn limits_hold_for_all_that_steps_start() {
    let limits = ResourceLimits {
        processes: 60,
        memory_bytes: 64 << 20,
        file_bytes: 1 << 20,
        open_files: 100,
    };
    let (mut agent, held) = Agent::limited(Guard::Namespaces, None, Some(limits)).unwrap();
    let ran = agent.run("head -c 2000000 /dev/zero >file");
    assert_ne!(ran.status, Status::Exited(0), "{ran:?}");
    assert_eq!(
        agent.prints("stat -c %s file; ulimit -Hn"),
        "1048576\n100\n"
    );
    if held.group {
        let ran = agent.run("head -c 120000000 /dev/zero | tail -c 100000000 >/dev/null");
        assert_ne!(ran.status, Status::Exited(0), "{ran:?}");
        assert_eq!(agent.prints("echo on"), "on\n");
    }
    let is_root = nix::unistd::geteuid().is_root();
    if held.group || !is_root {
        // bash would try again for a while.
        let forks = "i=0; while [ $i -lt 100 ]; do sleep 60 & i=$((i+1)); done; echo all";
        let ran = agent.run(&format!("exec 2>&1; dash -c '{forks}'; true"));
        assert!(ran.stdout.contains("fork"), "{ran:?}");
    } else {
        eprintln!("skipped: only a control group bounds root, and none could be made: {held:?}");
    }
    agent.finish();
}

#[test]
fn a_confined_lesson_finds_nothing_of_the_one_before() {
    let Some(mut agent) = confined() else { return };
    let first = agent.folder.path().to_owned();
    agent.prints("echo x >/tmp/left; echo x >/dev/shm/left; echo x >mine; (setsid sleep 60 &)");
    agent.finish();
    for number in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let confine = Confinement {
            writable: vec![folder.path().to_owned()],
            ..Confinement::default()
        };
        let held = agent.start_in(folder.path(), Some(confine), None).unwrap();
        assert!(held.root && held.namespaces, "{held:?}");
        let found =
            agent.prints("ls /tmp /dev/shm /old 2>&1; ps -e -o comm= | sort -u | tr '\\n' ' '");
        assert!(
            !found.contains("left") && !found.contains("sleep"),
            "{number}: {found}"
        );
        let theirs = format!(
            "cat {}/mine || echo x >/x || echo x >/usr/x",
            first.display()
        );
        assert_ne!(agent.run(&theirs).status, Status::Exited(0));
        agent.prints("echo y >own && test -s own");
        assert!(folder.path().join("own").exists());
        agent.finish();
    }
}

#[test]
fn a_home_among_the_systems_programs_is_not_left_open_where_nothing_can_be_hidden() {
    let started = || {
        let confine = Confinement {
            hidden: vec!["/opt/of/the/learner".into()],
            ..Confinement::default()
        };
        Agent::guarded(CONFINED, Some(confine)).map(|_| ())
    };
    let why = without(&AS_IN_A_CONTAINER, started).unwrap_err();
    if why.contains("Landlock: ") {
        eprintln!("skipped: Landlock is too old here to confine alone: {why}");
        return;
    }
    assert!(why.contains("/opt/of/the/learner"), "{why}");
}
