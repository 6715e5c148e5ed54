//! `tutor lab setup`: gets kernels, after asking.

use crate::cli::arguments::LabSetupArguments;
use crate::cli::context::Context;
use crate::cli::failure::{ends, ends_with_help};
use crate::cli::output::{can_ask, confirmed};
use crate::exit::Exit;
use crate::say;
use crate::storage::size;
use std::io::{self, IsTerminal, Write};
use tutor_lab::cache::{Cache, CacheError};
use tutor_lab::fetch::lock::KernelLock;
use tutor_lab::fetch::mirror::{Mirror, MirrorError};
use tutor_lab::kernel::{Flaw, Kernel, KernelError};
use tutor_lab::setup::{KernelRequest, KernelSetup, PackageSource, SetupError, SetupEvent};

/// Gets the kernels that are asked for and not there yet.
pub fn setup(context: &Context, arguments: &LabSetupArguments) -> anyhow::Result<Exit> {
    let way = match arguments.mirror.as_deref().filter(|url| !url.is_empty()) {
        Some(url) => {
            PackageSource::Mirror(Mirror::new(url).map_err(|error| ends(Exit::Usage, error))?)
        }
        None => PackageSource::Apt,
    };
    let setup = KernelSetup {
        cache: Cache::below(&context.folders.cache),
        way,
        lock: KernelLock::own(),
    };
    let asked: &[String] = &arguments.kernel;
    let wanted: Vec<KernelRequest> = match asked {
        [] => vec![KernelRequest::Series("default".to_owned())],
        texts => texts
            .iter()
            .map(|text| KernelRequest::parse(text))
            .collect(),
    };
    let mut missing = Vec::new();
    for wanted in &wanted {
        match setup.at_hand(wanted).map_err(|error| failed(&error))? {
            Some(kernel) => ready(context, &kernel)?,
            None => missing.push(wanted),
        }
    }
    if missing.is_empty() {
        return Ok(Exit::Success);
    }
    if !arguments.yes {
        agree(&setup, &missing)?;
    }
    for wanted in missing {
        let mut progress = SetupProgress::new();
        let kernel = setup.get(wanted, &mut |event| progress.show(&event));
        progress.end();
        ready(context, &kernel.map_err(|error| failed(&error))?)?;
    }
    Ok(Exit::Success)
}

/// Asks before anything is fetched.
fn agree(setup: &KernelSetup, missing: &[&KernelRequest]) -> anyhow::Result<()> {
    let way = match &setup.way {
        PackageSource::Apt => say!("lab-way-apt"),
        PackageSource::Mirror(mirror) => say!("lab-way-mirror", url = mirror.url()),
    };
    let mut lines = Vec::new();
    for wanted in missing {
        let KernelRequest::Series(series) = wanted else {
            continue;
        };
        let series = setup.named(series);
        lines.push(match setup.expected_bytes(series) {
            Some(bytes) => say!(
                "lab-would-fetch",
                series = series,
                size = size(bytes),
                way = way.as_str()
            ),
            None => say!(
                "lab-would-fetch-unknown",
                series = series,
                way = way.as_str()
            ),
        });
    }
    if !can_ask() {
        lines.push(say!("lab-no-terminal"));
        return Err(ends(Exit::Lacking, lines.join("\n")));
    }
    for line in lines {
        noteln!("{line}");
    }
    match confirmed(io::stderr(), &say!("lab-ask-fetch"))? {
        true => Ok(()),
        false => Err(ends(Exit::Lacking, say!("lab-refused"))),
    }
}

fn ready(context: &Context, kernel: &Kernel) -> anyhow::Result<()> {
    outln!(
        "{}",
        say!(
            "lab-ready",
            release = kernel.release.as_str(),
            source = kernel.source.as_str()
        )
    );
    if !kernel.unknown.is_empty() {
        noteln!("{}", say!("lab-unknown", count = kernel.unknown.len()));
    }
    // KVM is tried now, so that the first lesson does not wait for it. An error is reported by the
    // command that needs the lab.
    let _ = context.lab(&kernel.release)?.accelerator();
    Ok(())
}

fn failed(error: &SetupError) -> anyhow::Error {
    let help = match error {
        SetupError::Apt(_) => Some(say!("lab-help-mirror")),
        SetupError::Mirror(MirrorError::NoCurl) => Some(say!("lab-help-curl")),
        SetupError::Mirror(_) => Some(say!("lab-help-other-mirror")),
        SetupError::NotPinned { .. } => Some(say!("lab-help-series")),
        SetupError::Kernel(_)
        | SetupError::Cache(CacheError::Kernel(KernelError {
            flaw: Flaw::Lacking(_),
            ..
        })) => Some(say!("lab-help-kernel")),
        SetupError::Cache(_) | SetupError::Folder { .. } => None,
    };
    let message = say!("lab-setup-failed", error = error.to_string());
    ends_with_help(Exit::Lacking, message, help)
}

/// Shows the progress: a line for each stage, and at a terminal the percentage.
struct SetupProgress {
    is_terminal: bool,
    shown: Option<u64>,
}

impl SetupProgress {
    fn new() -> SetupProgress {
        SetupProgress {
            is_terminal: io::stderr().is_terminal(),
            shown: None,
        }
    }

    fn show(&mut self, event: &SetupEvent<'_>) {
        match event {
            SetupEvent::Looking { series, suite } => {
                noteln!("{}", say!("lab-looking", series = *series, suite = *suite));
            }
            SetupEvent::Chosen {
                package,
                version,
                bytes,
                pinned,
            } => {
                if let Some(pinned) = pinned {
                    noteln!(
                        "{}",
                        say!("lab-newer", version = *version, pinned = *pinned)
                    );
                }
                noteln!(
                    "{}",
                    say!(
                        "lab-fetching",
                        package = *package,
                        version = *version,
                        size = size(*bytes)
                    )
                );
            }
            SetupEvent::Downloading { done, bytes } => {
                let percent = done.saturating_mul(100) / (*bytes).max(1);
                if self.is_terminal && self.shown != Some(percent) {
                    self.shown = Some(percent);
                    let line = say!("lab-percent", percent = percent.min(100));
                    let _ = write!(io::stderr(), "\r{line}");
                }
            }
            SetupEvent::Unpacking => {
                self.end();
                noteln!("{}", say!("lab-unpacking"));
            }
        }
    }

    /// Ends a line that is still being written.
    fn end(&mut self) {
        if self.shown.take().is_some() {
            noteln!("");
        }
    }
}
