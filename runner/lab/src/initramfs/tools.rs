//! The tools of this machine that go into the guest.

use crate::inputs::Inputs;
use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Tools that steps have to find, whatever libraries they bring. Each has a row of its name in
/// `runner/packages`.
pub const REQUIRED: [&str; 5] = ["bash", "bpftool", "grep", "sed", "awk"];

/// Tools whose output steps show, or whose options differ from busybox's.
#[rustfmt::skip]
pub const PREFERRED: [&str; 73] = [
    "sh", "cmp", "diff", "find", "xargs", "xxd",
    "base64", "basename", "cat", "chgrp", "chmod", "chown", "cksum", "comm", "cp", "cut", "date",
    "dd", "df", "dirname", "du", "echo", "env", "expand", "expr", "false", "fold", "head", "id",
    "install", "join", "kill", "link", "ln", "ls", "md5sum", "mkdir", "mkfifo", "mknod", "mktemp",
    "mv", "nl", "nohup", "nproc", "numfmt", "od", "paste", "printf", "pwd", "readlink", "realpath",
    "rm", "rmdir", "seq", "sha256sum", "sleep", "sort", "split", "stat", "stty", "sync", "tac",
    "tail", "tee", "test", "timeout", "touch", "tr", "true", "truncate", "uname", "uniq", "wc",
];

/// Commands of busybox that the guest has no use for, or that the agent does itself.
pub const LEFT_OUT: [&str; 5] = ["busybox", "init", "linuxrc", "tutor", "bpftool"];

/// Returns a tool's path: the first program of that name in the `PATH` and in the folders for
/// administrators that a user's `PATH` often lacks. Scripts are passed over, as they would need
/// their interpreters too.
pub fn find(name: &str, inputs: &Inputs) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from));
    let mut found = folders
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name));
    found.find(|path| is_program(path, inputs)).or_else(|| {
        let by_version = || versioned_bpftool(inputs);
        (name == "bpftool").then(by_version).flatten()
    })
}

/// True for an ELF file that may be run.
fn is_program(path: &Path, inputs: &Inputs) -> bool {
    let is_executable = inputs.look(path)
        && fs::metadata(path)
            .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    let mut magic = [0; 4];
    is_executable
        && File::open(path).is_ok_and(|mut file| file.read_exact(&mut magic).is_ok())
        && magic == *b"\x7fELF"
}

/// On Ubuntu the command is a script that starts the program of the running kernel's version;
/// any version will do here.
fn versioned_bpftool(inputs: &Inputs) -> Option<PathBuf> {
    let mut found = BTreeSet::new();
    for parent in ["/usr/lib", "/usr/lib/linux-tools"] {
        inputs.look(Path::new(parent));
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let is_tools = parent.ends_with("linux-tools")
                || entry
                    .file_name()
                    .to_string_lossy()
                    .starts_with("linux-tools-");
            let path = entry.path().join("bpftool");
            if is_tools && is_program(&path, inputs) {
                found.insert(path);
            }
        }
    }
    found.pop_last()
}
