//! `tutor doctor --report`: all that somebody needs to know who looks for a fault of `tutor` on a machine
//! that they cannot see, and no name, key or path of its owner.

use regex::Regex;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The version of this JSON.
const FORMAT: u32 = 1;

/// Small files that say what a kernel is and permits. What names machines, disks or people, such as
/// `/proc/cmdline` and the mounts, is not among them.
const FILES: [&str; 24] = [
    "/etc/os-release",
    "/proc/self/cgroup",
    "/proc/self/limits",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    "/proc/sys/kernel/kptr_restrict",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/kernel/ostype",
    "/proc/sys/kernel/perf_event_paranoid",
    "/proc/sys/kernel/pid_max",
    "/proc/sys/kernel/threads-max",
    "/proc/sys/kernel/unprivileged_bpf_disabled",
    "/proc/sys/kernel/unprivileged_userns_clone",
    "/proc/sys/kernel/version",
    "/proc/sys/kernel/yama/ptrace_scope",
    "/proc/sys/net/core/bpf_jit_enable",
    "/proc/sys/net/core/bpf_jit_harden",
    "/proc/sys/user/max_net_namespaces",
    "/proc/sys/user/max_pid_namespaces",
    "/proc/sys/user/max_user_namespaces",
    "/sys/fs/cgroup/cgroup.controllers",
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/pids.max",
    "/sys/kernel/security/lockdown",
    "/sys/kernel/security/lsm",
];

/// The lines of longer files that are taken.
const LINES: [(&str, &[&str]); 3] = [
    ("/proc/cpuinfo", &["model name", "flags"]),
    ("/proc/meminfo", &["MemTotal", "MemAvailable", "SwapTotal"]),
    (
        "/proc/self/status",
        &["Uid", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp"],
    ),
];

/// Variables whose values say something of `tutor` and nothing of anybody.
const VARIABLES: [&str; 8] = [
    "CI",
    "COLORTERM",
    "LANG",
    "LC_ALL",
    "NO_COLOR",
    "TERM",
    "TUTOR_LAB_ACCEL",
    "container",
];

/// The most of a file that is taken, in bytes.
const MOST_BYTES: usize = 4096;

/// The report: what is known already, and what this machine says of itself.
pub fn report(known: Map<String, Value>, secrets: &Secrets) -> Value {
    let files = FILES.iter().map(|path| (*path, read(path)));
    let lines = LINES.iter().map(|(path, keys)| (*path, lines(path, keys)));
    let files: Map<String, Value> = files
        .chain(lines)
        .map(|(path, text)| (path.to_owned(), json!(text)))
        .collect();
    let variables = VARIABLES.iter().filter_map(|name| {
        let value = std::env::var(name).ok()?;
        Some(((*name).to_owned(), json!(value)))
    });
    let mut whole = json!({
        "format": FORMAT,
        "tutor": env!("CARGO_PKG_VERSION"),
        "architecture": std::env::consts::ARCH,
        "processors": std::thread::available_parallelism().ok(),
        "root": nix::unistd::geteuid().is_root(),
        "variables": variables.collect::<Map<_, _>>(),
        "files": files,
    });
    if let Value::Object(whole) = &mut whole {
        whole.extend(known);
    }
    secrets.hide_in(&mut whole);
    whole
}

fn read(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.get(..MOST_BYTES).unwrap_or(&text);
    Some(text.trim_end().to_owned())
}

/// The first line of each key, `key: value`.
fn lines(path: &str, keys: &[&str]) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = |key: &&str| text.lines().find(|line| line.starts_with(*key));
    let lines: Vec<&str> = keys.iter().filter_map(line).collect();
    Some(lines.join("\n"))
}

/// What a report does not say: the names of the user and of the machine, and where the home folder is.
pub struct Secrets {
    /// Each with what stands in its place, the longest first.
    hidden: Vec<(String, &'static str)>,
    /// The home folders of others.
    homes: Option<Regex>,
}

impl Secrets {
    /// Those of this user and machine; `variable` is the environment.
    pub fn of_user(variable: &dyn Fn(&str) -> Option<OsString>) -> Secrets {
        let user = nix::unistd::User::from_uid(nix::unistd::getuid());
        let user = user.ok().flatten();
        let text = |name: &str| variable(name)?.into_string().ok();
        let homes = text("HOME").map(PathBuf::from);
        let homes = homes
            .into_iter()
            .chain(user.as_ref().map(|user| user.dir.clone()));
        let homes = homes.flat_map(|home| [home.canonicalize().ok(), Some(home)]);
        let homes = homes.flatten().map(|home| home.display().to_string());
        let names = ["USER", "LOGNAME", "SUDO_USER", "USERNAME"];
        let names = names.iter().filter_map(|name| text(name));
        let of_system = user.iter().flat_map(|user| {
            let full = user.gecos.to_string_lossy();
            let full = full.split(',').next().unwrap_or_default().to_owned();
            [user.name.clone(), full]
        });
        let files = [
            "/proc/sys/kernel/hostname",
            "/proc/sys/kernel/domainname",
            "/etc/hostname",
        ];
        let hosts = files
            .iter()
            .filter_map(|path| read(path))
            .chain(text("HOSTNAME"));
        Secrets::new(homes, names.chain(of_system), hosts)
    }

