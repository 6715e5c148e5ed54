//! What programs need, and what foreign ones do not get.

use super::*;
use std::process::Command;

/// Compiles with the machine's C compiler, which `runner/packages` has.
fn compiled(folder: &Path, source: &str, arguments: &[&str]) {
    fs::write(folder.join("source.c"), source).unwrap();
    let output = Command::new("gcc")
        .current_dir(folder)
        .arg("source.c")
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// What the dynamic linker itself says, for programs that may be run.
fn by_ldd(program: &Path) -> BTreeSet<PathBuf> {
    let output = Command::new("ldd").arg(program).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace()
        .filter(|word| word.starts_with('/'))
        .map(PathBuf::from)
        .collect()
}

fn closure(program: &Path) -> Result<Vec<PathBuf>, NeededError> {
    Linker::new(&Inputs::default()).closure(program)
}

#[test]
fn it_finds_what_the_dynamic_linker_finds() {
    let mut programs = 0;
    for program in [
        "/bin/bash",
        "/usr/bin/clang",
        "/usr/bin/gcc",
        "/usr/sbin/bpftool",
    ] {
        let program = Path::new(program);
        if program.exists() {
            let found: BTreeSet<PathBuf> = closure(program).unwrap().into_iter().collect();
            assert_eq!(found, by_ldd(program), "{}", program.display());
            programs += 1;
        }
    }
    assert!(programs > 0);
}

#[test]
fn a_library_beside_the_program_is_found_by_origin() {
    let folder = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(folder.path()).unwrap();
    fs::create_dir(path.join("lib")).unwrap();
    let shared = ["-shared", "-fPIC", "-o"];
    compiled(
        &path,
        "int inner(void) { return 1; }",
        &[&shared[..], &["lib/libinner.so"]].concat(),
    );
    let outer = "int inner(void); int outer(void) { return inner(); }";
    compiled(
        &path,
        outer,
        &[
            &shared[..],
            &[
                "lib/libouter.so",
                "-Llib",
                "-linner",
                "-Wl,-rpath,${ORIGIN}",
            ],
        ]
        .concat(),
    );
    let main = "int outer(void); int main(void) { return outer(); }";
    let linked = ["-o", "program", "-Llib", "-louter", "-Wl,-rpath-link,lib"];
    compiled(
        &path,
        main,
        &[&linked[..], &["-Wl,-rpath,$ORIGIN/lib"]].concat(),
    );
    let found = closure(&path.join("program")).unwrap();
    assert!(found.contains(&path.join("lib/libouter.so")), "{found:?}");
    assert!(found.contains(&path.join("lib/libinner.so")), "{found:?}");
    // A link to the program does not move its origin.
    std::os::unix::fs::symlink(path.join("program"), path.join("lib/link")).unwrap();
    assert_eq!(closure(&path.join("lib/link")).unwrap(), found);

    fs::remove_file(path.join("lib/libinner.so")).unwrap();
    let error = closure(&path.join("program")).unwrap_err().to_string();
    assert!(
        error.ends_with("needs the library `libinner.so`, which is not installed"),
        "{error}"
    );
}

#[test]
fn a_library_is_found_by_lib_where_the_dynamic_linker_finds_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(folder.path()).unwrap();
    let own = format!("lib/{}-linux-gnu", std::env::consts::ARCH);
    for lib in ["lib", "lib64", &own] {
        fs::create_dir_all(path.join(lib)).unwrap();
        let library = format!("{lib}/libinner.so");
        let shared = ["-shared", "-fPIC", "-o", &library];
        compiled(&path, "int inner(void) { return 1; }", &shared);
    }
    let main = "int inner(void); int main(void) { return inner(); }";
    let linked = ["-o", "program", "-Llib", "-linner"];
    let found = ["$LIB", "${LIB}"].map(|lib| {
        let rpath = format!("-Wl,-rpath,{}/{lib}", path.display());
        compiled(&path, main, &[&linked[..], &[&rpath]].concat());
        let found = closure(&path.join("program")).unwrap();
        assert_eq!(
            BTreeSet::from_iter(found.clone()),
            by_ldd(&path.join("program"))
        );
        found
    });
    assert_eq!(found[0], found[1]);
    assert!(found[0].iter().any(|library| library.starts_with(&path)));
}

#[test]
fn a_foreign_program_brings_libraries_of_this_system_and_nothing_else() {
    let place = tempfile::tempdir().unwrap();
    let shared = place.path().join("shared");
    fs::create_dir(&shared).unwrap();
    let at = |name: &str| place.path().join(name);
    fs::write(at("key"), "secret").unwrap();
    fs::copy("/bin/true", at("theirs.so")).unwrap();
    nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::os::unix::fs::symlink(at("key"), shared.join("linked")).unwrap();
    let names = ["key", "theirs.so", "pipe", "shared/linked", "none"];
    let mut interpreters: Vec<PathBuf> = names.map(at).to_vec();
    interpreters.push("/dev/zero".into());
    interpreters.push("/lib/../etc/passwd".into());
    for interpreter in interpreters {
        let option = format!("-Wl,--dynamic-linker={}", interpreter.display());
        let main = "int main(void) { return 0; }";
        compiled(&shared, main, &[&option, "-o", "program"]);
        let inputs = Inputs::default();
        let linker = Linker::of_foreign(&inputs, &shared).unwrap();
        let needed = linker.closure(&shared.join("program")).unwrap();
        assert!(needed.contains(&interpreter), "{needed:?}");
        let brought: Vec<_> = needed
            .iter()
            .filter(|path| linker.system_library(path).is_some())
            .collect();
        // The C library.
        assert_eq!(brought.len(), needed.len() - 1, "{brought:?}");
        assert!(!brought.contains(&&interpreter));
    }
}

