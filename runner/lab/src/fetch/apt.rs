//! Gets a package by apt as an ordinary user: with a list of sources, a state and a cache of our own.
//!
//! The archives are those of the system's own sources, asked for the suite that has the kernel.
//! Their keys are kept, so trust is apt's own: nothing is taken that a signed index does not name.
//! apt reads its indices, too: a crate that reads them would have to fetch and check them by itself.

use super::sources::{self, AptSource};
use crate::cache::size;
use crate::kernel::{by_release, series};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;
use tutor_files::FilesError;
use tutor_files::error::failed_io;

/// Why apt got nothing.
#[derive(Debug, thiserror::Error)]
pub enum AptError {
    /// There is no apt.
    #[error("there is no `apt-get` here")]
    NoApt,
    /// The system is no Debian.
    #[error("apt's sources here name no archive of Debian")]
    NoDebian,
    /// A file could not be used, or a program not run.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The folder's name cannot be written into apt's configuration.
    #[error("apt cannot be told of the folder `{0}`, as its name has odd characters")]
    OddFolder(PathBuf),
    /// No suite has such a kernel.
    #[error("apt found no kernel of the series {series} in {}{}", .suites.join(", "), behind_colon(.said))]
    NotFound {
        /// The series.
        series: String,
        /// The suites that were searched.
        suites: Vec<String>,
        /// apt's last complaint.
        said: String,
    },
    /// The package could not be downloaded.
    #[error("apt could not download `{package}`{}", behind_colon(.said))]
    Download {
        /// The package.
        package: String,
        /// apt's last complaint.
        said: String,
    },
}

fn behind_colon(said: &str) -> String {
    match said.is_empty() {
        true => String::new(),
        false => format!(": {said}"),
    }
}

/// A package that apt knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AptPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, from the signed index.
    pub sha256: String,
    /// The suite it was found in.
    pub suite: String,
}

/// apt, with folders of our own.
#[derive(Debug)]
pub struct Apt {
    folder: PathBuf,
    /// `apt-get`, and `apt-cache` beside it.
    programs: PathBuf,
    sources: Vec<AptSource>,
}

impl Apt {
    /// Returns apt with the system's archives. The caller removes `folder`.
    pub fn of_system(folder: &Path) -> Result<Apt, AptError> {
        let programs = Path::new("/usr/bin");
        Apt::new(folder, programs, Path::new("/etc/apt"))
    }

    fn new(folder: &Path, programs: &Path, etc: &Path) -> Result<Apt, AptError> {
        if !programs.join("apt-get").is_file() {
            return Err(AptError::NoApt);
        }
        let sources: Vec<AptSource> = sources::of_system(etc)
            .into_iter()
            .filter(AptSource::is_debian)
            .collect();
        if sources.is_empty() {
            return Err(AptError::NoDebian);
        }
        Ok(Apt {
            folder: folder.to_owned(),
            programs: programs.to_owned(),
            sources,
        })
    }

    /// Returns the newest package of a series; `latest` is the newest that backports have, or else
    /// the unstable suite. `tell` hears each suite before its index is fetched.
    pub fn find(&self, wanted: &str, tell: &mut dyn FnMut(&str)) -> Result<AptPackage, AptError> {
        let mut complaint = String::new();
        let suites = suites(wanted);
        for suite in suites {
            let mut tried: Vec<(&str, Option<&str>)> = Vec::new();
            for source in &self.sources {
                let entry = (source.uri.as_str(), source.signed_by.as_deref());
                if source.is_security() != suite.ends_with("-security") || tried.contains(&entry) {
                    continue;
                }
                tried.push(entry);
                tell(suite);
                self.configure(source, suite)?;
                let output = self.run("apt-get", &["update", "-q"], &self.folder)?;
                // An index that did not come is a warning to apt, and the status stays 0.
                let said = last_line(&output.stderr);
                if !said.is_empty() {
                    complaint = said;
                }
                if !output.status.success() {
                    continue;
                }
                if let Some(package) = self.newest(wanted, suite)? {
                    return Ok(package);
                }
            }
        }
        Err(AptError::NotFound {
            series: wanted.to_owned(),
            suites: suites.iter().map(|suite| (*suite).to_owned()).collect(),
            said: complaint,
        })
    }

