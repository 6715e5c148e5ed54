//! A command line of `tutor bpf` that is run in this process, and the objects that it is asked about.
#![allow(dead_code)]

use std::path::PathBuf;
use std::process::Command;

use clap::Parser;
use serde_json::Value;
use tutor_bpf::command::{BpfCommand, CommandVerdict, Console, run};

#[derive(Debug, Parser)]
struct Bpf {
    #[command(subcommand)]
    command: BpfCommand,
}

/// A command line that is run, and what it answers.
pub struct Run {
    pub words: Vec<String>,
    columns: usize,
    pub color: bool,
    input: Vec<u8>,
}

impl Run {
    pub fn new(words: &[&str]) -> Self {
        Self {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            columns: 80,
            color: false,
            input: Vec::new(),
        }
    }

    pub fn on(file: &Object, words: &[&str]) -> Self {
        let mut run = Self::new(words);
        run.words.insert(1, file.path.display().to_string());
        run
    }

    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns;
        self
    }

    pub fn input(mut self, input: &[u8]) -> Self {
        self.input = input.to_vec();
        self
    }

    pub fn answer(self) -> (Result<CommandVerdict, String>, String) {
        let words = std::iter::once("bpf".to_owned()).chain(self.words);
        let command = Bpf::try_parse_from(words).unwrap().command;
        let (mut input, mut out) = (&self.input[..], Vec::new());
        let mut console = Console::plain(&mut input, &mut out);
        console.columns = self.columns;
        console.color = self.color;
        let verdict = run(&command, &mut console).map_err(|error| match error.help() {
            Some(help) => format!("{error}\nhelp: {help}"),
            None => error.to_string(),
        });
        (verdict, String::from_utf8(out).unwrap())
    }

    pub fn text(self) -> String {
        let (verdict, text) = self.answer();
        assert_eq!(verdict, Ok(CommandVerdict::Works));
        text
    }

    pub fn json(mut self) -> Value {
        self.words.push("--json".to_owned());
        let value: Value = serde_json::from_str(&self.text()).unwrap();
        assert_eq!(value["format"], 1);
        value
    }

    /// What it answers instead; the folder of the object is left out.
    pub fn error(self) -> String {
        let (verdict, _) = self.answer();
        let include = format!(" -I/usr/include/{}-linux-gnu", std::env::consts::ARCH);
        let error = verdict.unwrap_err().replace(&include, "");
        match error.find(".o:") {
            Some(end) => {
                let start = error[..end].rfind('/').map_or(0, |slash| slash + 1);
                error[start..].to_owned()
            }
            None => error,
        }
    }
}

/// A file that goes when the test ends.
pub struct Object {
    pub path: PathBuf,
    _folder: tempfile::TempDir,
}

/// Compiles a program of this crate. `None`, and a line that says so, where there is no clang.
pub fn compiled(test: &str, name: &str, flags: &[&str]) -> Option<Object> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name.replace('/', "-") + ".o");
    let answer = Command::new("clang")
        .args(["-O2", "-target", "bpf", "-mcpu=v1"])
        .args(flags)
        .arg(format!(
            "-I/usr/include/{}-linux-gnu",
            std::env::consts::ARCH
        ))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("-c")
        .arg(format!("{name}.bpf.c"))
        .arg("-o")
        .arg(&path)
        .output();
    let Ok(answer) = answer else {
        println!("skipped: {test}: there is no clang");
        return None;
    };
    let words = String::from_utf8_lossy(&answer.stderr);
    assert!(answer.status.success(), "{words}");
    Some(Object {
        path,
        _folder: folder,
    })
}

/// A file of these bytes.
pub fn file_of(bytes: &[u8]) -> Object {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.o");
    std::fs::write(&path, bytes).unwrap();
    Object {
        path,
        _folder: folder,
    }
}