#[test]
fn a_foreign_program_looks_for_libraries_in_its_folder_and_the_systems_only() {
    let place = tempfile::tempdir().unwrap();
    let (shared, theirs) = (place.path().join("shared"), place.path().join("theirs"));
    for folder in [&shared, &theirs] {
        fs::create_dir(folder).unwrap();
    }
    let library = ["-shared", "-fPIC", "-o", "libinner.so"];
    let inner = "int inner(void) { return 1; }";
    compiled(&theirs, inner, &library);
    let main = "int inner(void); int main(void) { return inner(); }";
    let path = format!("-Wl,-rpath,{}:$ORIGIN", theirs.display());
    let folder = format!("-L{}", theirs.display());
    compiled(&shared, main, &["-o", "program", &folder, "-linner", &path]);
    let foreign = || {
        let inputs = Inputs::default();
        let linker = Linker::of_foreign(&inputs, &shared).unwrap();
        linker.closure(&shared.join("program"))
    };
    assert!(matches!(foreign(), Err(NeededError::Missing { .. })));
    std::os::unix::fs::symlink(theirs.join("libinner.so"), shared.join("libinner.so")).unwrap();
    assert!(matches!(foreign(), Err(NeededError::Missing { .. })));
    fs::remove_file(shared.join("libinner.so")).unwrap();
    fs::copy(theirs.join("libinner.so"), shared.join("libinner.so")).unwrap();
    let own = shared.canonicalize().unwrap().join("libinner.so");
    assert!(foreign().unwrap().contains(&own));
}

#[test]
fn a_static_program_needs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    compiled(
        folder.path(),
        "int main(void) { return 0; }",
        &["-static", "-o", "program"],
    );
    assert_eq!(
        closure(&folder.path().join("program")).unwrap(),
        [] as [PathBuf; 0]
    );
}

#[test]
fn a_script_is_no_program_of_this_kind() {
    let script = tempfile::NamedTempFile::new().unwrap();
    fs::write(script.path(), "#!/bin/sh\n").unwrap();
    let error = closure(script.path()).unwrap_err();
    assert!(matches!(error, NeededError::NoElf { .. }), "{error}");
}

#[test]
fn a_broken_file_is_an_error_or_needs_no_more_than_the_whole_one() {
    let bash = fs::read("/bin/bash").unwrap();
    let whole = read(&bash).unwrap();
    for length in (0..4096).step_by(13) {
        if let Ok(cut) = read(&bash[..length]) {
            assert!(cut.needed.iter().all(|name| whole.needed.contains(name)));
        }
    }
    // One changed byte may lead anywhere, but not to a panic.
    let mut bytes = bash;
    for at in (0..1024).step_by(3) {
        let before = bytes[at];
        bytes[at] = !before;
        let changed = read(&bytes);
        assert!(at >= b"\x7fELF".len() || changed.is_err());
        bytes[at] = before;
    }
}

#[test]
fn folders_are_read_from_the_configuration_and_what_it_includes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("conf.d")).unwrap();
    fs::write(path("conf.d/b.conf"), "/b # comment\n\n").unwrap();
    fs::write(path("conf.d/a.conf"), "/a1\n/a2\n").unwrap();
    fs::write(path("conf.d/c.other"), "/c\n").unwrap();
    fs::write(path("main"), "include conf.d/*.conf\n/last\ninclude main\n").unwrap();
    let mut folders = Vec::new();
    read_configuration(&path("main"), &mut folders, 0, &Inputs::default());
    let expected = ["/a1", "/a2", "/b", "/last"].map(PathBuf::from);
    assert_eq!(folders[..4], expected);
}

#[test]
fn what_only_the_configuration_leads_to_moves_beside_the_c_library() {
    let folders = LibraryFolders {
        configured: vec!["/opt/odd".into(), "/lib/x".into()],
        system: vec!["/lib/x".into()],
    };
    let all = [
        "/lib/x/libc.so.6",
        "/opt/odd/libodd.so",
        "/srv/own/libown.so",
    ]
    .map(PathBuf::from);
    let placed = all.iter().map(|library| folders.place(library, &all));
    let expected =
        ["/lib/x/libc.so.6", "/lib/x/libodd.so", "/srv/own/libown.so"].map(PathBuf::from);
    assert_eq!(placed.collect::<Vec<_>>(), expected);
}

#[test]
fn libraries_lie_below_usr_in_a_guest() {
    for (path, expected) in [
        ("/lib/x/libc.so.6", "/usr/lib/x/libc.so.6"),
        ("/lib64/ld.so", "/usr/lib64/ld.so"),
        ("/usr/lib/x", "/usr/lib/x"),
        ("/opt/lib/x.so", "/opt/lib/x.so"),
        ("/library/x.so", "/library/x.so"),
    ] {
        assert_eq!(merged(Path::new(path)), Path::new(expected));
    }
}
