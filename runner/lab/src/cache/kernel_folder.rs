//! The folder of a kernel: `vmlinux`, the modules, its `config`, `kernel.json`, and `whole.json` once its files were
//! hashed. It is made beside its place and renamed, so it is whole, unless it is changed afterwards.

use super::error::CacheError;
use super::remains::{UNFINISHED, sweep, unfinished};
use crate::kernel::{self, KeptConfig, Kernel, Unpacked};
use crate::note;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;
use tutor_files::Stamp;
use tutor_files::error::failed_io;

/// The format of `kernel.json`. A folder of a different one is made again.
const FORMAT: u32 = 1;

/// `kernel.json`.
#[derive(Serialize, Deserialize)]
struct Form {
    format: u32,
    release: String,
    id: String,
    source: String,
    unknown: Vec<String>,
    vmlinux_bytes: u64,
    modules: Vec<FormModule>,
    /// 0 where there is none; nothing in what an earlier `tutor` wrote.
    #[serde(default)]
    config_bytes: Option<u64>,
}

/// The name of the configuration.
const CONFIG: &str = "config";

#[derive(Serialize, Deserialize)]
struct FormModule {
    name: String,
    bytes: u64,
}

impl Form {
    fn of(unpacked: &Unpacked, id: String, source: &str) -> Form {
        let modules = unpacked.modules.iter().map(|module| FormModule {
            name: module.name.clone(),
            bytes: module.bytes.len() as u64,
        });
        Form {
            format: FORMAT,
            release: unpacked.release.clone(),
            id,
            source: source.to_owned(),
            unknown: unpacked.unknown.clone(),
            vmlinux_bytes: unpacked.vmlinux.len() as u64,
            modules: modules.collect(),
            config_bytes: Some(unpacked.config.as_deref().map_or(0, <[u8]>::len) as u64),
        }
    }
}

/// Writes a kernel's folder beside its place and renames it. The caller holds the lock.
pub fn put(
    parent: &Path,
    name: &str,
    unpacked: &Unpacked,
    source: &str,
) -> Result<Kernel, CacheError> {
    let place = parent.join(name);
    let id = unpacked.id();
    let is_the_same = |kernel: &Kernel| kernel.id == id && kernel.config != KeptConfig::NotKept;
    if let Some(kernel) = load(&place).filter(is_the_same) {
        return Ok(kernel);
    }
    fs::create_dir_all(parent).map_err(failed_io("make the folder", parent))?;
    sweep(&unfinished(parent));
    let new = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempdir_in(parent)
        .map_err(failed_io("make a folder in", parent))?;
    let fresh = new.path().join("kernel");
    fs::create_dir(&fresh).map_err(failed_io("make the folder", &fresh))?;
    let write = |name: &str, bytes: &[u8]| {
        let path = fresh.join(name);
        fs::write(&path, bytes).map_err(failed_io("write", &path))
    };
    write("vmlinux", &unpacked.vmlinux)?;
    for module in &unpacked.modules {
        write(&module.name, &module.bytes)?;
    }
    if let Some(text) = &unpacked.config {
        write(CONFIG, text)?;
    }
    let form = Form::of(unpacked, id, source);
    let text = serde_json::to_vec_pretty(&form).expect("strings and numbers become JSON");
    write("kernel.json", &text)?;
    if place.exists() {
        fs::rename(&place, new.path().join("replaced")).map_err(failed_io("replace", &place))?;
    }
    fs::rename(&fresh, &place).map_err(failed_io("write", &place))?;
    load(&place).ok_or_else(|| {
        let gone = io::Error::other("what was written there just now is not there any more");
        failed_io("read", &place)(gone).into()
    })
}

/// The state of a kernel's folder.
pub enum Look {
    /// A kernel that can be used.
    Whole(Kernel),
    /// Its files are not those that were unpacked. This is its release.
    Damaged(String),
    /// No kernel's.
    None,
}

/// Reads a kernel's folder. One that is not whole is none.
pub fn load(folder: &Path) -> Option<Kernel> {
    match look(folder) {
        Look::Whole(kernel) => Some(kernel),
        Look::Damaged(_) | Look::None => None,
    }
}

