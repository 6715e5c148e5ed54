//! `tutor storage`: what is kept on the disk, and removing all of it after asking.

use super::arguments::StorageArguments;
use super::context::Context;
use super::failure::ends;
use super::output::{can_ask, confirmed, out_json};
use crate::exit::Exit;
use crate::say;
use crate::snapshot::pending;
use crate::storage::{Purpose, Storage, StorageRow, remove_all, size};
use crate::workspace::WorkspaceSummary;
use serde_json::{Value, json};
use std::io;
use std::path::Path;

/// How many of the learner's files are named for one workspace.
const NAMED: usize = 3;

pub fn storage(context: &Context, arguments: &StorageArguments) -> anyhow::Result<Exit> {
    let storage = Storage::of(&context.folders)?;
    let waiting = waiting(context);
    if arguments.json {
        out_json(&as_json(&storage, waiting))?;
    } else {
        show(context, &storage, waiting)?;
    }
    if !arguments.remove_all || storage.rows.is_empty() {
        return Ok(Exit::Success);
    }
    if !arguments.yes {
        if !can_ask() {
            return Err(ends(Exit::Usage, say!("storage-no-terminal")));
        }
        if !confirmed(io::stderr(), &say!("storage-ask"))? {
            return Ok(Exit::Success);
        }
    }
    let stays = remove_all(&context.folders)?;
    if stays.is_empty() {
        context.tell(&say!("storage-removed", size = size(storage.bytes())))?;
        return Ok(Exit::Success);
    }
    let stays = stays
        .iter()
        .map(|error| say!("storage-stays", error = error.to_string()));
    let stays = stays.collect::<Vec<_>>().join("\n");
    Err(ends(Exit::Lacking, stays))
}

/// How many outputs of this course wait to be read; they are the course's, and stay.
fn waiting(context: &Context) -> usize {
    let course = context.load_course().ok();
    let folder = course.and_then(|course| course.snapshot_dir());
    let waiting = folder.and_then(|folder| pending(&folder).ok());
    waiting.map_or(0, |waiting| waiting.len())
}

fn show(context: &Context, storage: &Storage, waiting: usize) -> io::Result<()> {
    if storage.rows.is_empty() {
        context.tell(&say!("storage-nothing"))?;
    }
    for row in &storage.rows {
        let place = place_of(row).display().to_string();
        context.tell(&say!(
            "storage-row",
            what = told(row),
            size = size(row.bytes),
            place = place
        ))?;
        let is_edited = row.purpose == Purpose::Workspaces;
        for one in storage.edited.iter().filter(|_| is_edited) {
            for line in context.stdout.resized().fitted("    ", &edits(one)) {
                outln!("{line}");
            }
        }
    }
    if waiting > 0 {
        context.tell(&say!("storage-waiting", count = waiting))?;
    }
    if !storage.rows.is_empty() {
        context.tell(&say!("storage-sum", size = size(storage.bytes())))?;
    }
    Ok(())
}

/// The folder that all of a row is in.
fn place_of(row: &StorageRow) -> &Path {
    let first = row.places.first();
    first
        .and_then(|place| place.parent())
        .unwrap_or(Path::new("/"))
}

fn told(row: &StorageRow) -> String {
    let count = row.places.len();
    match row.purpose {
        Purpose::Workspaces => say!("storage-workspaces", count = count),
        Purpose::Aside => say!("storage-aside", count = count),
        Purpose::Homes => say!("storage-homes"),
        Purpose::Remembered => say!("storage-remembered"),
        Purpose::Kernels => say!("storage-kernels"),
        Purpose::Starts => say!("storage-starts"),
        Purpose::Moments => say!("storage-moments", count = count),
        Purpose::Temporary => say!("storage-temporary", count = count),
    }
}

fn edits(one: &WorkspaceSummary) -> String {
    let edits = one.edits.as_deref().unwrap_or_default();
    let names = edits
        .iter()
        .take(NAMED)
        .map(|file| file.display().to_string());
    let name = one.folder.file_name().unwrap_or_default();
    say!(
        "storage-edits",
        workspace = name.display().to_string(),
        count = edits.len(),
        files = names.collect::<Vec<_>>().join(", "),
        more = edits.len().saturating_sub(NAMED)
    )
}

fn as_json(storage: &Storage, waiting: usize) -> Value {
    let path = |path: &Path| path.display().to_string();
    let rows = storage.rows.iter().map(|row| {
        let places = row.places.iter().map(|place| path(place));
        json!({
            "what": row.purpose,
            "bytes": row.bytes,
            "places": places.collect::<Vec<_>>(),
        })
    });
    let edited = storage.edited.iter().map(|one| {
        let edits = one.edits.iter().flatten().map(|file| path(file));
        json!({ "folder": path(&one.folder), "files": edits.collect::<Vec<_>>() })
    });
    json!({
        "format": 1,
        "bytes": storage.bytes(),
        "kept": rows.collect::<Vec<_>>(),
        "edited": edited.collect::<Vec<_>>(),
        "waiting": waiting,
    })
}
