//! The lab: what goes to and fro, and what must not bring it down.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tutor::backend::lab::{Choice, Lab};
use tutor::backend::{Backend, BackendError, Happening, Mode, Opening, Session, Status};
use tutor::event::{KeptYours, OfLab};
use tutor::folders::Folders;
use tutor_lab::accelerator::KvmPolicy;
use tutor_lab::cache::Cache;
use tutor_lab::guests::GuestProgress;

const TUTOR: &str = env!("CARGO_BIN_EXE_tutor");

/// How long anything may take that is known to come.
const PATIENCE: Duration = Duration::from_secs(120);

/// The lab with the states of all tests, or the reason why there is none here.
fn lab() -> Result<Lab, String> {
    let cache = Cache::below(&Folders::of_user().map_err(|error| error.to_string())?.cache);
    lab_in(cache, &kernel(), |_| ())
}

fn kernel() -> String {
    std::env::var("TUTOR_TEST_KERNEL").unwrap_or("default".to_owned())
}

/// The kernel as a file, which a cache of one's own takes too.
fn kernel_file() -> Result<String, String> {
    match kernel() {
        path if path.contains('/') => Ok(path),
        name => {
            let cache = Cache::below(&Folders::of_user().map_err(|e| e.to_string())?.cache);
            let kernel = cache.kernel(&name).map_err(|error| error.to_string())?;
            let kernel = kernel.ok_or("the lab has no kernel yet")?;
            Ok(kernel.vmlinux.display().to_string())
        }
    }
}

fn lab_in(
    cache: Cache,
    kernel: &str,
    tell: impl Fn(GuestProgress) + Send + Sync + 'static,
) -> Result<Lab, String> {
    let choice = Choice {
        cache,
        kernel: kernel.to_owned(),
        accelerator: KvmPolicy::Tcg,
        tutor: TUTOR.into(),
    };
    let lab = Lab::new(choice, tell);
    match lab.guests() {
        Ok(_) => Ok(lab),
        Err(error) => Err(error.to_string()),
    }
}

/// Returns the lab, or says what the test missed and leaves it.
macro_rules! lab_or_skip {
    ($made:expr) => {
        match $made {
            Ok(lab) => lab,
            Err(why) => {
                let name = std::thread::current().name().unwrap_or("?").to_owned();
                println!("skipped: {name}: {why}");
                return;
            }
        }
    };
}

/// A lab whose states are its own, and what it told.
struct OwnLab {
    lab: Lab,
    folder: tempfile::TempDir,
    told: Arc<Mutex<Vec<GuestProgress>>>,
}

impl OwnLab {
    fn new() -> Result<OwnLab, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        OwnLab::in_folder(folder)
    }

    fn in_folder(folder: tempfile::TempDir) -> Result<OwnLab, String> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let lab = OwnLab::another(folder.path(), &told)?;
        Ok(OwnLab { lab, folder, told })
    }

    /// A lab as another process would make it, with the same states.
    fn another(folder: &Path, told: &Arc<Mutex<Vec<GuestProgress>>>) -> Result<Lab, String> {
        let told = Arc::clone(told);
        lab_in(Cache::below(folder), &kernel_file()?, move |progress| {
            told.lock().unwrap().push(progress);
        })
    }

    fn again(&self) -> Lab {
        OwnLab::another(self.folder.path(), &self.told).unwrap()
    }

    fn boots(&self) -> usize {
        let told = self.told.lock().unwrap();
        told.iter()
            .filter(|told| **told == GuestProgress::Boots)
            .count()
    }

    fn state(&self) -> PathBuf {
        let states = fs::read_dir(self.folder.path().join("lab/states")).unwrap();
        let mut files = states.map(|entry| entry.unwrap().path());
        files
            .find(|path| path.extension().is_some_and(|end| end == "base"))
            .expect("a state was saved")
    }
}

/// A shell in a guest.
struct Shell {
    session: Box<dyn Session>,
    folder: Option<tempfile::TempDir>,
    last_id: u32,
}

