//! Modules: which ones, and in which order to load them.

use super::decompress::{Packing, unpacked};
use super::flaw::Flaw;
use super::parts::Module;
use object::{Object as _, ObjectSection as _};
use std::collections::{BTreeMap, BTreeSet};

/// The largest module that is unpacked, in bytes.
const MODULE_LIMIT: u64 = 64 << 20;

/// Returns a module's name from its path: `virtio_rng` of `kernel/…/virtio-rng.ko.xz`.
///
/// The kernel takes `-` and `_` for the same (`scripts/Makefile.lib`, `KBUILD_MODNAME`).
pub fn name(path: &str) -> Option<String> {
    let file = path.rsplit('/').next()?;
    let (stem, end) = file.split_once(".ko")?;
    let is_module = ["", ".xz", ".gz", ".zst"].contains(&end);
    is_module.then(|| stem.replace('-', "_"))
}

/// Reads the package's `modules.builtin`: one path a line.
pub fn builtin(text: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(text);
    text.lines().filter_map(name).collect()
}

/// Unpacks a module's file.
pub fn unpacked_module(bytes: Vec<u8>) -> Result<Vec<u8>, Flaw> {
    match Packing::of(&bytes) {
        Some(packing) => Ok(unpacked(packing, &bytes, MODULE_LIMIT)?),
        None => Ok(bytes),
    }
}

/// Returns the modules that a module says it needs: `depends=` in its section `.modinfo`, which
/// the kernel's build writes (`scripts/mod/modpost.c`). No `modules.dep` is needed.
pub fn depends(module: &[u8]) -> Result<Vec<String>, Flaw> {
    let flaw = |error: object::Error| Flaw::damaged(format!("a module in it: {error}"));
    let file = object::File::parse(module).map_err(flaw)?;
    let Some(section) = file.section_by_name(".modinfo") else {
        return Err(Flaw::damaged("a module in it has no section `.modinfo`"));
    };
    let data = section.data().map_err(flaw)?;
    let fields = data.split(|byte| *byte == 0);
    let needed = fields.filter_map(|field| field.strip_prefix(b"depends="));
    let names = needed.flat_map(|names| names.split(|byte| *byte == b','));
    Ok(names
        .filter(|name| !name.is_empty())
        .map(|name| String::from_utf8_lossy(name).replace('-', "_"))
        .collect())
}

/// Puts modules into an order in which each comes after those that it needs.
pub fn load_order(
    modules: BTreeMap<String, (Vec<u8>, Vec<String>)>,
    wanted: &[&str],
) -> Vec<Module> {
    let mut order: Vec<String> = Vec::new();
    // A name goes onto the stack twice: to look at what it needs, and to be placed behind that.
    let mut stack: Vec<(String, bool)> = Vec::new();
    let mut seen = BTreeSet::new();
    stack.extend(wanted.iter().rev().map(|name| ((*name).to_owned(), false)));
    while let Some((name, is_ready)) = stack.pop() {
        let Some((_, needs)) = modules.get(&name) else {
            continue;
        };
        if is_ready {
            order.push(name);
            continue;
        }
        if !seen.insert(name.clone()) {
            continue;
        }
        stack.push((name, true));
        stack.extend(needs.iter().rev().map(|need| (need.clone(), false)));
    }
    let mut modules = modules;
    let taken = order.into_iter().filter_map(|name| {
        let (bytes, _) = modules.remove(&name)?;
        let name = format!("{name}.ko");
        Some(Module { name, bytes })
    });
    taken.collect()
}
