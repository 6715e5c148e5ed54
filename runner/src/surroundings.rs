//! The surroundings of steps that run on the learner's machine: whether they are confined, and which
//! parts of the machine the course asked for and gets.

use crate::course::asks::{Asks, Network};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tutor_agent::confine::limits::ResourceLimits;
use tutor_agent::confine::{Confinement, Guard};

/// Says where cargo keeps what it fetched, which is worth having where steps may read it.
const CARGO_HOME: &str = "CARGO_HOME";

/// Variables that name a folder, and the folder of the learner's home that is meant where they are not
/// set: steps have a home of their own, where these tools would find nothing.
const USUAL: [(&str, &str); 3] = [
    (CARGO_HOME, ".cargo"),
    ("GOPATH", "go"),
    ("RUSTUP_HOME", ".rustup"),
];

/// How much a course is trusted with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// All that the learner may do: it is `tutor`'s own course, or the learner's.
    #[default]
    Whole,
    /// The same by the learner's word, for one run, without so much as namespaces.
    Unguarded,
    /// Only the permissions that it asks for.
    Confined,
}

/// The surroundings of the host steps of a run.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    trust: Trust,
    /// Folders to find programs in, before the system's.
    pub path: Vec<PathBuf>,
    /// Variables of the learner's that steps get.
    pub environment: Vec<(String, String)>,
    /// The learner's own `PATH`, and their home folder.
    own_path: Vec<PathBuf>,
    own_home: Option<PathBuf>,
    /// Paths that steps may read beside the system's programs.
    pub readable: Vec<PathBuf>,
    /// Folders of the learner's that are not there.
    hidden: Vec<PathBuf>,
    network: Network,
    limits: Option<ResourceLimits>,
}

impl Surroundings {
    /// The surroundings that a course gets: `variable` is the learner's environment, and `readable` are
    /// the files of `tutor` itself that all steps need.
    pub fn new(
        asks: &Asks,
        trust: Trust,
        variable: &dyn Fn(&str) -> Option<OsString>,
        readable: Vec<PathBuf>,
    ) -> Surroundings {
        let places = |places: &mut dyn Iterator<Item = &str>| -> Vec<PathBuf> {
            let places = places.filter_map(|place| expanded(place, variable));
            places.collect()
        };
        let mut env: BTreeSet<&str> = asks.env().collect();
        if trust != Trust::Confined {
            env.insert(CARGO_HOME);
        }
        let environment = env.into_iter().filter_map(|name| {
            let value = value(name, variable)?.into_string().ok()?;
            Some((name.to_owned(), value))
        });
        let (path, mut all_readable) = (places(&mut asks.path()), places(&mut asks.read()));
        all_readable.extend(path.iter().cloned());
        all_readable.extend(readable);
        Surroundings {
            trust,
            environment: environment.collect(),
            path,
            own_path: variable("PATH")
                .map_or_else(Vec::new, |path| std::env::split_paths(&path).collect()),
            own_home: variable("HOME").map(PathBuf::from),
            readable: all_readable,
            hidden: homes(variable),
            network: asks.network.clone(),
            limits: (trust != Trust::Unguarded).then(|| asks.limits()),
        }
    }

    /// The folder of the learner's own `PATH` that holds a program, and how a course names that folder.
    pub fn folder_of(&self, program: &str) -> Option<(&Path, String)> {
        let mut folders = self.own_path.iter().filter(|folder| folder.is_absolute());
        let folder = folders.find(|folder| is_program(&folder.join(program)))?;
        let home = self.own_home.as_deref().filter(|home| home.is_absolute());
        let below = home.and_then(|home| folder.strip_prefix(home).ok());
        let place = match below {
            Some(below) => Path::new("~").join(below),
            None => folder.clone(),
        };
        Some((folder, place.display().to_string()))
    }

    /// The guard that an agent is to set up.
    pub fn guard(&self) -> Guard {
        match self.trust {
            Trust::Whole => Guard::Namespaces,
            Trust::Unguarded => Guard::Processes,
            Trust::Confined => Guard::Confined {
                network: self.network.is_asked_for(),
            },
        }
    }

    /// True if their ports may be none of this machine's.
    pub fn has_own_network(&self) -> bool {
        self.trust == Trust::Confined && !self.network.is_asked_for()
    }

    /// The confinement of steps with these folders of their own; none if they are not confined.
    pub fn confinement(&self, own: &[&Path]) -> Option<Confinement> {
        (self.trust == Trust::Confined).then(|| Confinement {
            writable: own.iter().map(|folder| (*folder).to_owned()).collect(),
            readable: self.readable.clone(),
            hidden: self.hidden.clone(),
            ports: match &self.network {
                Network::All(_) => None,
                Network::Ports(ports) => Some(ports.clone()),
            },
        })
    }

