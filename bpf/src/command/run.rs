//! `tutor bpf run`: runs a program on request, or while it is attached, and shows what it prints.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use libbpf_rs::{Object, ProgramInput, ProgramMut};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::console::Console;
use super::error::{CommandError, FilePlace};
use super::input;
use super::subject::{load_plain, wanted};
use super::verdict::{CommandResult, CommandVerdict};
use crate::errno::Errno;
use crate::kallsyms::KernelSymbols;
use crate::load::Disclosure;
use crate::probe::{Feature, KernelEvidence, Phase, Reason};
use crate::trace::{PrintedLine, TraceError, TracePipe};

/// How long a program stays attached by default.
const ATTACHED: f64 = 3.0;
/// A packet for programs that want one: the shortest that Ethernet allows, of zeroes.
const PACKET: usize = 64;

/// How many printed lines are shown unless more are asked for.
pub const DEFAULT_LINES: usize = 20;

/// More printed lines are not kept.
const MOST_LINES: usize = 100_000;

/// The arguments of `tutor bpf run`.
#[derive(Debug, Clone, Args, Deserialize, Serialize)]
pub struct RunArgs {
    /// The object file to load
    pub file: PathBuf,
    /// The program of this name; needed where the object has several
    #[arg(long, value_name = "NAME")]
    pub program: Option<String>,
    /// Run it this often on request
    #[arg(long, value_name = "TIMES", conflicts_with = "attach", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub repeat: Option<u32>,
    /// Attach it for this long instead
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub attach: Option<f64>,
    /// Run this command by `sh` while the program is attached
    #[arg(long = "while", value_name = "COMMAND", conflicts_with_all = ["repeat", "data"])]
    pub meanwhile: Option<String>,
    /// What a program that looks at packets is given; 64 zeroes when no file is named
    #[arg(long, value_name = "FILE", conflicts_with = "attach")]
    pub data: Option<PathBuf>,
    /// Show only printed lines with this text in them
    #[arg(long, value_name = "TEXT")]
    pub grep: Option<String>,
    /// Show at most this many printed lines
    #[arg(long, value_name = "NUMBER", default_value_t = DEFAULT_LINES)]
    pub lines: usize,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Reads for how long a program is attached, in seconds.
pub fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("write seconds between 0 and 3600".to_owned()),
    }
}

/// How it went.
struct RunReport {
    how: RunKind,
    printed: Vec<PrintedLine>,
    no_trace: Option<TraceError>,
}

enum RunKind {
    OnRequest {
        times: u32,
        /// The values returned, without repetition.
        returned: Vec<u32>,
        average: Duration,
    },
    Attached {
        /// Where: the section's name.
        section: String,
        seconds: f64,
        was_interrupted: bool,
        meanwhile: Option<MeanwhileEnd>,
    },
}

/// What became of the command that ran meanwhile.
#[derive(Clone, Copy)]
enum MeanwhileEnd {
    Ended(ExitStatus),
    /// It still ran when the program was detached.
    Stopped,
}

pub(super) fn run(args: &RunArgs, console: &mut Console<'_>) -> CommandResult {
    let elf = input::loadable(&args.file)?;
    let loaded = load_plain(&args.file, &elf, &wanted(args.program.as_deref()), console)?;
    let name = match loaded.programs.as_slice() {
        [only] => only.name.clone(),
        several => {
            let names = several.iter().map(|program| program.name.as_str());
            let names = names.collect::<Vec<_>>().join(", ");
            return Err(CommandError::at(
                FilePlace::file(&args.file),
                format!("there are several programs in it: {names}"),
            )
            .with_help("name one with `--program`"));
        }
    };
    let program = find(&loaded.object, &name);
    let (mut trace, no_trace) = match TracePipe::open() {
        Ok(trace) => (Some(trace), None),
        Err(error) => (None, Some(error)),
    };
    let how = match args.attach {
        Some(seconds) => attached(&program, seconds, args, trace.as_mut())?,
        None if args.meanwhile.is_some() => attached(&program, ATTACHED, args, trace.as_mut())?,
        None => match on_request(args, &program)? {
            Some(how) => (how, Vec::new()),
            None if args.repeat.is_none() && args.data.is_none() => {
                attached(&program, ATTACHED, args, trace.as_mut())?
            }
            None => {
                return Err(CommandError::new(format!(
                    "cannot run `{name}` on request: its type has no test run in this kernel"
                ))
                .with_help("attach it for a time with `--attach SECONDS`"));
            }
        },
    };
    let (how, mut printed) = how;
    if let Some(trace) = &mut trace {
        printed.extend(trace.read()?);
    }
    if let RunKind::OnRequest { .. } = how {
        // It ran in this very thread, so whatever others printed is not its own.
        let own = nix::unistd::gettid().as_raw();
        printed.retain(|line| line.pid.is_some_and(|pid| i64::from(pid) == i64::from(own)));
    }
    if let Some(text) = &args.grep {
        printed.retain(|line| line.text.contains(text.as_str()));
    }
    let ran = RunReport {
        how,
        printed,
        no_trace,
    };
    match args.json {
        true => console.json(as_json(&name, args, &ran))?,
        false => write(&name, args, &ran, console)?,
    }
    Ok(CommandVerdict::Works)
}