    /// Downloads a package that was just found. `tell` hears how many bytes are there.
    pub fn download(
        &self,
        package: &AptPackage,
        tell: &mut dyn FnMut(u64),
    ) -> Result<PathBuf, AptError> {
        let folder = self.folder.join("download");
        fs::create_dir_all(&folder).map_err(failed_io("make the folder", &folder))?;
        let failed = |said: String| AptError::Download {
            package: package.name.clone(),
            said,
        };
        let wanted = format!("{}={}", package.name, package.version);
        let complaints = self.folder.join("complaints");
        let stderr = File::create(&complaints).map_err(failed_io("write", &complaints))?;
        let mut child = self
            .command("apt-get", &["download", "-q", &wanted], &folder)
            .stderr(stderr)
            .spawn()
            .map_err(failed_io("run", self.programs.join("apt-get")))?;
        let status = loop {
            let ended = child.try_wait();
            match ended.map_err(|error| failed(error.to_string()))? {
                Some(status) => break status,
                None => {
                    tell(size(&folder));
                    thread::sleep(Duration::from_millis(100));
                }
            }
        };
        if !status.success() {
            return Err(failed(last_line(
                &fs::read(&complaints).unwrap_or_default(),
            )));
        }
        let file = fs::read_dir(&folder)
            .map_err(failed_io("read the folder", &folder))?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|end| end == "deb"))
            .ok_or_else(|| failed("there is no package where it was to be".to_owned()))?;
        let hash = crate::hashes::hash(&file).map_err(failed_io("read", &file))?;
        if hash != package.sha256 {
            return Err(failed("it is not what the index promised".to_owned()));
        }
        Ok(file)
    }

    /// Writes the configuration: one archive and one suite.
    fn configure(&self, source: &AptSource, suite: &str) -> Result<(), AptError> {
        let folder = self
            .folder
            .to_str()
            .filter(|folder| !folder.contains(['"', '\n', '\\']));
        let folder = folder.ok_or_else(|| AptError::OddFolder(self.folder.clone()))?;
        for part in ["state/lists/partial", "cache/archives/partial"] {
            let path = self.folder.join(part);
            fs::create_dir_all(&path).map_err(failed_io("make the folder", &path))?;
        }
        // Keys on lines of their own begin with a blank, as they were read.
        let signed_by = match &source.signed_by {
            Some(keys) => format!("Signed-By: {keys}\n"),
            None => String::new(),
        };
        let list = format!(
            "Types: deb\nURIs: {}\nSuites: {suite}\nComponents: main\nTargets: Packages\n{signed_by}",
            source.uri
        );
        let write = |name: &str, text: &str| {
            let path = self.folder.join(name);
            fs::write(&path, text).map_err(failed_io("write", &path))
        };
        write("only.sources", &list)?;
        // Read after the system's own configuration, so that a proxy named there holds. What others
        // hooked into an update is for the system's lists only.
        let configuration = format!(
            "#clear APT::Update::Pre-Invoke;\n\
             #clear APT::Update::Post-Invoke;\n\
             #clear APT::Update::Post-Invoke-Success;\n\
             APT::Sandbox::User \"root\";\n\
             Dir::Etc::SourceList \"{folder}/only.sources\";\n\
             Dir::Etc::SourceParts \"/dev/null\";\n\
             Dir::State \"{folder}/state\";\n\
             Dir::State::status \"/dev/null\";\n\
             Dir::Cache \"{folder}/cache\";\n\
             Acquire::Languages \"none\";\n\
             Acquire::Retries \"2\";\n\
             Acquire::http::Timeout \"20\";\n\
             Acquire::https::Timeout \"20\";\n"
        );
        Ok(write("apt.conf", &configuration)?)
    }

    fn newest(&self, wanted: &str, suite: &str) -> Result<Option<AptPackage>, AptError> {
        let names = self.run("apt-cache", &["pkgnames", "linux-"], &self.folder)?;
        let names = String::from_utf8_lossy(&names.stdout).into_owned();
        let mut kernels: Vec<(&str, bool, &str)> = names
            .lines()
            .filter_map(|name| {
                let (release, is_plain) = release(name)?;
                let fits = wanted == "latest" || series(release) == wanted || release == wanted;
                fits.then_some((release, is_plain, name))
            })
            .collect();
        kernels.sort_by(|a, b| by_release(a.0, b.0).then(a.1.cmp(&b.1)));
        // The newest may be a name that others mention and nothing brings.
        for (_, _, name) in kernels.into_iter().rev() {
            let shown = self.run("apt-cache", &["show", name], &self.folder)?;
            if let Some(package) = record(&String::from_utf8_lossy(&shown.stdout), suite) {
                return Ok(Some(package));
            }
        }
        Ok(None)
    }

    fn run(&self, program: &str, arguments: &[&str], here: &Path) -> Result<Output, AptError> {
        let output = self.command(program, arguments, here).output();
        Ok(output.map_err(failed_io("run", self.programs.join(program)))?)
    }

    fn command(&self, program: &str, arguments: &[&str], here: &Path) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command
            .arg("-c")
            .arg(self.folder.join("apt.conf"))
            .args(arguments)
            .current_dir(here)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// The suites of Debian that have a series, those with small indexes first.