    /// The most that they may use.
    pub fn limits(&self) -> Option<ResourceLimits> {
        self.limits
    }
}

/// True for a file that somebody may execute.
pub fn is_program(path: &Path) -> bool {
    let there = path.metadata();
    there.is_ok_and(|there| there.is_file() && there.permissions().mode() & 0o111 != 0)
}

/// The path that a place of a course means on this machine; none if it does not exist.
pub fn leads_to(place: &str, variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    expanded(place, variable)?.canonicalize().ok()
}

/// The value of a variable, if it is set and not empty.
fn value(name: &str, variable: &dyn Fn(&str) -> Option<OsString>) -> Option<OsString> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let Some((_, usual)) = USUAL.iter().find(|(known, _)| *known == name) else {
        return set(name);
    };
    let in_home = || set("HOME").map(|home| Path::new(&home).join(usual).into_os_string());
    let folder = set(name).or_else(in_home);
    // A relative path would be a different folder for each step.
    folder.filter(|folder| Path::new(folder).is_absolute())
}

/// A place of the learner's machine: `~` is the home folder, `$NAME` a variable.
fn expanded(place: &str, variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let (head, rest) = place.split_once('/').unwrap_or((place, ""));
    let head = match head.strip_prefix('$') {
        Some(name) => PathBuf::from(value(name, variable)?),
        None if head == "~" => PathBuf::from(variable("HOME")?),
        None => PathBuf::from("/"),
    };
    // `join` with nothing would end it with a slash.
    let path = match rest {
        "" => head,
        rest => head.join(rest),
    };
    path.is_absolute().then_some(path)
}

/// The home folder of the learner, as the environment and as the system has it, and root's.
fn homes(variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let of_user = nix::unistd::User::from_uid(nix::unistd::geteuid());
    let of_user = of_user.ok().flatten().map(|user| user.dir);
    let homes = variable("HOME")
        .map(PathBuf::from)
        .into_iter()
        .chain(of_user);
    homes
        .filter(|home| home.is_absolute() && home.parent().is_some())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(asks: &str, trust: Trust) -> Surroundings {
        let asks = toml::from_str(asks).unwrap();
        let variable = |name: &str| {
            let known = [
                ("HOME", "/users/ada"),
                ("TOKEN", "secret"),
                ("GOPATH", "/go"),
            ];
            let found = known.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Surroundings::new(&asks, trust, &variable, vec!["/usr/local/bin/tutor".into()])
    }

    #[test]
    fn a_confined_course_gets_what_it_asks_for_and_nothing_else() {
        let plain = of("", Trust::Confined);
        assert!(plain.environment.is_empty() && plain.path.is_empty());
        assert_eq!(plain.guard(), Guard::Confined { network: false });
        let asks = "path = ['$GOPATH/bin']\nenv = ['GOPATH', 'NONE']\nread = ['~/.cargo']\nnetwork = [443]";
        let asking = of(asks, Trust::Confined);
        assert_eq!(
            asking.environment,
            [("GOPATH".to_owned(), "/go".to_owned())]
        );
        assert_eq!(asking.path, [PathBuf::from("/go/bin")]);
        assert_eq!(asking.guard(), Guard::Confined { network: true });
        let confinement = asking.confinement(&[Path::new("/w")]).unwrap();
        assert_eq!(confinement.writable, [PathBuf::from("/w")]);
        let readable = ["/users/ada/.cargo", "/go/bin", "/usr/local/bin/tutor"];
        assert_eq!(confinement.readable, readable.map(PathBuf::from));
        assert_eq!(confinement.ports, Some(vec![443]));
        assert!(confinement.hidden.contains(&PathBuf::from("/users/ada")));
    }

    #[test]
    fn a_place_in_cargos_folder_is_found_where_cargo_finds_it() {
        let asking = of("read = ['$CARGO_HOME', '$UNSET/x']", Trust::Confined);
        let confinement = asking.confinement(&[]).unwrap();
        let readable = ["/users/ada/.cargo", "/usr/local/bin/tutor"];
        assert_eq!(confinement.readable, readable.map(PathBuf::from));
    }

    #[test]
    fn a_course_of_ones_own_has_cargos_folder_and_no_confinement() {
        let own = of("", Trust::Whole);
        let cargo = ("CARGO_HOME".to_owned(), "/users/ada/.cargo".to_owned());
        assert_eq!(own.environment, [cargo]);
        assert_eq!(own.guard(), Guard::Namespaces);
        assert_eq!(own.confinement(&[]), None);
        assert_eq!(of("", Trust::Unguarded).guard(), Guard::Processes);
    }
}
