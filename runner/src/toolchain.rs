//! One major version of clang and LLVM under the plain names: `clang` is `clang-16`.
//!
//! Distributions install versions side by side as `clang-16`, `llc-16`, `llvm-objdump-16`. For a
//! run, a folder of links comes first in the `PATH` of steps.

use crate::run::PATH;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;

/// The programs that get a link, by the start of their names.
const FAMILY: [&str; 6] = ["clang", "llc", "opt", "llvm-", "lld", "ld.lld"];

/// The folder of links of one version; it goes when this is dropped.
#[derive(Debug)]
pub struct Toolchain {
    /// The major version, as it was asked for.
    pub version: String,
    folder: TempDir,
}

impl Toolchain {
    /// The folder that comes first in the `PATH`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes the links of a version; none if there is no such clang.
    pub fn of(version: &str) -> io::Result<Option<Toolchain>> {
        Toolchain::in_path(version, PATH)
    }

    fn in_path(version: &str, path: &str) -> io::Result<Option<Toolchain>> {
        let folder = tempfile::Builder::new().prefix("tutor-clang-").tempdir()?;
        let suffix = format!("-{version}");
        for place in path.split(':') {
            let Ok(entries) = fs::read_dir(place) else {
                continue;
            };
            for entry in entries.flatten() {
                let name = entry.file_name();
                let plain = name.to_str().and_then(|name| name.strip_suffix(&suffix));
                let Some(plain) = plain.filter(|plain| is_of_family(plain)) else {
                    continue;
                };
                match symlink(entry.path(), folder.path().join(plain)) {
                    Ok(()) => {}
                    // The first folder of a PATH wins.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let is_there = folder.path().join("clang").exists();
        Ok(is_there.then(|| Toolchain {
            version: version.to_owned(),
            folder,
        }))
    }
}

/// The major versions that are here, the oldest first.
pub fn installed() -> Vec<u32> {
    let mut versions: Vec<u32> = PATH
        .split(':')
        .filter_map(|place| fs::read_dir(place).ok())
        .flat_map(|entries| entries.flatten())
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()?
                .strip_prefix("clang-")?
                .parse()
                .ok()
        })
        .collect();
    versions.sort_unstable();
    versions.dedup();
    versions
}

fn is_of_family(plain: &str) -> bool {
    FAMILY.iter().any(|member| match member.ends_with('-') {
        true => plain.starts_with(member),
        false => plain == *member || plain.strip_prefix(member).is_some_and(|rest| rest == "++"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_names_lead_to_the_version_and_the_first_folder_wins() {
        let places = tempfile::tempdir().unwrap();
        let put = |place: &str, name: &str| {
            let folder = places.path().join(place);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(name), place).unwrap();
        };
        for name in [
            "clang-16",
            "clang++-16",
            "llvm-objdump-16",
            "clang-format-16",
            "gcc-16",
        ] {
            put("first", name);
        }
        put("second", "clang-16");
        put("second", "llc-16");
        put("second", "clang-14");
        let path = format!("{0}/none:{0}/first:{0}/second", places.path().display());
        let toolchain = Toolchain::in_path("16", &path).unwrap().unwrap();
        let mut names: Vec<String> = fs::read_dir(toolchain.folder())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["clang", "clang++", "llc", "llvm-objdump"]);
        let clang = fs::read_to_string(toolchain.folder().join("clang")).unwrap();
        assert_eq!(clang, "first");
        assert!(Toolchain::in_path("15", &path).unwrap().is_none());
        let folder = toolchain.folder().to_owned();
        drop(toolchain);
        assert!(!folder.exists());
    }
}