fn suites(wanted: &str) -> &'static [&'static str] {
    match series(wanted) {
        "5.10" => &["bullseye-security", "bullseye"],
        "6.1" => &["bookworm-security", "bookworm"],
        "6.12" => &["trixie-security", "trixie", "bookworm-backports"],
        "latest" => &["trixie-backports", "sid"],
        _ => &["trixie-backports", "bookworm-backports", "sid"],
    }
}

/// Returns the release that a package's kernel has, and whether it is the kernel by itself: since
/// 6.19 `linux-image-*` only leads to `linux-binary-*`, which sorts behind it.
fn release(name: &str) -> Option<(&str, bool)> {
    let end = match std::env::consts::ARCH {
        "aarch64" => "-cloud-arm64",
        _ => "-cloud-amd64",
    };
    let (rest, is_plain) = match name.strip_prefix("linux-binary-") {
        Some(rest) => (rest, true),
        None => (name.strip_prefix("linux-image-")?, false),
    };
    let is_kernel = rest.starts_with(|c: char| c.is_ascii_digit()) && rest.ends_with(end);
    is_kernel.then_some((rest, is_plain))
}

/// Reads what `apt-cache show` says of a package, its newest version first.
fn record(text: &str, suite: &str) -> Option<AptPackage> {
    let first = text.split("\n\n").next()?;
    let field = |name: &str| {
        let mut lines = first.lines();
        lines.find_map(|line| {
            line.strip_prefix(name)?
                .strip_prefix(": ")
                .map(str::to_owned)
        })
    };
    Some(AptPackage {
        name: field("Package")?,
        version: field("Version")?,
        bytes: field("Size")?.parse().ok()?,
        sha256: field("SHA256")?,
        suite: suite.to_owned(),
    })
}