fn find<'o>(object: &'o Object, name: &str) -> ProgramMut<'o> {
    let mut programs = object.progs_mut();
    let found = programs.find(|program| program.name().to_string_lossy() == *name);
    found.expect("it was loaded under this name")
}

/// Runs a program; none if its type cannot be run on request.
fn on_request(args: &RunArgs, program: &ProgramMut<'_>) -> Result<Option<RunKind>, CommandError> {
    let packet = match &args.data {
        Some(file) => input::read(file)?,
        None => vec![0; PACKET],
    };
    let times = args.repeat.unwrap_or(1);
    let (mut returned, mut total) = (Vec::new(), Duration::ZERO);
    // Packets are for the types that look at one; the others refuse them.
    let mut with_packet = args.data.is_some();
    for _ in 0..times {
        let run = |with_packet: bool| {
            let input = ProgramInput {
                data_in: with_packet.then_some(packet.as_slice()),
                ..ProgramInput::default()
            };
            program
                .test_run(input)
                .map(|output| (output.return_value, output.duration))
        };
        let mut result = run(with_packet);
        if result.is_err() && !with_packet && args.data.is_none() {
            let answer = run(true);
            with_packet = answer.is_ok();
            result = answer.or(result);
        }
        match result {
            Ok((value, duration)) => {
                if !returned.contains(&value) {
                    returned.push(value);
                }
                total += duration;
            }
            Err(error) => {
                let text = format!("{error:#}");
                let errno = Errno::in_text(&text);
                return match errno {
                    Some(Errno::ENOTSUPP | Errno::EOPNOTSUPP) => Ok(None),
                    Some(errno) => Err(CommandError::new(format!(
                        "cannot run the program on request: {errno}"
                    ))
                    .with_help(
                        "`--data FILE` gives it a packet, `--attach SECONDS` waits for real events",
                    )),
                    None => Err(CommandError::new(format!(
                        "cannot run the program on request: {text}"
                    ))),
                };
            }
        }
    }
    Ok(Some(RunKind::OnRequest {
        times,
        returned,
        average: total / times,
    }))
}

/// Attaches a program, waits, and detaches it; Ctrl-C ends the waiting.
fn attached(
    program: &ProgramMut<'_>,
    mut seconds: f64,
    args: &RunArgs,
    mut trace: Option<&mut TracePipe>,
) -> Result<(RunKind, Vec<PrintedLine>), CommandError> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let mut handlers = Vec::new();
    for signal in [nix::libc::SIGINT, nix::libc::SIGTERM] {
        // The second one ends the process at once; the kernel then detaches what it held.
        handlers.push(signal_hook::flag::register_conditional_shutdown(
            signal,
            130,
            Arc::clone(&interrupted),
        )?);
        handlers.push(signal_hook::flag::register(
            signal,
            Arc::clone(&interrupted),
        )?);
    }
    let (link, heard) = crate::quiet::listening(|| program.attach());
    let link = link.map_err(|error| unattached(program, &error, &heard));
    let mut printed = Vec::new();
    let waited = link.and_then(|link| {
        let mut meanwhile = args
            .meanwhile
            .as_deref()
            .map(Meanwhile::start)
            .transpose()?;
        let began = Instant::now();
        let deadline = began + Duration::from_secs_f64(seconds);
        while Instant::now() < deadline && !interrupted.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
            let end = meanwhile.as_mut().and_then(Meanwhile::end);
            if end.is_some() && args.attach.is_none() {
                // In tenths of a second, as it is shown.
                seconds = (began.elapsed().as_secs_f64() * 10.0).round() / 10.0;
                break;
            }
            if let Some(Ok(lines)) = trace.as_mut().map(|trace| trace.read()) {
                printed.extend(lines);
                // A program on system calls prints without end.
                printed.truncate(MOST_LINES);
            }
        }
        drop(link);
        Ok(meanwhile.map(|mut command| {
            command
                .end()
                .map_or(MeanwhileEnd::Stopped, MeanwhileEnd::Ended)
        }))
    });
    for handler in handlers {
        signal_hook::low_level::unregister(handler);
    }
    let meanwhile = waited?;
    Ok((
        RunKind::Attached {
            section: program.section().to_string_lossy().into_owned(),
            seconds,
            was_interrupted: interrupted.load(Ordering::Relaxed),
            meanwhile,
        },
        printed,
    ))
}

