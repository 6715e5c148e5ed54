//! A program that ends with the process that started it, however that ends, that has no rights over
//! others, and that reaches no files but those that it is given: QEMU, in which code of others runs.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files that a program uses as it starts, on all distributions: programs, libraries, what
/// they read of the system. No folder among them holds what is a user's own.
const SYSTEM: [&str; 13] = [
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/ssl/openssl.cnf",
    "/sys/devices/system/cpu",
    "/dev/urandom",
];

/// Rules are made for all that these versions of Landlock know; a kernel heeds those that it knows.
const KNOWN: ABI = ABI::V6;

/// Comes before the path of a file or folder that the program may read.
const READS: &str = "--reads";

/// Comes before the path of a device that the program may use.
const USES: &str = "--uses";

/// Comes before the program.
const PROGRAM: &str = "--";

/// Set to `off`, Landlock is done without: where QEMU, or what stands in for it, needs other files.
const SWITCH: &str = "TUTOR_LAB_LANDLOCK";

/// The files that a program is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Files and folders to read, and to run what is in them.
    pub reads: Vec<PathBuf>,
    /// Devices to read, write and ask.
    pub uses: Vec<PathBuf>,
}

impl Given {
    /// Returns the words from which [`become_guarded`] knows the program and what it is given.
    pub fn words(&self, program: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
        let path = |word: &str, path: &PathBuf| [OsString::from(word), path.clone().into()];
        let reads = self.reads.iter().flat_map(|file| path(READS, file));
        let uses = self.uses.iter().flat_map(|file| path(USES, file));
        let end = [OsString::from(PROGRAM)];
        reads.chain(uses).chain(end).chain(program).collect()
    }

    fn of(words: &[OsString]) -> Option<(Given, &[OsString])> {
        let mut given = Given::default();
        let mut words = words;
        loop {
            let (word, rest) = words.split_first()?;
            let list = match word.to_str()? {
                PROGRAM => return Some((given, rest)),
                READS => &mut given.reads,
                USES => &mut given.uses,
                _ => return None,
            };
            let (path, rest) = rest.split_first()?;
            list.push(path.into());
            words = rest;
        }
    }
}

/// Becomes the program that the words name, with SIGKILL to come when the thread of `parent` that
/// started this process is gone (PR_SET_PDEATHSIG(2const)). Comes back only if it could not.
pub fn become_guarded(parent: u32, words: &[OsString]) -> io::Error {
    let Some((given, [program, arguments @ ..])) = Given::of(words) else {
        return io::ErrorKind::InvalidInput.into();
    };
    if let Err(error) = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL) {
        return error.into();
    }
    // It may have been gone before it could be heeded.
    if nix::unistd::getppid().as_raw() as u32 != parent {
        return io::ErrorKind::BrokenPipe.into();
    }
    // The cause of its death is told; a memory image would lie in the caller's current folder.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    // Whatever the caller of `tutor` has open is not this program's. An older kernel lacks the call.
    let _ = crate::sys::keep_inherited_files();
    crate::sys::give_up_rights();
    if !is_off()
        && let Err(error) = restrict(&given, program)
    {
        return io::Error::other(error);
    }
    Command::new(program).args(arguments).exec()
}

fn is_off() -> bool {
    std::env::var_os(SWITCH).is_some_and(|word| word == "off")
}

/// True if the kernel restricts what a guarded program reaches, by Landlock.
pub fn is_restricted_here() -> bool {
    if is_off() {
        return false;
    }
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1));
    ruleset.and_then(Ruleset::create).is_ok()
}

/// Gives up all files but those of the system, the program itself, and those that it is given; all of
/// TCP; and all signals and abstract sockets that lead outside. A kernel without Landlock, or with an
/// older one, does so much of it as it can.
fn restrict(given: &Given, program: &OsStr) -> Result<(), RulesetError> {
    let reads = AccessFs::from_read(KNOWN);
    let uses = reads | AccessFs::WriteFile | AccessFs::IoctlDev;
    let system = SYSTEM.iter().map(|path| (PathBuf::from(path), reads));
    let own = (PathBuf::from(program), reads);
    let null = (PathBuf::from("/dev/null"), uses);
    let given_to_read = given.reads.iter().map(|path| (path.clone(), reads));
    let given_to_use = given.uses.iter().map(|path| (path.clone(), uses));
    let all = system
        .chain([own, null])
        .chain(given_to_read)
        .chain(given_to_use);
    let rules = all.filter_map(|(path, access)| rule(&path, access));
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()?
        .add_rules(rules.map(Ok::<_, RulesetError>))?
        .restrict_self()?;
    Ok(())
}

/// Returns the rule for a path; one that does not exist needs none.
fn rule(path: &Path, access: BitFlags<AccessFs>) -> Option<PathBeneath<PathFd>> {
    let access = match path.is_dir() {
        true => access,
        false => access & AccessFs::from_file(KNOWN),
    };
    Some(PathBeneath::new(PathFd::new(path).ok()?, access))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_comes_back_from_the_words() {
        let given = Given {
            reads: vec!["/a b".into(), "--uses".into()],
            uses: vec!["/dev/kvm".into()],
        };
        let words = given.words(["qemu", "--reads"].map(OsString::from));
        let (back, program) = Given::of(&words).unwrap();
        assert_eq!(
            (back, program),
            (given, &["qemu", "--reads"].map(OsString::from)[..])
        );
        assert_eq!(Given::of(&["qemu".into()]), None);
        assert_eq!(Given::of(&["--reads".into()]), None);
    }
}
