//! Puts the course into the binary: a table of `include_bytes!`, sorted by path.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let output = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    println!("cargo::rerun-if-changed=runner/build.rs");
    let mut files = Vec::new();
    for folder in ["lessons", "snapshots", "bpf"] {
        // Cargo looks through the whole folder, so that new files are seen as well.
        println!("cargo::rerun-if-changed={folder}");
        collect(&root, Path::new(folder), &mut files)?;
    }
    files.sort();
    let table = output.join("embedded.rs");
    let text = table_of(&root, &files);
    if fs::read_to_string(&table).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(table, text)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(root.join(folder)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        let Some(name) = path.to_str().map(str::to_owned) else {
            continue;
        };
        let kind = entry.file_type()?;
        if kind.is_dir() && !name.starts_with("bpf/") {
            collect(root, &path, files)?;
        } else if kind.is_file() && is_course(&name) {
            files.push(name);
        }
    }
    Ok(())
}

fn is_course(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    if file.starts_with('.') || file.ends_with('~') {
        return false;
    }
    match name.split('/').next() {
        Some("bpf") => file.ends_with(".c") || file.ends_with(".h"),
        Some("snapshots") => file.ends_with(".snap"),
        _ => true,
    }
}

fn table_of(root: &Path, files: &[String]) -> String {
    let mut text = String::from("static FILES: &[(&str, &[u8])] = &[\n");
    for file in files {
        let path = root.join(file);
        let _ = writeln!(text, "    ({file:?}, include_bytes!({path:?})),");
    }
    text.push_str("];\n");
    text
}