/// A command that runs while a program is attached, and ends with it.
struct Meanwhile(Child);

impl Meanwhile {
    fn start(command: &str) -> Result<Meanwhile, CommandError> {
        let child = Command::new("sh")
            .args(["-c", command])
            .stdin(Stdio::null())
            // What it prints is not the answer of this command.
            .stdout(std::io::stderr())
            .process_group(0)
            .spawn();
        child
            .map(Meanwhile)
            .map_err(|error| CommandError::new(format!("cannot run `{command}` by `sh`: {error}")))
    }

    /// How it ended; nothing while it runs.
    fn end(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().ok().flatten()
    }
}

impl MeanwhileEnd {
    /// What went wrong, as the end of a sentence.
    fn trouble(self) -> Option<String> {
        let MeanwhileEnd::Ended(status) = self else {
            return Some("still ran, and was stopped".to_owned());
        };
        match (status.code(), status.signal()) {
            (Some(0), _) => None,
            (_, Some(signal)) => Some(format!("was ended by signal {signal}")),
            (code, None) => Some(format!("ended with status {}", code.unwrap_or_default())),
        }
    }

    fn as_json(self) -> Value {
        let status = match self {
            MeanwhileEnd::Ended(status) => Some(status),
            MeanwhileEnd::Stopped => None,
        };
        json!({
            "status": status.and_then(|status| status.code()),
            "signal": status.and_then(|status| status.signal()),
        })
    }
}

impl Drop for Meanwhile {
    fn drop(&mut self) {
        if self.end().is_none() {
            // It leads a process group of its own.
            let group = Pid::from_raw(-(self.0.id() as i32));
            let _ = nix::sys::signal::kill(group, nix::sys::signal::Signal::SIGKILL);
            let _ = self.0.wait();
        }
    }
}

fn unattached(
    program: &ProgramMut<'_>,
    error: &libbpf_rs::Error,
    heard: &[String],
) -> CommandError {
    let text = format!("{error:#}");
    let errno = Errno::in_text(&text);
    let section = program.section().to_string_lossy().into_owned();
    let answer = errno.map_or(text, |errno| errno.to_string());
    let failed = CommandError::new(format!("cannot attach to `{section}`: {answer}"));
    let (kind, target) = section.split_once('/').unwrap_or((&section, ""));
    let function = kind.contains("probe").then_some(target);
    if let (Some(Errno::ENOENT), Some(function)) = (errno, function)
        && let Some(help) = other_name(function)
    {
        return failed.with_help(help);
    }
    let feature = match kind {
        "kprobe" | "kretprobe" => Feature::Kprobe,
        "ksyscall" | "kretsyscall" => Feature::Ksyscall,
        "tp" | "tracepoint" => Feature::Tracepoint,
        "raw_tp" | "raw_tracepoint" => Feature::RawTracepoint,
        "fentry" | "fexit" => Feature::Fentry,
        "uprobe" | "uretprobe" => Feature::Uprobe,
        _ => {
            return match heard.first() {
                Some(line) => failed.with_help(format!("libbpf: {line}")),
                None => failed.with_help(
                    "a program of this type needs more to be attached than its section says, such as a network device; `tutor bpf run` without `--attach` runs it on request",
                ),
            };
        }
    };
    let evidence = KernelEvidence::gather(function);
    let reason = Reason::likely(feature, Phase::Attach, errno, &evidence);
    failed
        .with_help(format!("{reason}; {}", reason.remedy()))
        .of_this_kernel_if(true)
}

