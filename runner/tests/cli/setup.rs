//! `./setup`, run against machines made of stubs: nothing here installs anything.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const LIST: &str = "frob frob frob-deb frob-rpm frob-arch frobs things\n\
                    twist twist twist-deb|twist-ubuntu twist-rpm twist-arch twists things\n";

/// A clone of the repository, and a PATH with nothing in it but stubs and what the script itself uses.
struct Machine {
    folder: TempDir,
    list: String,
    variables: Vec<(String, String)>,
}

impl Machine {
    fn new() -> Self {
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
            list: LIST.to_owned(),
            variables: Vec::new(),
        };
        let kernel = "home/.cache/tutor/lab/kernels/6.12.118+deb13-cloud-amd64";
        for folder in ["bin", "clone/runner/lab", kernel] {
            fs::create_dir_all(machine.folder.path().join(folder)).unwrap();
        }
        fs::write(machine.folder.path().join(kernel).join("kernel.json"), "").unwrap();
        for tool in ["sh", "env", "sed", "dirname", "chmod"] {
            symlink(found(tool), machine.bin().join(tool)).unwrap();
        }
        machine
            .stub("id", "echo 1000")
            .stub("uname", "echo x86_64")
            .stub("cargo", "exit 0")
            .rust("1.95.0")
    }

    fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    fn stub(self, name: &str, body: &str) -> Self {
        let path = self.bin().join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn without(self, name: &str) -> Self {
        fs::remove_file(self.bin().join(name)).unwrap();
        self
    }

    fn root(self) -> Self {
        self.stub("id", "echo 0")
    }

    /// A machine with all packages, and without a kernel for the lab. cargo writes down how it was called.
    fn without_kernel() -> Self {
        let machine = Self::new().stub("frob", "").stub("twist", "");
        fs::remove_dir_all(machine.folder.path().join("home/.cache")).unwrap();
        machine.cargo("exit 0")
    }

    fn cargo(self, end: &str) -> Self {
        let log = self.log_path();
        self.stub(
            "cargo",
            &format!("echo \"cargo $*\" >>\"{}\"\n{end}", log.display()),
        )
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn rust(self, version: &str) -> Self {
        let body = format!("echo 'rustc {version} (0123abcde 2026-01-01)'");
        self.stub("rustc", &body)
    }

    /// A package manager that writes down how it was called, and whose `install` brings frob and twist.
    fn manager(self, name: &str) -> Self {
        let body = format!(
            r#"echo "{name} $*" >>"{log}"
case " $* " in *" install "*|*" -S "*)
  for tool in frob twist; do : >"{bin}/$tool"; chmod +x "{bin}/$tool"; done
esac"#,
            log = self.log_path().display(),
            bin = self.bin().display(),
        );
        self.stub(name, &body)
    }

    fn sudo(self) -> Self {
        let body = format!(
            r#"log="sudo"; [ "$1" != -n ] || {{ log="sudo -n"; shift; }}
printf '%s ' "$log" >>"{}"
exec "$@""#,
            self.log_path().display()
        );
        self.stub("sudo", &body)
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The questions to the package manager, line by line.
    fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn run_with(&self, stdin: Stdio) -> Output {
        let clone = self.folder.path().join("clone");
        fs::copy(Path::new(ROOT).join("setup"), clone.join("setup")).unwrap();
        fs::copy(Path::new(ROOT).join("Cargo.toml"), clone.join("Cargo.toml")).unwrap();
        fs::write(clone.join("runner/packages"), &self.list).unwrap();
        let lock = "runner/lab/kernels.lock.toml";
        fs::copy(Path::new(ROOT).join(lock), clone.join(lock)).unwrap();
        Command::new(found("sh"))
            .arg(clone.join("setup"))
            .env_clear()
            .env("PATH", self.bin())
            .env("HOME", self.folder.path().join("home"))
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(stdin)
            .output()
            .unwrap()
    }

    fn run(&self) -> Said {
        Said::from(self.run_with(Stdio::null()))
    }
}

#[derive(Debug, PartialEq)]
struct Said {
    works: bool,
    stdout: String,
    stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            works: output.status.success(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn found(tool: &str) -> PathBuf {
    let folders = ["/usr/bin", "/bin"].map(Path::new);
    let found = folders.into_iter().map(|folder| folder.join(tool));
    let mut found = found.filter(|path| path.exists());
    found.next().unwrap_or_else(|| panic!("no `{tool}` here"))
}

#[test]
fn nothing_missing_is_quick_and_silent() {
    let machine = Machine::new()
        .stub("frob", "")
        .stub("twist", "")
        .manager("apt-get");
    let said = machine.run();
    assert_eq!((said.works, &*said.stdout, &*said.stderr), (true, "", ""));
    assert_eq!(machine.log(), "");
}

#[test]
fn what_is_missing_and_nothing_else_is_installed() {
    let machine = Machine::new().root().manager("apt-get").stub("twist", "");
    let said = machine.run();
    assert!(said.works, "{said:?}");
    assert_eq!(said.stdout, "setup: installing with apt-get: frob-deb\n");
    assert_eq!(
        machine.log(),
        "apt-get update -q\napt-get install -y --no-install-recommends frob-deb\n"
    );
}

#[test]
fn each_distribution_gets_its_own_names() {
    let asked = |manager| {
        let machine = Machine::new().root().manager(manager);
        assert!(machine.run().works);
        machine.log()
    };
    assert_eq!(asked("dnf"), "dnf install -y frob-rpm twist-rpm\n");
    assert_eq!(
        asked("pacman"),
        "pacman -S --needed --noconfirm frob-arch twist-arch\n"
    );
}

#[test]
fn sudo_must_not_ask_where_nobody_can_answer() {
    let machine = Machine::new().manager("dnf").sudo();
    assert!(machine.run().works);
    assert_eq!(machine.log(), "sudo -n dnf install -y frob-rpm twist-rpm\n");
}

#[test]
fn sudo_may_ask_at_a_terminal() {
    let machine = Machine::new().manager("dnf").sudo();
    let terminal = nix::pty::openpty(None, None).unwrap();
    let said = Said::from(machine.run_with(Stdio::from(terminal.slave)));
    assert!(said.works, "{said:?}");
    assert_eq!(machine.log(), "sudo dnf install -y frob-rpm twist-rpm\n");
}

#[test]
fn root_is_never_asked_to_sudo() {
    let machine = Machine::new().root().manager("dnf").sudo();
    assert!(machine.run().works);
    assert_eq!(machine.log(), "dnf install -y frob-rpm twist-rpm\n");
}

#[test]
fn without_sudo_the_command_for_root_is_named() {
    let said = Machine::new().manager("pacman").run();
    assert!(!said.works);
    assert_eq!(
        said.stderr,
        "setup: there is no sudo here; as root, run: pacman -S --needed --noconfirm frob-arch twist-arch\n"
    );
}

#[test]
fn a_failed_installation_says_what_to_run() {
    let said = Machine::new().root().stub("dnf", "exit 1").run();
    assert!(!said.works);
    assert_eq!(
        said.stderr,
        "setup: the packages could not be installed; as root, run: dnf install -y frob-rpm twist-rpm\n"
    );
}

#[test]
fn a_failed_update_does_not_keep_from_installing() {
    let machine = Machine::new().root().manager("apt-get").stub("twist", "");
    let bin = machine.bin();
    fs::rename(bin.join("apt-get"), bin.join("real-apt-get")).unwrap();
    let machine = machine.stub("apt-get", r#"[ "$1" != update ] && exec real-apt-get "$@""#);
    let said = machine.run();
    assert!(said.works, "{said:?}");
    assert!(said.stderr.contains("apt-get update failed"), "{said:?}");
}

#[test]
fn a_package_that_brings_too_little_is_reported() {
    let said = Machine::new().root().stub("dnf", "exit 0").run();
    assert!(!said.works);
    assert_eq!(
        said.stderr,
        "setup: the packages are installed, and these are still missing: frob twist\n"
    );
}

#[test]
fn an_unknown_distribution_gets_the_list() {
    let said = Machine::new().run();
    assert!(!said.works);
    assert_eq!(
        said.stderr,
        "setup: install these by hand, as there is no apt-get, dnf or pacman here: frob twist\n"
    );
}

#[test]
fn a_missing_or_old_rust_is_named_with_the_way_to_get_it() {
    let equipped = || Machine::new().stub("frob", "").stub("twist", "");
    let said = equipped().without("cargo").run();
    assert!(!said.works);
    assert!(said.stderr.contains("there is no Rust here"), "{said:?}");
    assert!(said.stderr.contains("https://rustup.rs"), "{said:?}");

    let said = equipped().rust("1.63.0").run();
    assert!(!said.works);
    assert!(
        said.stderr.starts_with("setup: Rust 1.63.0 is older than"),
        "{said:?}"
    );

    assert!(equipped().rust("1.200.0-nightly").run().works);
    assert!(equipped().rust("2.0.0").run().works);
}

#[test]
fn the_lab_gets_its_kernel_by_tutor_itself() {
    let machine = Machine::without_kernel();
    let said = machine.run();
    assert!(said.works, "{said:?}");
    assert_eq!(
        said.stdout,
        "setup: building tutor, to fetch the lab's kernel 6.12 with it\n"
    );
    let manifest = machine.folder.path().join("clone/Cargo.toml");
    let manifest = manifest.display();
    assert_eq!(
        machine.log(),
        format!(
            "cargo build --locked --release --manifest-path {manifest} --package tutor\n\
             cargo run --locked --release --quiet --manifest-path {manifest} -- lab setup --yes\n"
        )
    );
}

#[test]
fn a_kernel_of_another_series_is_not_the_labs() {
    let machine = Machine::without_kernel();
    let other = machine
        .folder
        .path()
        .join("home/.cache/tutor/lab/kernels/6.1.0-56");
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join("kernel.json"), "").unwrap();
    assert!(machine.run().stdout.contains("building tutor"));
}

#[test]
fn the_kernel_is_looked_for_where_tutor_keeps_it() {
    for (variable, below) in [("XDG_CACHE_HOME", "tutor"), ("TUTOR_HOME", "cache")] {
        let machine = Machine::without_kernel();
        let folder = machine.folder.path().join("elsewhere");
        let kernel = folder.join(below).join("lab/kernels/6.12.9");
        fs::create_dir_all(&kernel).unwrap();
        fs::write(kernel.join("kernel.json"), "").unwrap();
        let machine = machine.variable(variable, folder.to_str().unwrap());
        assert_eq!(machine.run().stdout, "", "{variable}");
    }
}

#[test]
fn a_kernel_that_cannot_be_fetched_is_said_and_stops_nothing() {
    let machine = Machine::without_kernel().cargo(r#"[ "$1" = build ]"#);
    let said = machine.run();
    assert!(said.works, "{said:?}");
    assert_eq!(
        said.stderr,
        "setup: the lab has no kernel, so steps that need one are skipped; to try again: cargo run --release -- lab setup\n"
    );
    let said = Machine::without_kernel().cargo("exit 1").run();
    assert!(!said.works);
    assert_eq!(said.stderr, "setup: tutor could not be built\n");
}

#[test]
fn under_sudo_the_cache_of_root_is_left_alone() {
    let machine = Machine::without_kernel()
        .root()
        .variable("SUDO_UID", "1000");
    let said = machine.run();
    assert!(said.works, "{said:?}");
    assert!(said.stderr.contains("once more without sudo"), "{said:?}");
    assert_eq!(machine.log(), "");
}

#[test]
fn the_list_has_six_columns_and_distinct_names() {
    let list = fs::read_to_string(Path::new(ROOT).join("runner/packages")).unwrap();
    let rows = list
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut names = Vec::new();
    for row in rows {
        let columns: Vec<&str> = row.split_whitespace().collect();
        assert!(columns.len() >= 6, "{row}");
        assert!(!names.contains(&columns[0]), "twice: {row}");
        names.push(columns[0]);
    }
    assert!(names.contains(&"clang"), "{names:?}");
}

#[test]
fn shellcheck_has_nothing_to_say() {
    let script = Path::new(ROOT).join("setup");
    match Command::new("shellcheck")
        .arg("-s")
        .arg("sh")
        .arg(script)
        .output()
    {
        Ok(output) => assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        ),
        Err(_) => println!("skipped: shellcheck_has_nothing_to_say: no `shellcheck` here"),
    }
}
