//! Builds the guest's programs with a second cargo, since a package cannot depend on the program of a
//! different one (artifact dependencies, RFC 3028, are not stable).
//!
//! Their dependencies are among those of `tutor`, so nothing is fetched. What is built lies in the
//! target folder, where debug, release and clippy find the same.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsStr;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// Package and program, in this order.
const PROGRAMS: [&str; 2] = ["tutor-agent", "tutor-bpf"];

/// The sources of the programs, from the workspace's root.
const SOURCES: [&str; 8] = [
    "Cargo.lock",
    "Cargo.toml",
    "runner/agent/Cargo.toml",
    "runner/agent/src",
    "runner/files/Cargo.toml",
    "runner/files/src",
    "bpf/Cargo.toml",
    "bpf/src",
];

fn main() -> io::Result<()> {
    let root = path("CARGO_MANIFEST_DIR")?.join("../..");
    let output = path("OUT_DIR")?;
    println!("cargo::rerun-if-changed=build.rs");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    let target = target_folder(&output).join("guest");
    build(&root, &target)?;
    let mut hash = DefaultHasher::new();
    for program in PROGRAMS {
        let bytes = fs::read(target.join(built_for()).join("guest").join(program))?;
        hash.write(&bytes);
        // Unlike a stream, this tells at its beginning how much it unpacks to.
        let packed = zstd::bulk::compress(&bytes, 19)?;
        fs::write(output.join(format!("{program}.zst")), packed)?;
    }
    println!("cargo::rustc-env=TUTOR_GUEST_ID={:016x}", hash.finish());
    Ok(())
}

fn build(root: &Path, target: &Path) -> io::Result<()> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo
        .args([
            "build",
            "--quiet",
            "--locked",
            "--offline",
            "--profile",
            "guest",
            "--bins",
        ])
        .args(PROGRAMS.map(|program| format!("--package={program}")))
        .arg("--target")
        .arg(built_for())
        .arg("--target-dir")
        .arg(target)
        .current_dir(root);
    // The outer cargo's variables are of this package, or of a wrapper such as clippy's.
    for (name, _) in env::vars_os().filter(|(name, _)| is_of_the_outer(name)) {
        cargo.env_remove(name);
    }
    let built = cargo.output()?;
    if built.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&built.stderr).into_owned();
    Err(io::Error::other(format!(
        "cannot build the guest's programs with {cargo:?}:\n{said}"
    )))
}

fn is_of_the_outer(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    let settings = [
        "CARGO_HOME",
        "CARGO_NET_",
        "CARGO_HTTP_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
        "CARGO_TARGET_",
        "CARGO_INCREMENTAL",
    ];
    let of_cargo = name.starts_with("CARGO")
        && (!settings.iter().any(|setting| name.starts_with(setting))
            || name == "CARGO_TARGET_DIR"
            || name == "CARGO_TARGET_TMPDIR");
    let others = [
        "DEBUG",
        "HOST",
        "MAKEFLAGS",
        "NUM_JOBS",
        "OPT_LEVEL",
        "OUT_DIR",
        "PROFILE",
        "RUSTC",
        "RUSTC_LINKER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTDOC",
        "TARGET",
    ];
    of_cargo || others.contains(&name) || name.starts_with("DEP_")
}

/// The machine that `tutor` is built for, which is the guest's too.
fn built_for() -> String {
    env::var("TARGET").unwrap_or_default()
}

/// The folder with cargo's `CACHEDIR.TAG`; this script's own where there is none.
fn target_folder(output: &Path) -> PathBuf {
    let target = output
        .ancestors()
        .filter(|folder| folder.join("CACHEDIR.TAG").exists())
        .last();
    target.unwrap_or(output).to_owned()
}

fn path(name: &str) -> io::Result<PathBuf> {
    env::var_os(name)
        .map(PathBuf::from)
        .ok_or_else(|| io::Error::other(format!("cargo sets {name}")))
}
