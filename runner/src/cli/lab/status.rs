//! `tutor lab status`: the kernels of the lab, what else is kept, and what it lacks.

use crate::backend::BackendError;
use crate::backend::lab::{outlook, qemu_remedy};
use crate::cli::arguments::LabStatusArguments;
use crate::cli::context::Context;
use crate::cli::output::out_json;
use crate::doctor::lab::{accelerated, shut_in};
use crate::exit::Exit;
use crate::packages::{self, Distribution};
use crate::render::paint::Paint;
use crate::say;
use crate::storage::size;
use serde_json::{Value, json};
use tutor_lab::accelerator::AcceleratorReason;
use tutor_lab::cache::{Cache, CacheError, InstalledKernel};
use tutor_lab::fetch::lock::KernelLock;
use tutor_lab::initramfs;
use tutor_lab::qemu::{Qemu, QemuError};
use tutor_lab::tidy::{self, CachePurpose, CachedFile};

/// What the lab cannot do without and this machine lacks: its name, and how to get it.
struct Missing {
    name: String,
    remedy: String,
}

fn missing(cache: &Cache) -> anyhow::Result<Vec<Missing>> {
    let mut missing = Vec::new();
    let remedy = "tutor lab setup".to_owned();
    match cache.kernel("default") {
        Ok(Some(_)) => {}
        Ok(None) => missing.push(Missing {
            name: say!("lab-missing-kernel", series = KernelLock::own().default),
            remedy,
        }),
        Err(error @ CacheError::Damaged { .. }) => missing.push(Missing {
            name: error.to_string(),
            remedy,
        }),
        Err(error) => return Err(error.into()),
    }
    let mut tools = initramfs::missing_tools();
    match Qemu::find(cache.folder()) {
        Ok(_) => {}
        Err(QemuError::Missing { program }) => tools.insert(0, (program, "qemu")),
        Err(
            error
            @ (QemuError::Architecture | QemuError::TooOld { .. } | QemuError::Strange { .. }),
        ) => missing.push(Missing {
            name: error.to_string(),
            remedy: qemu_remedy(&error),
        }),
    }
    for (tool, package) in tools {
        let package = packages::named(package);
        let install = package.and_then(|package| Distribution::here().install(&[&package]));
        missing.push(Missing {
            name: tool.to_owned(),
            remedy: install.map_or_else(|| say!("lab-install-by-hand"), |words| words.join(" ")),
        });
    }
    Ok(missing)
}

