//! The learner's own tools: what a course asks for of them, and what a step that finds none says.

use super::*;
use std::os::unix::fs::PermissionsExt;

/// Puts a program into the learner's home folder.
fn with_program(tutor: Tutor, below: &str, script: &str) -> Tutor {
    tutor.put(below, &format!("#!/bin/sh\n{script}\n"));
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(tutor.path(below), mode).expect("ours");
    let folder = tutor
        .path(below)
        .parent()
        .expect("a folder")
        .display()
        .to_string();
    tutor.env("PATH", &format!("{folder}:/usr/sbin:/usr/bin:/sbin:/bin"))
}

const WEAVER: &str = r#"
[needs.loom]
what = "the loom"
why = "weaves"
probe = "command -v weaver >/dev/null || { echo 'there is no weaver'; exit 1; }; weaver"
remedy = "install a loom"
"#;

#[test]
fn a_need_that_only_the_learners_path_has_says_so_and_where() {
    let tutor = with_program(Tutor::new(), "home/tools/weaver", "echo weaver 2.0");
    let tutor = tutor
        .lesson(plain("one needs=loom", "weaver"))
        .course(WEAVER);
    let folder = tutor.path("home/tools").display().to_string();
    let says = format!(
        "`weaver` is in your PATH (`{folder}`), which steps do not have: add `~/tools` to `path` of `[steps]` in `lessons/course.toml`"
    );
    let ran = tutor.run("run demo").code(3);
    ran.stdout_has("there is no weaver")
        .stdout_has(&format!("help: {says}"));
    let ran = tutor.run("doctor").code(3);
    ran.stdout_has(&format!("mend: {says}"))
        .stdout_lacks("install a loom");
    let tutor = tutor.course("[steps]\npath = ['~/tools']");
    tutor.run("run demo").code(0).stdout_has("│ weaver 2.0");
    tutor.run("doctor").code(0).stdout_has("✓ loom 2.0");
}

#[test]
fn a_need_that_nobody_has_is_mended_as_the_course_says() {
    let tutor = with_program(Tutor::new(), "home/tools/spinner", "true");
    let tutor = tutor
        .lesson(plain("one needs=loom", "weaver"))
        .course(WEAVER);
    tutor
        .run("run demo")
        .code(3)
        .stdout_has("help: install a loom")
        .stdout_lacks("PATH");
}

#[test]
fn cargo_of_rustups_finds_its_toolchains_in_a_course_that_asks_for_it() {
    let cargo = "echo cargo 1.90; echo in $CARGO_HOME with $RUSTUP_HOME";
    let tutor = with_program(Tutor::new(), "home/.cargo/bin/cargo", cargo);
    let need = "[needs.cargo]\nwhat = 'cargo'\nwhy = 'builds'\nprobe = 'cargo && test -n \"$RUSTUP_HOME\"'\n";
    let asks = "[steps]\npath = ['$CARGO_HOME/bin']\nenv = ['CARGO_HOME', 'RUSTUP_HOME']\nread = ['$CARGO_HOME', '$RUSTUP_HOME']\n";
    let tutor = tutor.lesson(plain("one needs=cargo>=1.80", "cargo"));
    let tutor = tutor.course(&format!("{asks}{need}"));
    let home = tutor.path("home").display().to_string();
    let says = format!("│ in {home}/.cargo with {home}/.rustup\n");
    tutor.run("run demo").code(0).stdout_has(&says);
    tutor.run("trust").code(0);
    tutor.run("run demo").code(0).stdout_has(&says);
    let elsewhere = tutor.path("home/elsewhere").display().to_string();
    let tutor = tutor.env("RUSTUP_HOME", &elsewhere);
    tutor
        .run("run demo")
        .code(0)
        .stdout_has(&format!("with {elsewhere}\n"));
}

#[test]
fn a_course_names_the_packages_of_its_own_needs() {
    let need = "[needs.loom]\nwhat = 'the loom'\nwhy = 'weaves'\nprobe = 'echo no loom; exit 1'\npackage = { apt = 'loom-deb', dnf = 'loom-rpm', pacman = 'loom-arch' }\n";
    let tutor = Tutor::new()
        .lesson(plain("one needs=loom", "true"))
        .course(need);
    let release = |id: &str| {
        let prepare =
            format!("printf 'ID={id}\\n' >os-release && mount --bind os-release /etc/os-release");
        in_own_mounts(&tutor, &prepare, "doctor")
    };
    for (id, command) in [
        ("debian", "apt-get install -y loom-deb"),
        ("fedora", "dnf install -y loom-rpm"),
        ("arch", "pacman -S --needed --noconfirm loom-arch"),
    ] {
        let Some(doctor) = release(id) else { return };
        let ran = tutor.start_command(doctor, "doctor").end().code(3);
        ran.stdout_has(&format!("mend: {command}"));
    }
}

