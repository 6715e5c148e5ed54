//! The one list of packages, `runner/packages`, which `./setup` reads too, and how to get a missing
//! one.

use crate::say;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How to get something that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mend {
    /// Run this command, as root.
    Install(Vec<String>),
    /// Do this.
    Remedy(String),
}

impl Mend {
    /// The command as it is to be typed here, or what to do.
    pub fn in_words(&self) -> String {
        match self {
            Mend::Install(words) => as_root(words),
            Mend::Remedy(text) => text.clone(),
        }
    }
}

/// A command that takes root's rights, as it is to be typed here.
pub fn as_root(words: &[String]) -> String {
    let words = words.join(" ");
    match nix::unistd::geteuid().is_root() {
        true => words,
        false => format!("sudo {words}"),
    }
}

/// How to get something of a package that is missing or too old: install it, or install it again where it
/// is there and its file is not. If it is whole and the archive has no newer one, `otherwise` says what to
/// do.
pub fn mend(
    package: &Package,
    otherwise: Option<&str>,
    distribution: Distribution,
) -> Option<Mend> {
    let otherwise = otherwise.map(str::to_owned);
    let install = distribution.install([package]);
    let Some((name, install)) = install.and_then(|words| Some((words.last()?.clone(), words)))
    else {
        return otherwise.map(Mend::Remedy);
    };
    let otherwise = otherwise.unwrap_or_else(|| say!("package-otherwise"));
    let Some(installed) = distribution.installed(&name) else {
        return Some(Mend::Install(install));
    };
    if let Some(again) = again(package, &name, distribution) {
        return Some(Mend::Remedy(again));
    }
    let (package, version) = (name.as_str(), installed.version.as_str());
    Some(match installed.newest {
        Some(newest) if newest != version => Mend::Install(install),
        Some(_) => Mend::Remedy(say!(
            "package-newest",
            package = package,
            version = version,
            otherwise = otherwise
        )),
        None => Mend::Remedy(say!(
            "package-installed",
            package = package,
            version = version,
            otherwise = otherwise
        )),
    })
}

/// A package that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Installed {
    version: String,
    /// The archive's version, where the package manager knows it without network access.
    newest: Option<String>,
}

/// A package by its names: a row of the list, or what a course says itself. `-` stands where a
/// distribution has no package of its own for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Our name for it: `clang`.
    pub name: String,
    /// A program or file that it brings, as in the list; nothing where that is not known.
    pub test: String,
    /// Its name on Debian and Ubuntu; `a|b` is `a` on Debian and `b` on Ubuntu.
    pub debian: String,
    /// Its name on Fedora.
    pub fedora: String,
    /// Its name on Arch.
    pub arch: String,
}

/// A family of distributions that share a package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Debian and its children: apt.
    Debian,
    /// Ubuntu and its children: apt, with a few other names.
    Ubuntu,
    /// Fedora and its relatives: dnf.
    Fedora,
    /// Arch and its children: pacman.
    Arch,
    /// Any other.
    Other,
}

const LIST: &str = include_str!("../packages");

/// Returns the rows of the list.
pub fn all() -> Vec<Package> {
    LIST.lines().filter_map(row).collect()
}

/// Returns the row of that name.
pub fn named(name: &str) -> Option<Package> {
    all().into_iter().find(|package| package.name == name)
}

/// What to do where a package is installed and its file is gone.
fn again(package: &Package, name: &str, distribution: Distribution) -> Option<String> {
    let lost = lost_file(&package.test, Path::new("/"))?;
    let owner = distribution.owner(&lost).filter(|owner| owner != name);
    let names: Vec<String> = [name.to_owned()].into_iter().chain(owner).collect();
    let command = as_root(&distribution.reinstall(&names)?);
    let file = lost.display().to_string();
    Some(say!(
        "package-lost",
        package = name,
        file = file,
        command = command
    ))
}

/// What to do here about what the row of that name brings, where that is not to install it.
pub fn besides_installing(name: &str) -> Option<String> {
    match mend_row(name, Distribution::here())? {
        Mend::Remedy(text) => Some(text),
        Mend::Install(_) => None,
    }
}

/// How to get what the row of that name brings.
pub fn mend_row(name: &str, distribution: Distribution) -> Option<Mend> {
    mend(&named(name)?, None, distribution)
}

/// True for a text that names a package wherever there are any. What begins with `-` would be an
/// option of the package manager, which root runs.
pub fn is_package_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "+._-@".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(is_plain)
}

fn row(line: &str) -> Option<Package> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let mut columns = line.split_whitespace();
    let mut next = || columns.next().map(str::to_owned);
    // What it is for is for `setup` and for readers.
    let (name, test, debian, fedora, arch) = (next()?, next()?, next()?, next()?, next()?);
    Some(Package {
        name,
        test,
        debian,
        fedora,
        arch,
    })
}