impl Shell {
    fn open(lab: &Lab) -> Shell {
        Shell::open_with(lab, |_| ())
    }

    fn open_with(lab: &Lab, prepare: impl FnOnce(&Path)) -> Shell {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        Shell {
            session: Shell::session(lab, folder.path()),
            folder: Some(folder),
            last_id: 0,
        }
    }

    /// A shell in a folder that others may have had before.
    fn in_folder(lab: &Lab, folder: &Path) -> Shell {
        Shell {
            session: Shell::session(lab, folder),
            folder: None,
            last_id: 0,
        }
    }

    fn session(lab: &Lab, folder: &Path) -> Box<dyn Session> {
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let environment = [
            ("PATH".to_owned(), path.to_owned()),
            ("HOME".to_owned(), folder.display().to_string()),
        ];
        let session = lab.open(&Opening {
            folder,
            home: folder,
            environment: &environment,
            own_mounts: true,
        });
        session.unwrap()
    }

    fn begin(&mut self, mode: Mode, script: &str) -> u32 {
        self.last_id += 1;
        self.session.run(self.last_id, mode, script).unwrap();
        self.last_id
    }

    fn end_of(&mut self, wanted: u32) -> Result<(Status, String), BackendError> {
        let deadline = Instant::now() + PATIENCE;
        let mut said = Vec::new();
        while Instant::now() < deadline {
            match self.session.next(Duration::from_millis(100))? {
                Some(Happening::Ended { id, status, .. }) if id == wanted => {
                    return Ok((status, String::from_utf8_lossy(&said).into_owned()));
                }
                Some(Happening::Output { id, bytes, .. }) if id == wanted => said.extend(bytes),
                _ => {}
            }
        }
        panic!("waited in vain for the end of a run; it said {said:?}");
    }

    fn run(&mut self, script: &str) -> Result<(Status, String), BackendError> {
        let id = self.begin(Mode::Step, script);
        self.end_of(id)
    }

    fn prints(&mut self, script: &str) -> String {
        let (status, said) = self.run(script).unwrap();
        assert_eq!(status, Status::Exited(0), "`{script}`: {said}");
        said
    }

