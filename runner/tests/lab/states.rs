//! States of guests: saved, resumed, gone back to.

use crate::shell::{OwnLab, Shell, TUTOR, kernel_file, lab};
use crate::support::until;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};
use tutor::backend::Backend;
use tutor::backend::lab::Lab;
use tutor_lab::guests::GuestProgress;

#[test]
fn a_state_that_is_cut_short_or_of_something_else_is_made_again() {
    let Some(own) = OwnLab::new() else { return };
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
    // A machine's state, whole and with this key, and not the one that was saved.
    let other = own.folder.path().join("other.base");
    let mut state = tutor_lab::state::read(&own.state(), &key).unwrap().to_vec();
    let middle = state.len() / 2;
    state[middle] ^= 1;
    tutor_lab::state::write(&other, &key, &state).unwrap();
    fs::copy(&other, own.state()).unwrap();
    drop(own.again().guest().unwrap());
    assert_eq!(own.boots(), 6, "a state that was changed");
    let refused = |told: &GuestProgress| match told {
        GuestProgress::Refused { file, error } => {
            *file == own.state() && error == "its bytes are not those that were saved"
        }
        GuestProgress::TriesKvm | GuestProgress::Boots | GuestProgress::NotKept { .. } => false,
    };
    assert!(own.told.lock().unwrap().iter().any(refused));
}

#[test]
fn what_guests_boot_from_is_made_again_where_it_was_cut_short() {
    let Some(own) = OwnLab::new() else { return };
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
    let Some((first, told, second, left)) = tried else {
        return;
    };
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
    let Some(own) = OwnLab::new() else { return };
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
    if lab().is_none() {
        return;
    }
    let kernel = kernel_file();
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
    let Some(own) = OwnLab::new() else { return };
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
    let Some(lab) = lab() else { return };
    let draw = "head -c 16 /dev/urandom | od -An -tx1";
    let drawn = [0; 3].map(|_| Shell::open(&lab).prints(draw));
    assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2] && drawn[0] != drawn[2]);
}

/// Shows all that a lesson could of a guest: ids, addresses, mounts. Numbers of processes are left out:
/// the kernel starts workers when it has need of them.
const LOOK: &str = "bpftool map create /sys/fs/bpf/m type hash key 4 value 4 entries 8 name m
bpftool map show; bpftool prog show; bpftool btf list; tutor bpf probe kprobe
ls /sys/fs/bpf /tmp /run; mount
grep -e ' bpf_prog_load' -e ' bpf_trace_printk' /proc/kallsyms
cat /sys/kernel/tracing/current_tracer /proc/sys/kernel/tainted";

#[test]
fn the_guest_that_booted_shows_what_a_resumed_one_shows() {
    let Some(own) = OwnLab::new() else { return };
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
    let Some(lab) = lab() else { return };
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