    fn new(
        homes: impl IntoIterator<Item = String>,
        users: impl IntoIterator<Item = String>,
        hosts: impl IntoIterator<Item = String>,
    ) -> Secrets {
        let homes = homes
            .into_iter()
            .map(|home| home.trim_end_matches('/').to_owned());
        let homes = homes.filter(|home| Path::new(home).is_absolute());
        let hosts: BTreeSet<String> = hosts
            .into_iter()
            .flat_map(|host| {
                let short = host.split('.').next().unwrap_or_default().to_owned();
                [host, short]
            })
            .collect();
        // What every machine has is nobody's name.
        let is_name = |name: &String| {
            !["", "root", "localhost", "(none)", "localdomain"].contains(&name.trim())
        };
        let mut hidden: Vec<(String, &'static str)> = homes.map(|home| (home, "~")).collect();
        hidden.extend(
            users
                .into_iter()
                .filter(is_name)
                .map(|name| (name, "[USER]")),
        );
        hidden.extend(
            hosts
                .into_iter()
                .filter(is_name)
                .map(|name| (name, "[HOST]")),
        );
        hidden.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Secrets {
            hidden,
            homes: Regex::new(r"/home/[^/\s'\x22`:,;]+").ok(),
        }
    }

    fn hide_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.hide(text),
            Value::Array(list) => list.iter_mut().for_each(|one| self.hide_in(one)),
            Value::Object(map) => {
                let entries = std::mem::take(map).into_iter();
                *map = entries
                    .map(|(key, mut value)| {
                        self.hide_in(&mut value);
                        (self.hide(&key), value)
                    })
                    .collect();
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (secret, instead) in &self.hidden {
            text = without(&text, secret, instead);
        }
        match &self.homes {
            Some(homes) => homes.replace_all(&text, "/home/[USER]").into_owned(),
            None => text,
        }
    }
}

/// A text with every occurrence of a secret replaced, but for those within a word.
fn without(text: &str, secret: &str, instead: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric();
    let mut new = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(secret) {
        let (before, after) = (&rest[..at], &rest[at + secret.len()..]);
        let is_within = before
            .chars()
            .next_back()
            .or(new.chars().next_back())
            .is_some_and(is_word)
            || after.chars().next().is_some_and(is_word);
        new.push_str(before);
        new.push_str(if is_within { secret } else { instead });
        rest = after;
    }
    new + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str) -> String {
        let text_of = |text: &str| text.to_owned();
        let homes = ["/users/ada/", "/mnt/disk/ada"].map(text_of);
        let users = ["ada", "Ada Lovelace", "root"].map(text_of);
        let hosts = ["engine.example.org", "localhost"].map(text_of);
        Secrets::new(homes, users, hosts).hide(text)
    }

    #[test]
    fn no_name_and_no_path_of_the_home_is_left() {
        // Of somebody else.
        let home = |name: &str| ["", "home", name, "course/a.md:3"].join("/");
        assert_eq!(hidden(&home("grace")), home("[USER]"));
        for (text, expected) in [
            ("/users/ada/.cargo/bin", "~/.cargo/bin"),
            ("in /mnt/disk/ada, or `/users/ada`", "in ~, or `~`"),
            ("Ada Lovelace is ada.", "[USER] is [USER]."),
            ("/tmp/ada-1/x", "/tmp/[USER]-1/x"),
            ("on engine and engine.example.org", "on [HOST] and [HOST]"),
            ("adapter, Canada, engines", "adapter, Canada, engines"),
            ("become root on localhost", "become root on localhost"),
            ("", ""),
        ] {
            assert_eq!(hidden(text), expected);
        }
    }

    #[test]
    fn keys_and_lists_hold_no_name_either() {
        let mut value = json!({ "/users/ada/x": ["ada", { "engine": 1 }], "n": null });
        let homes = ["/users/ada".to_owned()];
        let secrets = Secrets::new(homes, ["ada".to_owned()], ["engine".to_owned()]);
        secrets.hide_in(&mut value);
        assert_eq!(
            value,
            json!({ "~/x": ["[USER]", { "[HOST]": 1 }], "n": null })
        );
    }
}
