//! Runs clang, and says what it answered.

mod advice;
mod options;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

pub use options::{include_options, target_define};

/// Why a tool gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It is not installed.
    #[error("there is no `{0}` on this machine")]
    Missing(String),
    /// It could not be started, or not be talked to.
    #[error("cannot run `{tool}`: {source}")]
    Run {
        /// The tool.
        tool: String,
        /// The obstacle.
        source: io::Error,
    },
    /// It refused.
    #[error("`{tool}` refused: {}", first_error(.stderr))]
    Refused {
        /// The tool.
        tool: String,
        /// All it said.
        stderr: String,
    },
}

impl ToolError {
    /// Returns what to do next.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Missing(tool) if tool.starts_with("clang") => Some(format!(
                "install clang, as in `apt install {tool}`, or name another one with `--clang`"
            )),
            Self::Missing(tool) => Some(format!("install LLVM, which brings `{tool}`")),
            Self::Run { .. } => None,
            Self::Refused { stderr, .. } => advice::advice(stderr),
        }
    }
}

/// The first line that names an error, without what stands before it if that is standard input.
fn first_error(stderr: &str) -> &str {
    let line = advice::first_error(stderr).or(stderr.lines().next());
    line.map_or("it does not say why", |line| {
        line.trim_start_matches("<stdin>:")
    })
}

/// The output of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolOutput {
    /// Whether it ended well.
    pub is_ok: bool,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: String,
}

/// A tool with its arguments, ready to be run, and to be shown as something to type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    program: String,
    args: Vec<OsString>,
    /// Arguments that nobody needs to type.
    unseen: &'static [&'static str],
}

impl Tool {
    /// Returns a tool without arguments.
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            unseen: &[],
        }
    }

    /// Returns a clang without arguments. If it crashes, it leaves no files in the folder for temporary ones.
    pub fn clang(program: impl Into<String>) -> Self {
        Self {
            unseen: &["-fno-crash-diagnostics"],
            ..Self::new(program)
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Runs it with `input` as its standard input, and returns its output, also when it fails.
    pub fn run(&self, input: &[u8]) -> Result<ToolOutput, ToolError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => ToolError::Missing(self.program.clone()),
            _ => ToolError::Run {
                tool: self.program.clone(),
                source,
            },
        };
        let mut child = Command::new(&self.program)
            .args(self.unseen)
            .args(&self.args)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let mut stdin = child.stdin.take().expect("it is piped");
        let output = thread::scope(|scope| {
            // A tool that ends before it has read all closes the pipe, which is no error of ours.
            let writes = move || stdin.write_all(input);
            let started = thread::Builder::new().spawn_scoped(scope, writes);
            // One that gets no input ends, too.
            let output = child.wait_with_output();
            started.and(output)
        });
        let output = output.map_err(failed)?;
        Ok(ToolOutput {
            is_ok: output.status.success(),
            stdout: output.stdout,
            stderr: match output.status.success() {
                true => String::from_utf8_lossy(&output.stderr).into_owned(),
                false => advice::without_crash_report(&String::from_utf8_lossy(&output.stderr)),
            },
        })
    }

    /// Runs it, and returns its standard output; that it refuses is an error.
    pub fn output(&self, input: &[u8]) -> Result<Vec<u8>, ToolError> {
        let said = self.run(input)?;
        match said.is_ok {
            true => Ok(said.stdout),
            false => Err(ToolError::Refused {
                tool: self.program.clone(),
                stderr: said.stderr,
            }),
        }
    }
}

/// The command as it can be typed.
impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program)?;
        self.args
            .iter()
            .try_for_each(|arg| write!(f, " {}", quoted(&arg.to_string_lossy())))
    }
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./,:@%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// Returns what makes an object of a C file on this machine, with these options too.
pub fn compiler(source: &Path, object: &Path, options: &[String]) -> Tool {
    let tool = Tool::clang("clang").args(["-O2", "-g", "-target", "bpf"]);
    let tool = tool.args(include_options()).args(options);
    let tool = tool.arg("-c").arg(source);
    tool.arg("-o").arg(object)
}

/// Returns the command that makes an object of a C file on this machine, as it can be typed.
pub fn compile_command(source: &str, object: &str) -> String {
    compiler(Path::new(source), Path::new(object), &[]).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_named() {
        let error = Tool::new("clang-of-nobody").run(b"").unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no `clang-of-nobody` on this machine"
        );
        assert!(error.help().unwrap().contains("--clang"));
    }

    #[test]
    fn a_command_can_be_typed() {
        let tool = Tool::new("clang").args(["-c", "it's a.c", "-o", ""]);
        assert_eq!(tool.to_string(), r"clang -c 'it'\''s a.c' -o ''");
    }

    #[test]
    fn what_a_tool_reads_it_can_answer() {
        let cat = Tool::new("cat");
        let long = vec![b'x'; 1 << 20];
        assert_eq!(cat.output(&long).unwrap(), long);
        let refused = Tool::new("sh").args(["-c", "echo a: error: no >&2; exit 3"]);
        let error = refused.output(b"").unwrap_err();
        assert_eq!(error.to_string(), "`sh` refused: a: error: no");
    }
}