/// System calls are functions of other names than their own: `sys_write` is `__x64_sys_write`.
fn other_name(function: &str) -> Option<String> {
    let mut symbols = KernelSymbols::open().ok()?;
    if !matches!(symbols.address(function), Ok(Disclosure::Absent)) {
        return None;
    }
    let other = ["__x64_", "__arm64_", "__s390x_", "__riscv_"]
        .iter()
        .map(|prefix| format!("{prefix}{function}"))
        .find(|other| !matches!(symbols.address(other), Ok(Disclosure::Absent) | Err(_)));
    Some(match other {
        Some(other) => format!(
            "this kernel has no function `{function}`, and has `{other}`: `SEC(\"kprobe/{other}\")`, or `SEC(\"ksyscall/…\")`, which finds it on every machine"
        ),
        None => format!("this kernel has no function `{function}`: look for it in /proc/kallsyms"),
    })
}

fn write(
    name: &str,
    args: &RunArgs,
    ran: &RunReport,
    console: &mut Console<'_>,
) -> std::io::Result<()> {
    match &ran.how {
        RunKind::OnRequest {
            times,
            returned,
            average,
        } => {
            let values: Vec<String> = returned.iter().map(ToString::to_string).collect();
            // Types that the kernel does not time report a zero.
            let took = match average.as_nanos() {
                0 => String::new(),
                nanoseconds => format!(", took {nanoseconds} ns"),
            };
            writeln!(
                console.out,
                "{name} ran {} on request, returned {}{took}",
                times_word(*times),
                values.join(" or ")
            )?;
        }
        RunKind::Attached {
            seconds,
            was_interrupted,
            section: _,
            meanwhile,
        } => {
            let end = match was_interrupted {
                true => "until it was interrupted",
                false => "and is detached again",
            };
            let seconds = match *seconds < 0.1 {
                true => "less than 0.1".to_owned(),
                false => seconds.to_string(),
            };
            writeln!(console.out, "{name} was attached for {seconds} s {end}")?;
            if let Some(end) = meanwhile.and_then(MeanwhileEnd::trouble) {
                writeln!(console.out, "the command of `--while` {end}")?;
            }
        }
    }
    for line in ran.printed.iter().take(args.lines) {
        let (task, text) = (
            super::console::visible(&line.task),
            super::console::visible(&line.text),
        );
        writeln!(console.out, "{}  {text}", console.dim(&task))?;
    }
    match ran.printed.len().saturating_sub(args.lines) {
        0 => {}
        more => writeln!(
            console.out,
            "… {more} more lines; `--lines NUMBER` shows more"
        )?,
    }
    match &ran.no_trace {
        Some(error) => writeln!(console.out, "what it printed is not shown: {error}")?,
        None => writeln!(console.out, "printed lines: {}", ran.printed.len())?,
    }
    let is_idle = ran.printed.is_empty() && ran.no_trace.is_none() && args.grep.is_none();
    if let (RunKind::Attached { section, .. }, true) = (&ran.how, is_idle) {
        let advice = match args.meanwhile {
            Some(_) => "",
            None => "; `--while 'COMMAND'` runs a command meanwhile",
        };
        writeln!(
            console.out,
            "it waited at `{section}`: while it was attached, nothing called it there, or it had nothing to say{advice}"
        )?;
    }
    Ok(())
}

fn times_word(times: u32) -> String {
    match times {
        1 => "once".to_owned(),
        times => format!("{times} times"),
    }
}

fn as_json(name: &str, args: &RunArgs, ran: &RunReport) -> Value {
    let line =
        |line: &PrintedLine| json!({ "task": line.task, "pid": line.pid, "text": line.text });
    let lines = ran.printed.iter().take(args.lines).map(line);
    json!({
        "program": name,
        "on_request": match &ran.how {
            RunKind::OnRequest { times, returned, average } => json!({
                "times": times,
                "returned": returned,
                "average_ns": average.as_nanos() as u64,
            }),
            RunKind::Attached { .. } => Value::Null,
        },
        "attached": match &ran.how {
            RunKind::Attached { section, seconds, was_interrupted, meanwhile } => json!({
                "section": section,
                "seconds": seconds,
                "interrupted": was_interrupted,
                "while": meanwhile.map(MeanwhileEnd::as_json),
            }),
            RunKind::OnRequest { .. } => Value::Null,
        },
        "printed": ran.printed.len(),
        "lines": lines.collect::<Vec<Value>>(),
        "no_trace": ran.no_trace.as_ref().map(ToString::to_string),
    })
}
