//! `tutor lab status`: the kernels of the lab, what else is kept, and what it lacks.

use crate::cli::arguments::JsonArguments;
use crate::cli::context::Context;
use crate::cli::output::out_json;
use crate::doctor::lab::{accelerated, shut_in};
use crate::doctor::lab_status::LabStatus;
use crate::exit::Exit;
use crate::render::paint::Paint;
use crate::say;
use crate::storage::size;
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use tutor_lab::accelerator::{AcceleratorReason, NoKvm};
use tutor_lab::cache::InstalledKernel;
use tutor_lab::kernel::KeptConfig;
use tutor_lab::tidy::{CachePurpose, CachedFile};

pub fn status(context: &Context, arguments: &JsonArguments) -> anyhow::Result<Exit> {
    let choice = context.lab_choice("default")?;
    let status = LabStatus::of(&choice)?;
    let folder = choice.cache.folder();
    match arguments.json {
        true => out_json(&as_json(&status, folder))?,
        false => show(context, &status, folder)?,
    }
    match status.missing.is_empty() {
        true => Ok(Exit::Success),
        false => Ok(Exit::Lacking),
    }
}

/// The same for `tutor doctor --report`.
pub fn whole(context: &Context) -> anyhow::Result<Value> {
    let choice = context.lab_choice("default")?;
    Ok(as_json(&LabStatus::of(&choice)?, choice.cache.folder()))
}

fn as_json(status: &LabStatus, folder: &Path) -> Value {
    let kernels = status.kernels.iter().map(|one| {
        json!({
            "release": one.kernel.release,
            "series": one.kernel.series(),
            "id": one.kernel.id,
            "source": one.kernel.source,
            "bytes": one.bytes,
            "file": one.is_file,
            "default": status.is_default(one),
            "unknown": one.kernel.unknown,
        })
    });
    let kept = |purpose| {
        let (count, bytes) = sum(&status.kept, purpose);
        json!({ "count": count, "bytes": bytes })
    };
    let missing = status.missing.iter();
    let missing = missing.map(|one| json!({ "name": one.name, "remedy": one.remedy }));
    let outlook = status.outlook.as_ref();
    let confined = status.confined.iter().map(|by| by.name());
    json!({
        "format": 1,
        "folder": folder.display().to_string(),
        "kernels": kernels.collect::<Vec<_>>(),
        "states": kept(CachePurpose::Start),
        "checkpoints": kept(CachePurpose::Checkpoint),
        "accelerator": outlook.map(|outlook| json!({
            "name": outlook.accelerator.accelerator.name(),
            "why": why(&outlook.accelerator.reason),
            "text": accelerated(&outlook.accelerator),
        })),
        "confined": confined.collect::<Vec<_>>(),
        "saved": outlook.map(|outlook| outlook.is_saved),
        "missing": missing.collect::<Vec<_>>(),
    })
}

fn show(context: &Context, status: &LabStatus, folder: &Path) -> io::Result<()> {
    let paint = &context.stdout;
    outln!("{}", paint.bold(&say!("lab-kernels")));
    if status.kernels.is_empty() {
        outln!("  {}", say!("lab-no-kernels"));
    }
    for one in &status.kernels {
        let mark = match status.is_default(one) {
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
    if let Some(outlook) = &status.outlook {
        outln!("{}", accelerated(&outlook.accelerator));
        outln!("{}", shut_in(&status.confined));
        let saved = match outlook.is_saved {
            true => say!("lab-saved"),
            false => say!("lab-not-saved"),
        };
        outln!("{saved}");
    }
    for line in counted(&status.kept) {
        context.tell(&line)?;
    }
    let folder = folder.display().to_string();
    outln!("{}", say!("lab-folder", folder = folder));
    for one in &status.missing {
        let head = paint.bad(&format!("{} {}", paint.mark("✗", "x"), one.name));
        outln!("{head}");
        outln!("    {}", say!("doctor-mend", mend = one.remedy.as_str()));
    }
    Ok(())
}

/// How many files are for a purpose, and how many bytes they have.
fn sum(kept: &[CachedFile], purpose: CachePurpose) -> (usize, u64) {
    let files = kept.iter().filter(|one| one.purpose == purpose);
    files.fold((0, 0), |(count, bytes), one| (count + 1, bytes + one.bytes))
}

/// A line for the files that make the lab start fast, and one for those that take lessons back; of
/// those that there are.
pub fn counted(kept: &[CachedFile]) -> Vec<String> {
    let mut lines = Vec::new();
    let (count, bytes) = sum(kept, CachePurpose::Start);
    if count > 0 {
        lines.push(say!("lab-states", count = count, size = size(bytes)));
    }
    let (count, bytes) = sum(kept, CachePurpose::Checkpoint);
    if count > 0 {
        lines.push(say!("lab-checkpoints", count = count, size = size(bytes)));
    }
    lines
}

/// Why, for scripts.
fn why(reason: &AcceleratorReason) -> &'static str {
    match reason {
        AcceleratorReason::Asked => "asked",
        AcceleratorReason::NoKvm(NoKvm::Device { .. }) => "no-device",
        AcceleratorReason::NoKvm(NoKvm::Refused { .. }) => "refused",
        AcceleratorReason::Worked => "worked",
        AcceleratorReason::NotTried => "not-tried",
    }
}

/// A kernel, in a line.
pub fn row(one: &InstalledKernel) -> String {
    let row = say!(
        "lab-row",
        release = one.kernel.release.as_str(),
        size = size(one.bytes),
        source = one.kernel.source.as_str()
    );
    match one.kernel.config == KeptConfig::NotKept && !one.is_file {
        true => format!(
            "{row}; {}",
            say!("lab-no-config", series = one.kernel.series())
        ),
        false => row,
    }
}
