//! A learner: a course in a folder of its own, a home, and an environment to run `tutor` in.

use super::running::{Ran, Running};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// The commands that ask before they run a course that is not `tutor`'s own.
const ASKING: [&str; 5] = ["run", "test", "matrix", "study", "doctor"];

/// Those that run it.
const RUNNING: [&str; 4] = ["run", "test", "study", "doctor"];

/// A learner: a course, a home, an environment.
pub struct Tutor {
    folder: TempDir,
    lessons: Vec<String>,
    manifest: String,
    variables: BTreeMap<String, String>,
    stdin: String,
    /// True if commands that ask before they run a course get `--yes`.
    pub yes: bool,
    unconfined: bool,
}

impl Tutor {
    pub fn new() -> Tutor {
        let folder = tempfile::Builder::new()
            .prefix("outside-")
            .tempdir()
            .expect("a folder");
        for below in ["course/lessons", "home", "tmp"] {
            fs::create_dir_all(folder.path().join(below)).expect("writable");
        }
        let tutor = Tutor {
            folder,
            lessons: Vec::new(),
            manifest: String::new(),
            variables: BTreeMap::new(),
            stdin: String::new(),
            yes: true,
            unconfined: false,
        };
        let home = tutor.path("home").display().to_string();
        let tmp = tutor.path("tmp").display().to_string();
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        tutor
            .env("TUTOR_HOME", &home)
            .env("HOME", &home)
            .env("TMPDIR", &tmp)
            .env("PATH", path)
            .env("LC_ALL", "C.UTF-8")
            // The same on all machines, and without a trial for each fresh home.
            .env("TUTOR_LAB_ACCEL", "tcg")
    }

    /// Adds a lesson: the first is `demo`, the next ones `demo-2`, `demo-3`.
    pub fn lesson(mut self, body: impl AsRef<str>) -> Tutor {
        let stem = match self.lessons.len() {
            0 => "demo".to_owned(),
            more => format!("demo-{}", more + 1),
        };
        let front = format!(
            "format: 1\nname: {stem}\ntitle: The lesson {stem}\ngoals: [to be run]\ntime: 5 min\n"
        );
        let page = format!(
            "---\n{front}---\n\n# The lesson {stem}\n\n{}",
            body.as_ref()
        );
        self.put(&format!("course/lessons/{stem}.md"), &page);
        self.lessons.push(stem);
        self.write_manifest();
        self
    }

    /// Writes a lesson anew that was added before.
    pub fn edited(self, stem: &str, body: &str) -> Tutor {
        let file = format!("course/lessons/{stem}.md");
        let page = self.get(&file);
        let end = page.find("\n\n").and_then(|front| {
            let title = page[front + 2..].find("\n\n")?;
            Some(front + 2 + title + 2)
        });
        self.put(&file, &format!("{}{body}", &page[..end.expect("a title")]));
        self
    }

    /// Adds to `course.toml`.
    pub fn course(mut self, toml: &str) -> Tutor {
        self.manifest.push_str(toml);
        self.manifest.push('\n');
        self.write_manifest();
        self
    }

    fn write_manifest(&self) {
        let lessons: Vec<String> = self
            .lessons
            .iter()
            .map(|stem| format!("\"{stem}\""))
            .collect();
        let head = format!(
            "format = 1\ntitle = \"A course\"\nlessons = [{}]\n",
            lessons.join(", ")
        );
        self.put(
            "course/lessons/course.toml",
            &format!("{head}\n{}", self.manifest),
        );
    }

    pub fn env(mut self, name: &str, value: &str) -> Tutor {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn stdin(mut self, text: &str) -> Tutor {
        self.stdin = text.to_owned();
        self
    }

    /// Lets steps reach all that the learner can.
    pub fn unconfined(mut self) -> Tutor {
        self.unconfined = true;
        self
    }

    /// A path below the folder that holds all: `course`, `home`, `tmp`.
    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub fn put(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }

    pub fn get(&self, below: &str) -> String {
        let path = self.path(below);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The lasting workspace of a lesson that was run.
    pub fn workspace(&self, lesson: &str) -> PathBuf {
        let folder = self.path("home/data/workspaces");
        let entries = fs::read_dir(&folder)
            .expect("a workspace")
            .flatten()
            .map(|entry| entry.path());
        let name = format!("{lesson}-");
        // A marked name has eight hexadecimal digits at its end.
        let mut found = entries.filter(|path| {
            let file = path
                .file_name()
                .map(|file| file.to_string_lossy().into_owned());
            file.is_some_and(|file| file.strip_prefix(&name).is_some_and(|mark| mark.len() == 8))
        });
        found
            .next()
            .unwrap_or_else(|| panic!("no workspace of {lesson}"))
    }

    /// All files below a folder with what they hold.
    pub fn files(&self, below: &str) -> BTreeMap<String, String> {
        let root = self.path(below);
        let mut files = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path
                    .strip_prefix(&root)
                    .expect("below")
                    .display()
                    .to_string();
                files.insert(
                    name,
                    String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned(),
                );
            }
        }
        files
    }

    /// The program with its arguments, environment and course; words are parted by spaces.
    pub fn command(&self, line: &str) -> Command {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tutor"));
        command
            .args(&words)
            .arg("--course")
            .arg(self.path("course"));
        if self.yes && words.first().is_some_and(|word| ASKING.contains(word)) {
            command.arg("--yes");
        }
        if self.unconfined && words.first().is_some_and(|word| RUNNING.contains(word)) {
            command.arg("--unconfined");
        }
        command
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.path("tmp"));
        command
    }

    /// Runs a command line to its end.
    pub fn run(&self, line: &str) -> Ran {
        self.start(line).end()
    }

    /// Starts a command line.
    pub fn start(&self, line: &str) -> Running {
        self.start_command(self.command(line), line)
    }

    pub fn start_command(&self, command: Command, line: &str) -> Running {
        let mut running = self.start_interactive(command, line);
        running.say(&self.stdin);
        running.close_stdin();
        running
    }

    /// Starts a command whose standard input stays open for [`Running::say`].
    pub fn start_interactive(&self, command: Command, line: &str) -> Running {
        Running::start(command, line)
    }
}