impl Distribution {
    /// Reads `ID` and `ID_LIKE` of an os-release file (os-release(5)).
    pub fn of_os_release(text: &str) -> Distribution {
        let value = |key: &str| {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or("").trim_matches('"').to_owned()
        };
        let names = format!("{} {}", value("ID"), value("ID_LIKE"));
        if names.split_whitespace().any(|name| name == "ubuntu") {
            return Distribution::Ubuntu;
        }
        for name in names.split_whitespace() {
            match name {
                "debian" => return Distribution::Debian,
                "fedora" | "rhel" | "centos" => return Distribution::Fedora,
                "arch" => return Distribution::Arch,
                _ => {}
            }
        }
        Distribution::Other
    }

    /// This machine's.
    pub fn here() -> Distribution {
        let paths = ["/etc/os-release", "/usr/lib/os-release"];
        let text = paths
            .iter()
            .find_map(|path| std::fs::read_to_string(path).ok());
        Distribution::of_os_release(&text.unwrap_or_default())
    }

    /// The package manager's record of a package; none if it is not installed, or if that is unknown.
    fn installed(self, package: &str) -> Option<Installed> {
        let (program, arguments): (_, &[&str]) = match self {
            Distribution::Debian | Distribution::Ubuntu => ("apt-cache", &["policy"]),
            Distribution::Fedora => ("rpm", &["-q", "--qf", "%{VERSION}-%{RELEASE}\n"]),
            Distribution::Arch => ("pacman", &["-Q"]),
            Distribution::Other => return None,
        };
        let mut command = Command::new(program);
        command.args(arguments).arg(package).env("LC_ALL", "C");
        let output = command.output().ok().filter(|done| done.status.success())?;
        let text = String::from_utf8_lossy(&output.stdout);
        match self {
            Distribution::Debian | Distribution::Ubuntu => policy(&text),
            Distribution::Fedora | Distribution::Arch | Distribution::Other => {
                let version = text.split_whitespace().last()?.to_owned();
                Some(Installed {
                    version,
                    newest: None,
                })
            }
        }
    }

    /// The installed package that a file belongs to.
    fn owner(self, file: &Path) -> Option<String> {
        let (program, arguments): (_, &[&str]) = match self {
            Distribution::Debian | Distribution::Ubuntu => ("dpkg-query", &["-S"]),
            Distribution::Fedora => ("rpm", &["-qf", "--qf", "%{NAME}\n"]),
            Distribution::Arch => ("pacman", &["-Qqo"]),
            Distribution::Other => return None,
        };
        let mut command = Command::new(program);
        command.args(arguments).arg(file).env("LC_ALL", "C");
        let output = command.output().ok().filter(|done| done.status.success())?;
        let text = String::from_utf8_lossy(&output.stdout);
        // `clang-14: /usr/lib/llvm-14/bin/clang`, `libc6-dev:amd64: /usr/include/stdio.h`.
        let name = text.split([':', '\n']).next()?.trim();
        is_package_name(name).then(|| name.to_owned())
    }

    /// The command that installs packages again that are installed, without `sudo`.
    fn reinstall(self, packages: &[String]) -> Option<Vec<String>> {
        let command: &[&str] = match self {
            Distribution::Debian | Distribution::Ubuntu => {
                &["apt-get", "install", "--reinstall", "-y"]
            }
            Distribution::Fedora => &["dnf", "reinstall", "-y"],
            Distribution::Arch => &["pacman", "-S", "--noconfirm"],
            Distribution::Other => return None,
        };
        let words = command.iter().map(|word| (*word).to_owned());
        Some(words.chain(packages.iter().cloned()).collect())
    }

    /// The command that installs some packages, without `sudo`.
    pub fn install<'p>(
        self,
        packages: impl IntoIterator<Item = &'p Package>,
    ) -> Option<Vec<String>> {
        let (command, names): (&[&str], fn(&Package) -> &str) = match self {
            Distribution::Debian => (&["apt-get", "install", "-y"], |package| {
                first(&package.debian, '|')
            }),
            Distribution::Ubuntu => (&["apt-get", "install", "-y"], |package| {
                last(&package.debian, '|')
            }),
            Distribution::Fedora => (&["dnf", "install", "-y"], |package| &package.fedora),
            Distribution::Arch => (&["pacman", "-S", "--needed", "--noconfirm"], |package| {
                &package.arch
            }),
            Distribution::Other => return None,
        };
        let mut words: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        for package in packages {
            let name = names(package).to_owned();
            if name != "-" && !words.contains(&name) {
                words.push(name);
            }
        }
        (words.len() > command.len()).then_some(words)
    }
}

/// The folders that a package puts its programs into.
const PROGRAMS: [&str; 4] = ["usr/bin", "usr/sbin", "bin", "sbin"];

