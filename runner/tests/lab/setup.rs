//! `tutor lab setup`, `status` and `gc`, from outside: kernels made up here, and mirrors of this machine.

use crate::support::{Tutor, at_a_terminal, in_own_mounts, until};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

/// An ELF kernel: a note of this type, and a banner with a release.
fn vmlinux(note: u32, release: &str) -> Vec<u8> {
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let mut put = |value: u64, bytes: usize| elf.extend_from_slice(&value.to_le_bytes()[..bytes]);
    // The file's header: type, machine, version, entry, headers of segments and of sections …
    for (value, bytes) in [(2, 2), (62, 2), (1, 4), (0, 8), (64, 8), (0, 8), (0, 4)] {
        put(value, bytes);
    }
    for value in [64, 56, 1, 64, 0, 0] {
        put(value, 2);
    }
    // … and one segment, of notes.
    for (value, bytes) in [
        (4, 4),
        (4, 4),
        (120, 8),
        (0, 8),
        (0, 8),
        (24, 8),
        (24, 8),
        (4, 8),
    ] {
        put(value, bytes);
    }
    for value in [4, 8, note] {
        put(value.into(), 4);
    }
    elf.extend_from_slice(b"Xen\0\0\0\0\0\0\0\0\0");
    elf.extend_from_slice(format!("Linux version {release} (me)").as_bytes());
    elf
}

const PVH: u32 = 18;

/// A mirror that has nothing, and how often it was asked.
fn empty_mirror() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/debian", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                request.push(byte[0]);
            }
            count.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
    });
    (url, asked)
}

fn learner() -> Tutor {
    Tutor::new().lesson(crate::support::step("one", "echo hi"))
}