/// Reads a kernel's folder.
pub fn look(folder: &Path) -> Look {
    let Some(form) = form(folder) else {
        return Look::None;
    };
    let names = form.modules.iter().map(|module| module.name.as_str());
    let names: Vec<&str> = std::iter::once("vmlinux").chain(names).collect();
    let sizes = form.modules.iter().map(|module| module.bytes);
    let sizes: Vec<u64> = std::iter::once(form.vmlinux_bytes).chain(sizes).collect();
    let is_plain = |name: &&str| !name.contains('/') && *name != "..";
    let has = |name: &str, bytes: u64| {
        fs::metadata(folder.join(name)).is_ok_and(|there| there.is_file() && there.len() == bytes)
    };
    let is_there = names
        .iter()
        .zip(&sizes)
        .all(|(name, bytes)| has(name, *bytes));
    let is_whole =
        names.iter().all(is_plain) && is_there && is_as_unpacked(folder, &form.id, &names);
    if !is_whole {
        return Look::Damaged(form.release);
    }
    let mut paths = names.iter().map(|name| folder.join(name));
    Look::Whole(Kernel {
        vmlinux: paths.next().unwrap_or_default(),
        modules: paths.collect(),
        config: match form.config_bytes {
            Some(0) => KeptConfig::Absent,
            Some(bytes) if has(CONFIG, bytes) => KeptConfig::In(folder.join(CONFIG)),
            Some(_) | None => KeptConfig::NotKept,
        },
        release: form.release,
        id: form.id,
        source: form.source,
        unknown: form.unknown,
    })
}

fn form(folder: &Path) -> Option<Form> {
    let name = folder.file_name()?.to_str()?;
    if name.starts_with(UNFINISHED) {
        return None;
    }
    let form: Form = note::read(&folder.join("kernel.json"))?;
    (form.format == FORMAT).then_some(form)
}

/// `whole.json`: the stamps of a kernel's files when their hash was found right.
#[derive(PartialEq, Serialize, Deserialize)]
struct CheckNote {
    id: String,
    stamps: Vec<Stamp>,
}

/// True if the files of a kernel hash to its id. They are hashed once, and again when one of them has
/// changed.
fn is_as_unpacked(folder: &Path, id: &str, names: &[&str]) -> bool {
    let began = SystemTime::now();
    let stamps = names.iter().map(|name| Stamp::of(&folder.join(name)));
    let Some(stamps) = stamps.collect::<Option<Vec<Stamp>>>() else {
        return false;
    };
    let is_settled = stamps.iter().all(|stamp| stamp.is_settled(began));
    let now = CheckNote {
        id: id.to_owned(),
        stamps,
    };
    let note = folder.join("whole.json");
    if note::read::<CheckNote>(&note).as_ref() == Some(&now) {
        return true;
    }
    let is_right = kernel::id_of(folder, names).is_ok_and(|found| found == id);
    if is_right && is_settled {
        note::write(&note, &now);
    }
    is_right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_hashed_once_and_again_when_a_file_of_it_is_another_one() {
        let parent = tempfile::tempdir().unwrap();
        let module = |name: &str, bytes: &[u8]| kernel::Module {
            name: name.to_owned(),
            bytes: bytes.to_vec(),
        };
        let unpacked = Unpacked {
            release: "6.1.7".to_owned(),
            vmlinux: b"kernel".to_vec(),
            modules: vec![module("z.ko", b"first"), module("a.ko", b"second")],
            config: None,
            unknown: Vec::new(),
        };
        let kernel = put(parent.path(), "6.1.7", &unpacked, "a").unwrap();
        let folder = kernel.vmlinux.parent().unwrap();
        let names = ["vmlinux", "z.ko", "a.ko"];
        // The note is believed as long as the files are the same.
        let stamps = names.map(|name| Stamp::of(&folder.join(name)).unwrap());
        let checked = CheckNote {
            id: "another".to_owned(),
            stamps: stamps.to_vec(),
        };
        let note = folder.join("whole.json");
        fs::write(&note, serde_json::to_vec(&checked).unwrap()).unwrap();
        assert!(is_as_unpacked(folder, "another", &names));
        assert!(is_as_unpacked(folder, &kernel.id, &names));
        fs::write(folder.join("a.ko"), "SECOND").unwrap();
        assert!(!is_as_unpacked(folder, "another", &names));
        assert!(!is_as_unpacked(folder, &kernel.id, &names));
    }
}