pub fn status(context: &Context, arguments: &LabStatusArguments) -> anyhow::Result<Exit> {
    let cache = Cache::below(&context.folders.cache);
    let installed = cache.list()?;
    let mut missing = missing(&cache)?;
    let default = cache.kernel("default").ok().flatten();
    let outlook = match outlook(&context.lab_choice("default")?) {
        Ok(outlook) => Some(outlook),
        Err(BackendError::Unusable {
            reason: name,
            remedy: Some(remedy),
        }) if missing.is_empty() => {
            missing.push(Missing { name, remedy });
            None
        }
        // It is named already.
        Err(_) => None,
    };
    let exit = match missing.is_empty() {
        true => Exit::Success,
        false => Exit::Lacking,
    };
    let qemu = Qemu::find(cache.folder()).ok();
    let confined = qemu.map(|qemu| qemu.confined_by()).unwrap_or_default();
    let (states, checkpoints) = by_purpose(tidy::kept(&cache)?);
    let states_bytes = bytes(&states);
    let checkpoints_bytes = bytes(&checkpoints);
    let is_default = |one: &InstalledKernel| !one.is_file && Some(&one.kernel) == default.as_ref();
    if arguments.json {
        let kernels: Vec<Value> = installed
            .iter()
            .map(|one| {
                json!({
                    "release": one.kernel.release,
                    "series": one.kernel.series(),
                    "id": one.kernel.id,
                    "source": one.kernel.source,
                    "bytes": one.bytes,
                    "file": one.is_file,
                    "default": is_default(one),
                    "unknown": one.kernel.unknown,
                })
            })
            .collect();
        let missing: Vec<Value> = missing
            .iter()
            .map(|one| json!({ "name": one.name, "remedy": one.remedy }))
            .collect();
        let status = json!({
            "format": 1,
            "folder": cache.folder().display().to_string(),
            "kernels": kernels,
            "states": { "count": states.len(), "bytes": states_bytes },
            "checkpoints": { "count": checkpoints.len(), "bytes": checkpoints_bytes },
            "accelerator": outlook.as_ref().map(|outlook| json!({
                "name": outlook.accelerator.accelerator.name(),
                "why": why(&outlook.accelerator.reason),
                "text": accelerated(&outlook.accelerator),
            })),
            "confined": confined.iter().map(|by| by.name()).collect::<Vec<_>>(),
            "saved": outlook.as_ref().map(|outlook| outlook.is_saved),
            "missing": missing,
        });
        out_json(&status)?;
        return Ok(exit);
    }
    let paint = &context.stdout;
    outln!("{}", paint.bold(&say!("lab-kernels")));
    if installed.is_empty() {
        outln!("  {}", say!("lab-no-kernels"));
    }
    for one in &installed {
        let mark = match is_default(one) {
            true => paint.good(paint.mark("✓", "*")),
            false => " ".to_owned(),
        };
        // The mark may be colored, so it is put in after the fitting.
        for (number, line) in paint.fitted("    ", &row(one)).iter().enumerate() {
            match (number, line.strip_prefix("    ")) {
                (0, Some(row)) => outln!("  {mark} {row}"),
                (_, _) => outln!("{line}"),
            }
        }
        if !one.kernel.unknown.is_empty() {
            let text = say!("lab-unknown", count = one.kernel.unknown.len());
            for line in paint.fitted_in(Paint::dim, "      ", &text) {
                outln!("{line}");
            }
        }
    }
    if let Some(outlook) = &outlook {
        outln!("{}", accelerated(&outlook.accelerator));
        outln!("{}", shut_in(&confined));
        let saved = match outlook.is_saved {
            true => say!("lab-saved"),
            false => say!("lab-not-saved"),
        };
        outln!("{saved}");
    }
    for line in counted(&states, &checkpoints) {
        context.tell(&line)?;
    }
    outln!(
        "{}",
        say!("lab-folder", folder = cache.folder().display().to_string())
    );
    for one in &missing {
        let head = paint.bad(&format!("{} {}", paint.mark("✗", "x"), one.name));
        outln!("{head}");
        outln!("    {}", say!("doctor-mend", mend = one.remedy.as_str()));
    }
    Ok(exit)
}

/// Files that make the lab start fast, and files that take lessons back.
pub fn by_purpose(kept: Vec<CachedFile>) -> (Vec<CachedFile>, Vec<CachedFile>) {
    kept.into_iter()
        .partition(|one| one.purpose == CachePurpose::Start)
}

fn bytes(kept: &[CachedFile]) -> u64 {
    kept.iter().map(|one| one.bytes).sum()
}

/// A line for each of the two, if there are any.
pub fn counted(states: &[CachedFile], checkpoints: &[CachedFile]) -> Vec<String> {
    let mut lines = Vec::new();
    if !states.is_empty() {
        let size = size(bytes(states));
        lines.push(say!("lab-states", count = states.len(), size = size));
    }
    if !checkpoints.is_empty() {
        let size = size(bytes(checkpoints));
        let count = checkpoints.len();
        lines.push(say!("lab-checkpoints", count = count, size = size));
    }
    lines
}

/// Why, for scripts.
fn why(reason: &AcceleratorReason) -> &'static str {
    match reason {
        AcceleratorReason::Asked => "asked",
        AcceleratorReason::NoDevice { .. } => "no-device",
        AcceleratorReason::Refused { .. } => "refused",
        AcceleratorReason::Worked => "worked",
        AcceleratorReason::NotTried => "not-tried",
    }
}

/// A kernel, in a line.
pub fn row(one: &InstalledKernel) -> String {
    say!(
        "lab-row",
        release = one.kernel.release.as_str(),
        size = size(one.bytes),
        source = one.kernel.source.as_str()
    )
}