#[test]
fn without_a_terminal_nothing_is_fetched_until_somebody_agrees() {
    let (url, asked) = empty_mirror();
    let tutor = learner();
    tutor
        .run(&format!("lab setup --mirror {url}"))
        .code(3)
        .stderr_has("a kernel of the series 6.12: about 35 MB")
        .stderr_has(&url)
        .stderr_has("pass `--yes` to agree");
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    tutor
        .run(&format!("lab setup --mirror {url} --yes"))
        .code(3)
        .stderr_has("fetching linux-image-6.12")
        .stderr_has("(HTTP 404)")
        .stderr_has("help: name another mirror");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn without_curl_a_mirror_is_not_asked_and_the_help_names_the_package() {
    let (url, asked) = empty_mirror();
    learner()
        .env("PATH", "/nowhere")
        .run(&format!("lab setup --yes --mirror {url}"))
        .code(3)
        .stderr_has("there is no `curl` here")
        .stderr_has("help: install curl");
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[test]
fn the_mirror_may_stand_in_the_environment() {
    let (url, asked) = empty_mirror();
    let tutor = learner().env("TUTOR_LAB_MIRROR", &url);
    tutor
        .run("lab setup --yes")
        .code(3)
        .stderr_has("(HTTP 404)");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    tutor
        .run("lab setup --yes --mirror ftp://a.test")
        .code(2)
        .stderr_has("`ftp://a.test` is no address of a mirror");
    tutor
        .run("lab setup --yes --kernel 1.2")
        .code(3)
        .stderr_has("no kernel of the series 1.2 is known by its hash");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn at_a_terminal_it_asks_with_the_size() {
    let (url, asked) = empty_mirror();
    let tutor = learner();
    let line = format!("lab setup --mirror {url}");
    let (seen, code) = at_a_terminal(tutor.command(&line), "[y/N]", "n\n");
    assert!(seen.contains("about 35 MB"), "{seen}");
    assert!(seen.contains("nothing was fetched"), "{seen}");
    assert_eq!((code, asked.load(Ordering::SeqCst)), (Some(3), 0));
    let (seen, code) = at_a_terminal(tutor.command(&line), "[y/N]", "y\n");
    assert!(seen.contains("(HTTP 404)"), "{seen}");
    assert_eq!((code, asked.load(Ordering::SeqCst)), (Some(3), 1));
}

#[test]
fn a_kernel_of_ones_own_is_taken_without_asking_shown_and_removed() {
    let tutor = learner();
    tutor
        .run("lab status")
        .code(3)
        .stdout_has("none yet")
        .stdout_has("✗ a kernel 6.12 for the lab")
        .stdout_has("mend: tutor lab setup");
    let path = tutor.path("tmp/vmlinux");
    fs::write(&path, vmlinux(PVH, "6.9.1-mine")).unwrap();
    tutor
        .run("lab setup --kernel ./vmlinux")
        .code(0)
        .stdout_has("ready: 6.9.1-mine, from ./vmlinux")
        .stderr_has("whether it has 9 options that the lab needs shows when it boots");
    let json = tutor.run("lab status --json").code(3).json();
    assert_eq!(json["format"], 1);
    assert_eq!(json["kernels"][0]["release"], "6.9.1-mine");
    assert_eq!(json["kernels"][0]["series"], "6.9");
    assert_eq!(json["kernels"][0]["file"], true);
    assert_eq!(json["kernels"][0]["default"], false);
    assert_eq!(json["missing"][0]["remedy"], "tutor lab setup");

    tutor
        .run("lab gc")
        .code(0)
        .stdout_has("6.9.1-mine")
        .stdout_has("to remove all of it: `tutor lab gc --yes`");
    assert_eq!(
        tutor.run("lab status --json").json()["kernels"][0]["release"],
        "6.9.1-mine"
    );
    tutor
        .run("lab gc --yes")
        .code(0)
        .stdout_has("removed: 1 kB");
    assert_eq!(
        tutor.run("lab status --json").json()["kernels"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    tutor
        .run("lab gc --yes")
        .code(0)
        .stdout_has("nothing to remove");
}

/// A learner whose lab has a state that was used two hours ago, and a download that did not end.
fn with_spare_state() -> (Tutor, Vec<&'static str>) {
    let tutor = learner();
    let files = vec![
        "home/cache/lab/states/a.base",
        "home/cache/lab/checkpoints/demo/one.guest",
        "home/cache/lab/packages/linux.part",
    ];
    for file in &files {
        tutor.put(file, "as if it were one");
        let file = fs::File::options().append(true).open(tutor.path(file));
        let used = SystemTime::now() - Duration::from_secs(2 * 60 * 60);
        file.unwrap().set_modified(used).unwrap();
    }
    (tutor, files)
}

#[test]
fn nothing_is_removed_until_somebody_agrees() {
    let (tutor, files) = with_spare_state();
    let left = || {
        files
            .iter()
            .filter(|file| tutor.path(file).exists())
            .count()
    };
    tutor
        .run("lab gc")
        .code(0)
        .stdout_has("one file that makes it start fast: 1 kB")
        .stdout_has("one file that takes lessons back to a step: 1 kB")
        .stdout_has("what downloads and unpacking left that did not end: 1 kB")
        .stdout_has("to remove all of it: `tutor lab gc --yes`");
    assert_eq!(left(), 3);
    let (seen, code) = at_a_terminal(tutor.command("lab gc"), "[y/N]", "n\n");
    assert!(seen.contains("one file that makes it start fast"), "{seen}");
    assert_eq!((code, left()), (Some(0), 3));
    let (seen, code) = at_a_terminal(tutor.command("lab gc"), "[y/N]", "y\n");
    assert!(seen.contains("removed: 1 kB"), "{seen}");
    assert_eq!((code, left()), (Some(0), 0));
}

#[test]
fn a_cache_that_cannot_be_tidied_is_named() {
    let (tutor, files) = with_spare_state();
    let home = tutor.path("home").display().to_string();
    let prepare = format!("mount --bind {home} {home} && mount -o remount,bind,ro {home}");
    let Some(command) = in_own_mounts(&tutor, &prepare, "lab gc --yes") else {
        return;
    };
    tutor
        .start_command(command, "lab gc --yes")
        .end()
        .code(3)
        .stderr_has("cannot tidy the lab's cache: cannot open `")
        .stderr_has("home/cache/lab/fetch.lock`: Read-only file system")
        .stderr_has("help: make the folder writable");
    assert!(files.iter().all(|file| tutor.path(file).exists()));
}

#[test]
fn what_cannot_run_in_the_lab_is_refused_by_name() {
    let tutor = learner();
    fs::write(tutor.path("tmp/vmlinux"), vmlinux(1, "6.9.1-mine")).unwrap();
    tutor
        .run("lab setup --kernel ./vmlinux")
        .code(3)
        .stderr_has("it was built without `CONFIG_PVH`")
        .stderr_has("help: ");
    tutor.put("tmp/text", "no kernel at all");
    tutor
        .run("lab setup --kernel ./text")
        .code(3)
        .stderr_has("`./text` is no kernel");
    tutor
        .run("lab setup --kernel ./nothing")
        .code(3)
        .stderr_has("cannot read `./nothing`");
    assert_eq!(
        tutor.run("lab status --json").json()["kernels"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn two_at_once_are_both_right() {
    let tutor = learner();
    fs::write(tutor.path("tmp/vmlinux"), vmlinux(PVH, "6.9.1-mine")).unwrap();
    let line = "lab setup --kernel ./vmlinux";
    let running: Vec<_> = (0..4).map(|_| tutor.start(line)).collect();
    for running in running {
        running.end().code(0).stdout_has("ready: 6.9.1-mine");
    }
    let folder = tutor.path("home/cache/lab/files");
    until("one folder is left", || {
        fs::read_dir(&folder).unwrap().count() == 1
    });
}