/// The last line that is an error, or else that says something, without apt's mark in front.
fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines = || {
        text.lines()
            .rev()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    let error = lines().find_map(|line| line.strip_prefix("E: "));
    let line = error.or_else(|| lines().next()).unwrap_or("");
    line.strip_prefix("W: ").unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hashes::hash;
    use std::os::unix::fs::PermissionsExt as _;

    /// A system with an apt of scripts. `apt-get update` works for the suites that are named, and
    /// `download` brings a file.
    struct System {
        folder: tempfile::TempDir,
    }

    impl System {
        fn new(suites: &str, packages: &[(&str, &str)]) -> System {
            let system = System {
                folder: tempfile::tempdir().unwrap(),
            };
            let path = |name: &str| system.folder.path().join(name);
            fs::create_dir_all(path("etc/sources.list.d")).unwrap();
            fs::create_dir(path("private")).unwrap();
            fs::write(path("package"), "a package").unwrap();
            let hash = hash(&path("package")).unwrap();
            let names: Vec<&str> = packages.iter().map(|(name, _)| *name).collect();
            for (name, version) in packages {
                let record = format!(
                    "Package: {name}\nVersion: {version}\nSize: 9\nSHA256: {hash}\n\nPackage: {name}\nVersion: 0\n"
                );
                fs::write(path(&format!("{name}.record")), record).unwrap();
            }
            let folder = system.folder.path().display();
            system.script(
                "apt-get",
                &format!(
                    r#"suite=$(sed -n 's/^Suites: //p' "$(dirname "$2")/only.sources")
echo "$3 $suite" >>"{folder}/log"
case $3 in
update) case " {suites} " in *" $suite "*) ;; *) echo "E: no suite $suite" >&2; echo "N: more" >&2; exit 100 ;; esac ;;
download) cp "{folder}/package" "$(echo "$5" | cut -d= -f1).deb" ;;
esac"#
                ),
            );
            system.script(
                "apt-cache",
                &format!(
                    r#"case $3 in
pkgnames) printf '%s\n' {} ;;
show) cat "{folder}/$4.record" ;;
esac"#,
                    names.join(" ")
                ),
            );
            system
        }

        fn script(&self, name: &str, text: &str) {
            let path = self.folder.path().join(name);
            fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }

        fn sources(self, text: &str) -> System {
            fs::write(self.folder.path().join("etc/sources.list"), text).unwrap();
            self
        }

        fn apt(&self) -> Result<Apt, AptError> {
            let path = self.folder.path();
            Apt::new(&path.join("private"), path, &path.join("etc"))
        }

        fn log(&self) -> String {
            fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
        }
    }

    const SOURCES: &str = "deb [signed-by=/k.gpg] http://a.test/debian bookworm main\n\
        deb [signed-by=/k.gpg] http://a.test/debian bookworm-updates main\n\
        deb [signed-by=/k.gpg] http://a.test/security bookworm-security main\n";

    fn find(apt: &Apt, wanted: &str) -> Result<String, String> {
        let found = apt.find(wanted, &mut |_| {});
        found
            .map(|p| format!("{} {} {}", p.name, p.version, p.suite))
            .map_err(|e| e.to_string())
    }

    #[test]
    fn what_apt_itself_says_of_a_package_is_read() {
        let output = Command::new("apt-cache").args(["show", "bash"]).output();
        let text = output.map(|output| output.stdout).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        if !text.contains("\nSHA256: ") {
            println!("skipped: apt knows no archive here, so its own words were not read");
            return;
        }
        assert_eq!(record(&text, "stable").unwrap().name, "bash");
    }

    #[test]
    fn the_newest_build_of_the_series_is_found_and_downloaded() {
        let system = System::new(
            "trixie",
            &[
                ("linux-image-6.12.9+deb13-cloud-amd64", "6.12.9-1"),
                ("linux-image-6.12.100+deb13-cloud-amd64", "6.12.100-1"),
                (
                    "linux-image-6.12.101+deb13-cloud-amd64-unsigned",
                    "6.12.101-1",
                ),
                ("linux-image-6.12.102+deb13-amd64", "6.12.102-1"),
                ("linux-image-6.120.1+deb13-cloud-amd64", "6.120.1-1"),
                ("linux-image-cloud-amd64", "6.12.103-1"),
            ],
        )
        .sources(SOURCES);
        let apt = system.apt().unwrap();
        let mut suites = Vec::new();
        let package = apt
            .find("6.12", &mut |suite| suites.push(suite.to_owned()))
            .unwrap();
        assert_eq!(package.name, "linux-image-6.12.100+deb13-cloud-amd64");
        assert_eq!((&*package.version, package.bytes), ("6.12.100-1", 9));
        // The security archive is asked for security's suite, and each archive once.
        assert_eq!(suites, ["trixie-security", "trixie"]);
        assert_eq!(system.log(), "update trixie-security\nupdate trixie\n");
        let list = fs::read_to_string(system.folder.path().join("private/only.sources")).unwrap();
        assert!(list.contains("URIs: http://a.test/debian\n"), "{list}");
        assert!(list.contains("Signed-By: /k.gpg\n"), "{list}");
        let file = apt.download(&package, &mut |_| {}).unwrap();
        assert_eq!(fs::read(file).unwrap(), b"a package");
    }

    #[test]
    fn the_kernel_by_itself_is_taken_before_the_package_that_leads_to_it() {
        let system = System::new(
            "trixie-backports",
            &[
                ("linux-binary-7.3.4+deb13-cloud-amd64", "7.3.4-1"),
                ("linux-image-7.3.4+deb13-cloud-amd64", "7.3.4-1"),
                ("linux-image-7.2.9+deb13-cloud-amd64", "7.2.9-1"),
            ],
        )
        .sources(SOURCES);
        let apt = system.apt().unwrap();
        let expected = "linux-binary-7.3.4+deb13-cloud-amd64 7.3.4-1 trixie-backports";
        assert_eq!(find(&apt, "latest").as_deref(), Ok(expected));
        assert_eq!(find(&apt, "7.3").as_deref(), Ok(expected));
    }

    #[test]
    fn what_is_nowhere_is_said_with_apts_own_words() {
        let system = System::new("trixie", &[]).sources(SOURCES);
        assert_eq!(
            find(&system.apt().unwrap(), "6.1").unwrap_err(),
            "apt found no kernel of the series 6.1 in bookworm-security, bookworm: no suite bookworm"
        );
    }

    #[test]
    fn a_package_that_is_not_what_the_index_promised_is_refused() {
        let name = "linux-image-6.12.9+deb13-cloud-amd64";
        let system = System::new("trixie", &[(name, "6.12.9-1")]).sources(SOURCES);
        let apt = system.apt().unwrap();
        let package = apt.find("6.12", &mut |_| {}).unwrap();
        fs::write(system.folder.path().join("package"), "another").unwrap();
        let error = apt.download(&package, &mut |_| {}).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("apt could not download `{name}`: it is not what the index promised")
        );
    }

    #[test]
    fn without_apt_or_debian_there_is_no_way() {
        let system = System::new("", &[]).sources("deb http://a.test/ubuntu noble main\n");
        assert!(matches!(system.apt(), Err(AptError::NoDebian)));
        fs::remove_file(system.folder.path().join("apt-get")).unwrap();
        assert!(matches!(system.apt(), Err(AptError::NoApt)));
    }
}
