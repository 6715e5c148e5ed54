//! Limits the files that confined processes may open, by Landlock
//! (Documentation/userspace-api/landlock.rst of the kernel): a second lock where there is a root
//! folder of their own, and the only one elsewhere.

use super::guard::Confinement;
use super::root::SYSTEM;
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, NetPort,
    PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};
use std::path::{Path, PathBuf};

/// The folders in a root folder of their own that steps may write to.
const FRESH: [&str; 4] = ["/tmp", "/var/tmp", "/dev", "/proc"];

/// The devices that a program may expect to write to.
const DEVICES: [&str; 3] = ["/dev/null", "/dev/zero", "/dev/full"];

/// Restricts this process and all that it starts. Returns the version of Landlock that does.
pub fn restrict(confinement: &Confinement, has_own_root: bool) -> Result<i32, String> {
    let known = ABI::V10;
    let (readable, writable): (Vec<PathBuf>, Vec<PathBuf>) = match has_own_root {
        true => (paths(&["/"]), paths(&FRESH)),
        false => {
            let mut readable = paths(&SYSTEM);
            // `/proc` shows of other processes what all users may see, and not their memory, files
            // or environment.
            readable.extend(paths(&["/proc", "/dev/random", "/dev/urandom"]));
            readable.extend(confinement.readable.iter().cloned());
            (readable, paths(&DEVICES))
        }
    };
    let writable = writable.iter().chain(&confinement.writable);
    let restricted = || -> Result<_, landlock::RulesetError> {
        let mut ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(known))?
            .scope(Scope::from_all(known))?;
        if confinement.ports.is_some() {
            ruleset = ruleset.handle_access(AccessNet::ConnectTcp)?;
        }
        let mut ruleset = ruleset.create()?;
        for (path, rights) in readable
            .iter()
            .map(|path| (path, AccessFs::from_read(known)))
            .chain(writable.map(|path| (path, AccessFs::from_all(known))))
        {
            // A path that does not exist needs no rule.
            let Ok(fd) = PathFd::new(path) else { continue };
            let rights = match path.is_dir() {
                true => rights,
                false => rights & AccessFs::from_file(known),
            };
            ruleset = ruleset.add_rule(PathBeneath::new(fd, rights))?;
        }
        for port in confinement.ports.iter().flatten() {
            ruleset = ruleset.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
        }
        ruleset.restrict_self()
    };
    let status = restricted().map_err(|error| error.to_string())?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => {
            Err("it is switched off in this kernel".to_owned())
        }
        (RulesetStatus::NotEnforced, _) => Err("this kernel has none".to_owned()),
        (
            _,
            LandlockStatus::Available {
                effective_abi,
                kernel_abi,
            },
        ) => Ok(kernel_abi.unwrap_or(effective_abi as i32)),
        (_, _) => Err("it does not say its version".to_owned()),
    }
}

fn paths(all: &[&str]) -> Vec<PathBuf> {
    all.iter().map(|path| Path::new(path).to_owned()).collect()
}