    fn at(&self, name: &str) -> PathBuf {
        let folder = self.folder.as_ref().expect("a folder of its own");
        folder.path().join(name)
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn files_go_to_and_fro_with_their_permissions() {
    let lab = lab_or_skip!(lab());
    let mut shell = Shell::open_with(&lab, |folder| {
        fs::write(folder.join("script"), "#!/bin/sh\necho ran\n").unwrap();
        fs::set_permissions(folder.join("script"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(folder.join("sub")).unwrap();
        fs::write(folder.join("sub/old"), "1").unwrap();
        symlink("sub/old", folder.join("link")).unwrap();
    });
    assert_eq!(
        shell.prints("./script; readlink link; cat link"),
        "ran\nsub/old\n1"
    );
    shell.prints("rm -r sub; printf '#!/bin/sh\\necho made' >made; chmod 700 made; mkdir -p a/b; echo deep >a/b/c; ln -s a other");
    assert!(!shell.at("sub").exists());
    assert_eq!(fs::read(shell.at("a/b/c")).unwrap(), b"deep\n");
    assert_eq!(fs::read_link(shell.at("other")).unwrap(), Path::new("a"));
    let mode = fs::metadata(shell.at("made")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    fs::remove_dir_all(shell.at("a")).unwrap();
    fs::write(shell.at("made"), "#!/bin/sh\necho edited").unwrap();
    assert_eq!(
        shell.prints("ls; ./made"),
        "link\nmade\nother\nscript\nedited\n"
    );
}

#[test]
fn a_file_of_the_same_size_that_changed_at_once_is_seen_by_the_other_side() {
    let lab = lab_or_skip!(lab());
    let mut shell = Shell::open(&lab);
    for number in 0..10 {
        fs::write(shell.at("file"), format!("h{number}")).unwrap();
        assert_eq!(shell.prints("cat file"), format!("h{number}"));
        shell.prints(&format!("printf g{number} >file"));
        assert_eq!(
            fs::read_to_string(shell.at("file")).unwrap(),
            format!("g{number}")
        );
    }
}

#[test]
fn an_edit_on_the_host_outlives_what_a_step_wrote_meanwhile() {
    let lab = lab_or_skip!(lab());
    let mut shell = Shell::open_with(&lab, |folder| fs::write(folder.join("file"), "1").unwrap());
    let id = shell.begin(
        Mode::Step,
        "echo guest >file; until [ -e /tmp/go ]; do sleep 0.01; done",
    );
    fs::write(shell.at("file"), "the learner's").unwrap();
    let go = shell.begin(Mode::Aside, ": >/tmp/go");
    let (mut ended, mut kept) = (Vec::new(), Vec::new());
    while ended.len() < 2 {
        match shell.session.next(PATIENCE).unwrap() {
            Some(Happening::Ended { id, .. }) => ended.push(id),
            Some(Happening::KeptYours(one)) => kept.push(one),
            Some(_) | None => {}
        }
    }
    assert!(ended.contains(&id) && ended.contains(&go));
    let beside = OfLab::Kept("file.from-lab".into());
    let expected = KeptYours {
        path: "file".into(),
        of_lab: beside,
    };
    assert_eq!(kept, [expected]);
    let of_lab = fs::read_to_string(shell.at("file.from-lab"));
    assert_eq!(of_lab.unwrap(), "guest\n");
    assert_eq!(
        fs::read_to_string(shell.at("file")).unwrap(),
        "the learner's"
    );
    assert_eq!(shell.prints("cat file"), "the learner's");
}

#[test]
fn what_a_learner_saves_in_a_folder_that_a_step_removes_is_not_lost() {
    let lab = lab_or_skip!(lab());
    let mut shell = Shell::open_with(&lab, |folder| {
        fs::create_dir(folder.join("d")).unwrap();
        fs::write(folder.join("d/old"), "1").unwrap();
    });
    let step = "rm -r d; echo guest >d; until [ -e /tmp/go ]; do sleep 0.01; done";
    let id = shell.begin(Mode::Step, step);
    fs::write(shell.at("d/notes.txt"), "the learner's").unwrap();
    shell.begin(Mode::Aside, ": >/tmp/go");
    shell.end_of(id).unwrap();
    let notes = fs::read_to_string(shell.at("d/notes.txt"));
    assert_eq!(notes.unwrap(), "the learner's");
    assert_eq!(
        fs::read_to_string(shell.at("d.from-lab")).unwrap(),
        "guest\n"
    );
    assert_eq!(shell.prints("cat d/*"), "the learner's");
}

#[test]
fn names_that_are_no_utf_8_go_to_and_fro() {
    let lab = lab_or_skip!(lab());
    let name = |name: &[u8]| OsStr::from_bytes(name).to_owned();
    let mut shell = Shell::open_with(&lab, |folder| {
        fs::create_dir(folder.join("d")).unwrap();
        fs::write(folder.join(name(b"d/r\xe9sum\xe9")), "mine").unwrap();
    });
    let said = shell.prints(r"cat $'d/r\xe9sum\xe9'; echo lab >$'d/\xff'");
    assert_eq!(said, "mine");
    let folder = shell.at("d");
    assert_eq!(fs::read(folder.join(name(b"\xff"))).unwrap(), b"lab\n");
    shell.prints("rm -r d; echo >d");
    assert_eq!(fs::read(folder).unwrap(), b"\n");
}

#[test]
fn a_folder_that_nobody_may_enter_keeps_no_later_step_from_running() {
    let lab = lab_or_skip!(lab());
    let mut shell = Shell::open(&lab);
    shell.prints("mkdir -m 000 z; echo x >z/f; chmod 000 z/f");
    let said = shell.prints("stat -c '%a %n' z z/f; cat z/f");
    assert_eq!(said, "0 z\n0 z/f\nx\n", "as the step made it");
    // Whoever runs this may read it and remove it.
    let mode = |name: &str| {
        let there = fs::metadata(shell.at(name)).unwrap();
        there.permissions().mode() & 0o7777
    };
    assert_eq!((mode("z"), mode("z/f")), (0o700, 0o400));
    shell.prints("rm -r z");
    assert!(!shell.at("z").exists());
}

#[test]
fn a_program_brings_the_libraries_that_the_guest_lacks() {
    let lab = lab_or_skip!(lab());
    let program = Path::new("/usr/bin/openssl");
    let program = if program.exists() {
        program
    } else {
        Path::new("/usr/bin/curl")
    };
    if !program.exists() {
        println!("skipped: a_program_brings_the_libraries_that_the_guest_lacks: no such program");
        return;
    }
    let mut shell = Shell::open_with(&lab, |folder| {
        fs::copy(program, folder.join("program")).unwrap();
    });
    let (status, said) = shell
        .run("./program version || ./program --version")
        .unwrap();
    assert_eq!(status, Status::Exited(0), "{said}");
}

#[test]
fn too_large_a_workspace_is_refused_by_name() {
    let lab = lab_or_skip!(lab());
    let mut shell = Shell::open(&lab);
    let large = fs::File::create(shell.at("large")).unwrap();
    large.set_len(200_000_000).unwrap();
    let error = shell
        .session
        .run(1, Mode::Step, "true")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("holds 200 MB, and the lab takes 100 MB"),
        "{error}"
    );
}

#[test]
fn a_panic_is_told_in_the_kernels_words_and_the_next_guest_works() {
    let lab = lab_or_skip!(lab());
    let error = Shell::open(&lab)
        .run("echo c >/proc/sysrq-trigger")
        .unwrap_err();
    assert!(error.is_end(), "{error}");
    assert!(error.to_string().contains("kernel panicked"), "{error}");
    assert_eq!(Shell::open(&lab).prints("echo next"), "next\n");
}

#[test]
fn a_machine_that_was_killed_ends_its_session() {
    let lab = lab_or_skip!(lab());
    let mut machine = lab.guest().unwrap();
    let qemu = machine.pid().expect("it runs under QEMU");
    kill(Pid::from_raw(qemu as i32), Signal::SIGKILL).unwrap();
    let error = machine.next(PATIENCE).unwrap_err().to_string();
    assert!(error.contains("the virtual machine ended"), "{error}");
}

#[test]
fn a_guest_that_switches_off_ends_its_session() {
    let lab = lab_or_skip!(lab());
    let error = Shell::open(&lab).run("poweroff -f; sleep 100").unwrap_err();
    assert!(error.is_end(), "{error}");
}

#[test]
fn no_machine_outlives_a_tutor_that_was_killed() {
    drop(lab_or_skip!(lab()));
    let mut tutor = Command::new(TUTOR)
        .args([
            "lab",
            "run",
            "--kernel",
            &kernel(),
            "--",
            "sh",
            "-c",
            "echo up; sleep 1000",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut up = [0; 3];
    std::io::Read::read_exact(tutor.stdout.as_mut().unwrap(), &mut up).unwrap();
    let machines = tutor_agent::processes::children(Pid::from_raw(tutor.id() as i32));
    assert_eq!(machines.len(), 1);
    tutor.kill().unwrap();
    tutor.wait().unwrap();
    until("the machine is gone", || {
        !tutor_agent::processes::is_alive(machines[0])
    });
}

#[test]
fn a_step_that_kills_everything_does_not_bring_the_guest_down() {
    let lab = lab_or_skip!(lab());
    let mut shell = Shell::open(&lab);
    // kill(2) spares init and the caller; a program of its own takes the shell with it as well.
    shell.prints("kill -9 -1");
    let (status, _) = shell.run("busybox kill -9 -1; sleep 100").unwrap();
    assert_eq!(status, Status::Signaled(9));
    assert_eq!(shell.prints("echo next"), "next\n");
}

#[test]
fn a_step_that_writes_to_every_file_of_the_agent_does_not_bring_it_down() {
    let lab = lab_or_skip!(lab());
    let mut shell = Shell::open(&lab);
    let ended = shell.run("for file in /proc/1/fd/*; do timeout 1 sh -c \"echo noise >$file\"; done 2>/dev/null; true");
    ended.unwrap();
    assert_eq!(shell.run("echo next").unwrap().1, "next\n");
}

#[test]
fn a_step_that_fills_the_memory_fails_and_the_next_one_runs() {
    let lab = lab_or_skip!(lab());
    let mut shell = Shell::open(&lab);
    let (status, _) = shell.run("tail /dev/zero >/dev/null").unwrap();
    assert_ne!(status, Status::Exited(0));
    assert_eq!(shell.prints("echo next"), "next\n");
}

#[test]
fn a_flood_that_nobody_reads_can_be_ended() {
    let lab = lab_or_skip!(lab());
    let mut shell = Shell::open(&lab);
    let id = shell.begin(Mode::Step, "yes");
    let first = shell.session.next(PATIENCE).unwrap();
    assert!(matches!(first, Some(Happening::Output { .. })), "{first:?}");
    shell.session.end(id, Duration::ZERO).unwrap();
    let (status, _) = shell.end_of(id).unwrap();
    assert_ne!(status, Status::Exited(0));
    assert_eq!(shell.prints("echo next"), "next\n");
}

#[test]
fn a_state_that_is_cut_short_or_of_something_else_is_made_again() {
    let own = lab_or_skip!(OwnLab::new());
    drop(own.lab.guest().unwrap());
    assert_eq!(own.boots(), 1);
    // Another process waits until it is saved.
    drop(own.again().guest().unwrap());
    assert_eq!(own.boots(), 1, "the saved state was resumed");
    let file = own.state();
    let whole = fs::read(&file).unwrap();
    let key = own.lab.guests().unwrap().key().to_owned();
    let state = tutor_lab::state::read(&file, &key).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    drop(own.again().guest().unwrap());
    assert_eq!(own.boots(), 2, "half a file");
    // Whole as a file, and not as a machine's state.
    tutor_lab::state::write(&own.state(), &key, &state[..state.len() / 2]).unwrap();
    drop(own.again().guest().unwrap());
    assert_eq!(own.boots(), 3, "half a state");
    tutor_lab::state::write(&own.state(), &key, b"the state of something else").unwrap();
    drop(own.again().guest().unwrap());
    assert_eq!(own.boots(), 4, "no state at all");
    // Whole, and of another machine by the key that it has.
    let state = tutor_lab::state::read(&own.state(), &key).unwrap();
    tutor_lab::state::write(&own.state(), &"0".repeat(32), &state).unwrap();
    drop(own.again().guest().unwrap());
    assert_eq!(own.boots(), 5, "a state that was renamed");
    drop(own.again().guest().unwrap());
    assert_eq!(own.boots(), 5, "it was saved again");
}

#[test]
fn what_guests_boot_from_is_made_again_where_it_was_cut_short() {
    let own = lab_or_skip!(OwnLab::new());
    drop(own.lab.guest().unwrap());
    own.lab.guests().unwrap().saved();
    let lab = own.folder.path().join("lab");
    let files = |below: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(below).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let programs = files(&files(&lab.join("guest"))[0]);
    let archives = files(&lab.join("initramfs")).into_iter();
    let archives = archives.filter(|file| file.extension().is_some_and(|end| end == "cpio"));
    for file in programs.into_iter().chain(archives) {
        let whole = fs::read(&file).unwrap();
        fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        fs::remove_file(own.state()).unwrap();
        let boots = own.boots();
        drop(own.again().guest().unwrap());
        assert_eq!(own.boots(), boots + 1);
        assert!(fs::read(&file).unwrap() == whole, "{}", file.display());
    }
}

#[test]
fn a_disk_that_is_full_costs_the_state_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let states = folder.path().join("lab/states");
    fs::create_dir_all(&states).unwrap();
    let mounted = nix::mount::mount(
        Some("tmpfs"),
        &states,
        Some("tmpfs"),
        nix::mount::MsFlags::empty(),
        Some("size=1m"),
    );
    if let Err(error) = mounted {
        println!("skipped: a_disk_that_is_full_costs_the_state_and_nothing_else: {error}");
        return;
    }
    let own = OwnLab::in_folder(folder);
    let tried = own.as_ref().map(|own| {
        let machine = own.lab.guest().map(drop);
        own.lab.guests().unwrap().saved();
        let told = own.told.lock().unwrap().clone();
        let again = own.lab.guest().map(drop);
        let left = fs::read_dir(&states).unwrap().count();
        (machine.is_ok(), told, again.is_ok(), left)
    });
    nix::mount::umount(&states).unwrap();
    let (first, told, second, left) = lab_or_skip!(tried);
    assert!(first && second);
    assert!(
        matches!(
            told.as_slice(),
            [GuestProgress::Boots, GuestProgress::NotKept { .. }]
        ),
        "{told:?}"
    );
    assert_eq!(left, 1, "nothing but the lock is left of it");
}

#[test]
fn two_labs_that_begin_at_once_boot_once() {
    let own = lab_or_skip!(OwnLab::new());
    let labs = [own.again(), own.again(), own.again()];
    std::thread::scope(|scope| {
        let guests: Vec<_> = labs.iter().map(|lab| scope.spawn(|| lab.guest())).collect();
        for guest in guests {
            guest.join().unwrap().unwrap();
        }
    });
    assert_eq!(own.boots(), 1);
}

#[test]
fn a_tutor_that_is_killed_while_it_saves_leaves_a_whole_state_or_none() {
    drop(lab_or_skip!(lab()));
    let kernel = kernel_file().unwrap();
    let home = tempfile::tempdir().unwrap();
    let run = |script: &str| {
        let mut tutor = Command::new(TUTOR);
        tutor
            .args(["lab", "run", "--kernel", &kernel, "--", "sh", "-c", script])
            .env("TUTOR_HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        tutor
    };
    let states = home.path().join("cache/lab/states");
    let left = || {
        let files = fs::read_dir(&states).unwrap();
        let mut files = files.map(|entry| entry.unwrap().path());
        files.find(|path| path.extension().is_some_and(|end| end == "base"))
    };
    // The first command is there before the state is written.
    let mut tutor = run("echo up; sleep 1000").spawn().unwrap();
    let mut up = [0; 3];
    std::io::Read::read_exact(tutor.stdout.as_mut().unwrap(), &mut up).unwrap();
    tutor.kill().unwrap();
    tutor.wait().unwrap();
    let whole = |file: PathBuf| {
        let key = file.file_stem().unwrap().to_str().unwrap();
        tutor_lab::state::read(&file, key).unwrap();
    };
    if let Some(file) = left() {
        whole(file);
    }
    let next = run("echo up").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&next.stdout), "up\n");
    whole(left().expect("it was saved"));
}

#[test]
fn a_resumed_guest_knows_what_time_it_is() {
    let own = lab_or_skip!(OwnLab::new());
    let seconds = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs()
    };
    drop(own.lab.guest().unwrap());
    let saved = seconds();
    until("the clock has moved on", || seconds() > saved + 2);
    let before = seconds();
    let said = Shell::open(&own.lab).prints("date +%s");
    let after = seconds();
    let told: u64 = said.trim().parse().unwrap();
    assert!(
        (before..=after).contains(&told),
        "{before} <= {told} <= {after}"
    );
    assert_eq!(own.boots(), 1);
}

#[test]
fn resumed_guests_draw_different_random_numbers() {
    let lab = lab_or_skip!(lab());
    let draw = "head -c 16 /dev/urandom | od -An -tx1";
    let drawn = [0; 3].map(|_| Shell::open(&lab).prints(draw));
    assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2] && drawn[0] != drawn[2]);
}

#[test]
fn a_guest_has_random_numbers_before_its_first_program() {
    let lab = lab_or_skip!(lab());
    let said = Shell::open(&lab).prints("dmesg");
    let line = |what: &[&str]| {
        let mut lines = said.lines();
        lines.position(|line| what.iter().any(|what| line.contains(what)))
    };
    // Before Linux 5.18 it says `crng done`.
    let random = line(&["crng init done", "crng done"]).expect("the kernel's random numbers");
    let init = line(&["Run /init as init process"]).expect("the first program");
    assert!(random < init, "{said}");
}

#[test]
fn programs_lie_at_the_same_addresses_each_time() {
    let lab = lab_or_skip!(lab());
    let mut shell = Shell::open(&lab);
    // Without inodes: a pipe has another one each time.
    let maps = "cut -d' ' -f1,2,6- /proc/self/maps";
    let first = shell.prints(maps);
    assert!(first.contains("[stack]"), "{first}");
    assert_eq!(shell.prints(maps), first);
    assert_eq!(Shell::open(&lab).prints(maps), first);
}

/// What a lesson could show of a guest: ids, addresses, mounts. Numbers of processes are left out:
/// the kernel starts workers when it has need of them.
const LOOK: &str = "bpftool map create /sys/fs/bpf/m type hash key 4 value 4 entries 8 name m
bpftool map show; bpftool prog show; bpftool btf list; tutor bpf probe kprobe
ls /sys/fs/bpf /tmp /run; mount
grep -e ' bpf_prog_load' -e ' bpf_trace_printk' /proc/kallsyms
cat /sys/kernel/tracing/current_tracer /proc/sys/kernel/tainted";

#[test]
fn the_guest_that_booted_shows_what_a_resumed_one_shows() {
    let own = lab_or_skip!(OwnLab::new());
    let folder = tempfile::tempdir().unwrap();
    let said = |lab: &Lab| Shell::in_folder(lab, folder.path()).prints(LOOK);
    let booted = said(&own.lab);
    assert_eq!(own.boots(), 1);
    assert!(booted.contains("bpf_trace_printk"), "{booted}");
    assert_eq!(said(&own.lab), booted, "resumed from memory");
    assert_eq!(said(&own.again()), booted, "resumed from the file");
    assert_eq!(own.boots(), 1);
}

#[test]
fn a_guest_goes_back_to_any_checkpoint_with_its_shell_and_its_programs() {
    let lab = lab_or_skip!(lab());
    let folder = tempfile::tempdir().unwrap();
    let kept = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| kept.path().join(name));
    let mut shell = Shell::in_folder(&lab, folder.path());
    let map = "bpftool map create /sys/fs/bpf/m type array key 4 value 4 entries 1 name m";
    shell.prints(&format!("x=one; echo first >/tmp/file; {map}"));
    assert!(shell.session.save(&first).unwrap());
    let set = "bpftool map update pinned /sys/fs/bpf/m key 0 0 0 0 value 7 0 0 0";
    shell.prints(&format!("x=two; rm /tmp/file; {set}"));
    assert!(shell.session.save(&second).unwrap());
    let look = "echo $x; cat /tmp/file 2>/dev/null; bpftool map dump pinned /sys/fs/bpf/m | grep -o 'value: .*'";
    let now = "two\nvalue: 07 00 00 00\n";
    assert_eq!(shell.prints(look), now, "the source goes on");
    drop(shell);
    let back_at = |file: &Path| Shell {
        session: lab.reopen(file).expect("it is whole"),
        folder: None,
        last_id: 10,
    };
    let then = "one\nfirst\nvalue: 00 00 00 00\n";
    assert_eq!(back_at(&first).prints(look), then);
    assert_eq!(back_at(&second).prints(look), now);
    let whole = lab.guests().unwrap().base().unwrap().len() as u64;
    let bytes = fs::metadata(&first).unwrap().len();
    assert!(bytes < whole / 20, "{bytes} of {whole}");
}