/// Returns the file that a row's test looks for in vain, where its package is there all the same: the
/// place that a link leads to, or else the place where it should be. What may be one of several is left
/// alone.
fn lost_file(test: &str, root: &Path) -> Option<PathBuf> {
    if test.is_empty() || test.contains(['|', '*']) {
        return None;
    }
    let places: Vec<PathBuf> = match test.strip_prefix('/') {
        Some(file) => vec![root.join(file)],
        None => PROGRAMS
            .iter()
            .map(|bin| root.join(bin).join(test))
            .collect(),
    };
    let is_there = |place: &PathBuf| {
        place.metadata().is_ok_and(|there| {
            there.is_file() && (test.starts_with('/') || there.permissions().mode() & 0o111 != 0)
        })
    };
    if places.iter().any(is_there) {
        return None;
    }
    let linked = places.iter().find(|place| place.symlink_metadata().is_ok());
    let place = linked.or(places.first())?;
    let target = place.canonicalize().or_else(|_| {
        let target = place.read_link()?;
        Ok::<_, std::io::Error>(place.with_file_name(target))
    });
    Some(target.unwrap_or_else(|_| place.clone()))
}

/// Reads what `apt-cache policy` says of one package.
fn policy(text: &str) -> Option<Installed> {
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(key));
        let value = line.map(str::trim).filter(|value| *value != "(none)");
        value.map(str::to_owned)
    };
    Some(Installed {
        version: value("Installed:")?,
        newest: value("Candidate:"),
    })
}

fn first(names: &str, separator: char) -> &str {
    names.split(separator).next().unwrap_or(names)
}

fn last(names: &str, separator: char) -> &str {
    names.rsplit(separator).next().unwrap_or(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_is_known_by_itself_or_by_its_parents() {
        let of = Distribution::of_os_release;
        assert_eq!(of("NAME=x\nID=debian\n"), Distribution::Debian);
        assert_eq!(
            of("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"),
            Distribution::Ubuntu
        );
        assert_eq!(
            of("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"),
            Distribution::Fedora
        );
        assert_eq!(of("ID=manjaro\nID_LIKE=arch\n"), Distribution::Arch);
        assert_eq!(of(""), Distribution::Other);
    }

    #[test]
    fn every_row_has_a_name_for_each_distribution() {
        let packages = all();
        assert!(packages.len() > 5);
        for package in &packages {
            for name in [&package.debian, &package.fedora, &package.arch] {
                let names = name.split('|').filter(|name| *name != "-");
                assert!(names.into_iter().all(is_package_name), "{package:?}");
            }
        }
        let clang = named("clang").unwrap();
        let words = Distribution::Debian.install([&clang, &clang]).unwrap();
        assert_eq!(words.join(" "), "apt-get install -y clang");
        let bpftool = named("bpftool").unwrap();
        let on = |distribution: Distribution| distribution.install([&bpftool]).unwrap().pop();
        assert_eq!(on(Distribution::Debian).as_deref(), Some("bpftool"));
        assert_eq!(
            on(Distribution::Ubuntu).as_deref(),
            Some("linux-tools-generic")
        );
    }

    #[test]
    fn a_file_that_a_package_brought_and_that_is_gone_is_named_by_its_own_place() {
        let root = tempfile::tempdir().unwrap();
        let lost = |test: &str| lost_file(test, root.path());
        let place = |below: &str| Some(root.path().join(below));
        for folder in ["usr/bin", "usr/sbin", "usr/lib/llvm-14/bin", "usr/include"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        assert_eq!(lost("clang"), place("usr/bin/clang"));
        assert_eq!(lost("/usr/include/stdio.h"), place("usr/include/stdio.h"));
        // Where a link of one package leads to a file of another one, that is the one that is gone.
        let link = root.path().join("usr/bin/clang");
        std::os::unix::fs::symlink("../lib/llvm-14/bin/clang", &link).unwrap();
        let program = root.path().join("usr/lib/llvm-14/bin/clang");
        assert_eq!(lost("clang"), place("usr/bin/../lib/llvm-14/bin/clang"));
        std::fs::write(&program, "").unwrap();
        assert_eq!(lost("clang"), place("usr/lib/llvm-14/bin/clang"));
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(lost("clang"), None);
        std::fs::write(root.path().join("usr/include/stdio.h"), "").unwrap();
        assert_eq!(lost("/usr/include/stdio.h"), None);
        // Any of several does, and of what a course names nothing is known.
        assert_eq!(lost("/usr/src/*/filter.h|/usr/src/b"), None);
        assert_eq!(lost(""), None);
    }

    #[test]
    fn what_apt_says_of_a_package_is_read() {
        let said = |installed: &str| {
            policy(&format!(
                "clang:\n  Installed: {installed}\n  Candidate: 1:16.0-2\n  Version table:\n     1:16.0-2 500\n"
            ))
        };
        let installed = said("1:14.0-1").unwrap();
        assert_eq!(installed.version, "1:14.0-1");
        assert_eq!(installed.newest.as_deref(), Some("1:16.0-2"));
        assert_eq!(said("(none)"), None);
        assert_eq!(policy(""), None);
    }
}