/// What the course in the binary says of its `bpftool` where that is this script, and other releases of it
/// lie below `tools`.
fn bpftool_is(script: &str, tools: &std::path::Path) -> (bool, String) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let course = tutor::course::Course::load(Some(root), None, root).expect("the course");
    let probe = course.needs["bpftool"]
        .probe
        .replace("/usr/lib", &tools.display().to_string());
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("bpftool");
    std::fs::write(&program, script).expect("writable");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("ours");
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let mut bash = std::process::Command::new("bash");
    let ran = bash
        .args(["-c", &probe])
        .env("PATH", path)
        .output()
        .expect("bash");
    // The last line of both streams is the reason that a learner reads.
    let said = [ran.stdout, ran.stderr].concat();
    (
        ran.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn a_bpftool_that_is_a_script_without_a_program_for_this_kernel_is_named_as_that() {
    let wrapper = "#!/bin/bash\n{ echo 'WARNING: bpftool not found for kernel 5.15'; echo; \
        echo '    linux-cloud-tools-standard-WSL2'; } >&2\nexit 2\n";
    let tools = tempfile::tempdir().expect("a folder");
    let (works, said) = bpftool_is(wrapper, tools.path());
    assert!(!works);
    let reason = "bpftool is a script, and it finds no program for the kernel ";
    assert!(
        said.lines()
            .last()
            .is_some_and(|last| last.starts_with(reason)),
        "{said}"
    );
    assert!(!said.contains("help: "), "{said}");
    let other = tools.path().join("linux-tools/6.8.0-31-generic/bpftool");
    std::fs::create_dir_all(other.parent().expect("a folder")).expect("writable");
    std::fs::write(&other, "").expect("writable");
    let (_, said) = bpftool_is(wrapper, tools.path());
    let help = format!("`ln -s {} /usr/local/sbin/bpftool`", other.display());
    assert!(said.contains(&help), "{said}");
    let (works, said) = bpftool_is("#!/bin/sh\necho bpftool v7.4.0\n", tools.path());
    assert_eq!((works, &*said), (true, "bpftool v7.4.0\n"));
}

#[test]
fn what_a_package_brought_and_is_gone_is_mended_by_installing_it_again() {
    let owner = std::process::Command::new("dpkg-query")
        .args(["-S", "/usr/bin/clang"])
        .output();
    if !owner.is_ok_and(|owner| owner.status.success()) {
        return skipped("no clang of a Debian package, so none was taken away");
    }
    let need = "[needs.clang]\nwhat = 'clang'\nwhy = 'compiles'\nprobe = 'clang --version'\npackage = 'clang'\n";
    let tutor = Tutor::new()
        .lesson(plain("one needs=clang", "true"))
        .course(need);
    let hide = "mount --bind /dev/null \"$(readlink -f /usr/bin/clang)\"";
    let Some(doctor) = in_own_mounts(&tutor, hide, "doctor") else {
        return;
    };
    let ran = tutor.start_command(doctor, "doctor").end().code(3);
    ran.stdout_has("apt-get install --reinstall -y clang clang-");
}

#[test]
fn a_program_that_is_first_in_the_learners_path_and_not_run_by_steps_is_told() {
    let need = "[needs.sed]\nwhat = 'sed'\nwhy = 'edits'\nprobe = 'sed --version'\n";
    let tutor = with_program(Tutor::new(), "home/tools/sed", "echo sed 99.0");
    let tutor = tutor.lesson(plain("one needs=sed", "true")).course(need);
    let yours = tutor.path("home/tools/sed").display().to_string();
    let ran = tutor.run("doctor").code(0).stdout_lacks("99.0");
    ran.stdout_has(&format!("your PATH has `{yours}` first"));
    let tutor = tutor.course("[steps]\npath = ['~/tools']");
    let ran = tutor.run("doctor").code(0).stdout_has("✓ sed 99.0");
    ran.stdout_lacks("first");
}
