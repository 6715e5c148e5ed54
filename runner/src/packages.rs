//! The one list of packages, `runner/packages`, which `./setup` reads too.

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Our name for it: `clang`.
    pub name: String,
    /// A command in the `PATH`, or a file, that shows that it is installed; a file may be a pattern,
    /// and `a|b` is either of two.
    pub test: String,
    /// Its name on Debian and Ubuntu; `a|b` is `a` on Debian and `b` on Ubuntu.
    pub debian: String,
    /// Its name on Fedora.
    pub fedora: String,
    /// Its name on Arch.
    pub arch: String,
    /// What it is for.
    pub purpose: String,
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

fn row(line: &str) -> Option<Package> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let mut columns = line.split_whitespace();
    let mut next = || columns.next().map(str::to_owned);
    let (name, test, debian, fedora, arch) = (next()?, next()?, next()?, next()?, next()?);
    let purpose = columns.collect::<Vec<_>>().join(" ");
    Some(Package {
        name,
        test,
        debian,
        fedora,
        arch,
        purpose,
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

    /// The command that installs some packages, without `sudo`.
    pub fn install(self, packages: &[&Package]) -> Option<Vec<String>> {
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
            assert!(!package.purpose.is_empty(), "{}", package.name);
        }
        let clang = named("clang").unwrap();
        let words = Distribution::Debian.install(&[&clang, &clang]).unwrap();
        assert_eq!(words.join(" "), "apt-get install -y clang");
        let bpftool = named("bpftool").unwrap();
        let on = |distribution: Distribution| distribution.install(&[&bpftool]).unwrap().pop();
        assert_eq!(on(Distribution::Debian).as_deref(), Some("bpftool"));
        assert_eq!(
            on(Distribution::Ubuntu).as_deref(),
            Some("linux-tools-generic")
        );
    }
}
