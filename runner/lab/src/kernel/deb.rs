//! The kernel inside a Debian package.
//!
//! A package is an `ar` archive with `data.tar` in it, packed (deb(5)). Its header is read here:
//! the crate `ar` sets aside as much memory as a header claims, up to 10 GB.

use super::decompress::{Packing, bounded};
use super::flaw::Flaw;
use super::parts::KernelParts;
use super::{bzimage, config, modules, vmlinux};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

const MAGIC: &[u8] = b"!<arch>\n";

/// The most that a package may become, unpacked, in bytes.
const PACKAGE_LIMIT: u64 = 4 << 30;

/// The most that is kept of a package's files, in bytes, packed as they are there.
const KEPT_LIMIT: u64 = 512 << 20;

/// The longest name of a file, in bytes; Linux allows no longer one (`PATH_MAX`).
const NAME_LIMIT: u64 = 4096;

/// How often a package is read again, for modules that the ones before need.
const ROUNDS: usize = 8;

/// True for the start of a package.
pub fn is_deb(start: &[u8]) -> bool {
    start.starts_with(MAGIC)
}

/// Reads a package.
pub fn parts(file: &mut File) -> Result<KernelParts, Flaw> {
    let data = Data::find(file)?;
    let mut found = DebContents::default();
    // All that is called virtio at first: it is small, and mostly all that is needed.
    data.each(file, |path, reader| {
        found.take(path, reader, &|name| name.starts_with("virtio"))
    })?;
    for _ in 0..ROUNDS {
        let wanted = found.wanted();
        if wanted.is_empty() {
            break;
        }
        data.each(file, |path, reader| match modules::name(path) {
            Some(name) if wanted.contains(&name) => found.take(path, reader, &|_| true),
            _ => Ok(()),
        })?;
        found.given_up.extend(wanted);
    }
    found.parts()
}

/// Where the package's files are: the part `data.tar.*`.
struct Data {
    offset: u64,
    length: u64,
    packing: Option<Packing>,
}

impl Data {
    fn find(file: &mut File) -> Result<Data, Flaw> {
        let mut offset = MAGIC.len() as u64;
        let end = file.seek(SeekFrom::End(0))?;
        while offset < end {
            file.seek(SeekFrom::Start(offset))?;
            let mut header = [0; 60];
            file.read_exact(&mut header)
                .map_err(|_| Flaw::damaged("the package is cut off"))?;
            let bad = || Flaw::damaged("a header of the package cannot be read");
            if &header[58..] != b"`\n" {
                return Err(bad());
            }
            let word = |range| {
                let text = std::str::from_utf8(&header[range]).ok()?;
                Some(text.trim_end().to_owned())
            };
            let name = word(0..16).ok_or_else(bad)?;
            let length: u64 = word(48..58)
                .and_then(|length| length.parse().ok())
                .ok_or_else(bad)?;
            offset += header.len() as u64;
            if end - offset < length {
                return Err(Flaw::damaged("the package is cut off"));
            }
            // Some tools close a name with a slash.
            let name = name.trim_end_matches('/');
            if name.starts_with("data.tar") {
                file.seek(SeekFrom::Start(offset))?;
                let mut start = Vec::new();
                file.take(6.min(length)).read_to_end(&mut start)?;
                let packing = Packing::of(&start);
                if packing.is_none() && name != "data.tar" {
                    return Err(Flaw::damaged(format!(
                        "`{name}` is packed in a way that is not known here"
                    )));
                }
                return Ok(Data {
                    offset,
                    length,
                    packing,
                });
            }
            offset += length + length % 2;
        }
        Err(Flaw::damaged("the package holds no files"))
    }

    /// Shows each regular file, by its path without `./`.
    fn each(
        &self,
        file: &mut File,
        mut see: impl FnMut(&str, &mut dyn Read) -> Result<(), Flaw>,
    ) -> Result<(), Flaw> {
        file.seek(SeekFrom::Start(self.offset))?;
        let packed = BufReader::with_capacity(1 << 16, file.take(self.length));
        let unpacked: Box<dyn Read + '_> = match self.packing {
            Some(packing) => packing.reader(packed)?,
            None => Box::new(packed),
        };
        let mut archive = tar::Archive::new(unpacked.take(PACKAGE_LIMIT));
        let mut long_name = None;
        // Raw: the crate would read a long name of any length into memory.
        for entry in archive.entries()?.raw(true) {
            let mut entry = entry?;
            let kind = entry.header().entry_type();
            if kind.is_gnu_longname() {
                let name = bounded(&mut entry, NAME_LIMIT)?;
                long_name = Some(name);
                continue;
            }
            let name = match long_name.take() {
                Some(name) => name,
                None => entry.header().path_bytes().into_owned(),
            };
            let name = String::from_utf8_lossy(&name);
            let path = name.trim_end_matches('\0').trim_start_matches("./");
            if kind.is_file() {
                see(path, &mut entry)?;
            }
        }
        Ok(())
    }
}

/// The files of a package that were found so far.
#[derive(Default)]
struct DebContents {
    release: Option<String>,
    vmlinuz: Option<Vec<u8>>,
    config: Option<Vec<u8>>,
    builtin: Option<Vec<u8>>,
    has_modules: bool,
    /// The sum of what is kept.
    bytes: u64,
    /// Modules by name: their bytes, and what they need.
    modules: BTreeMap<String, (Vec<u8>, Vec<String>)>,
    /// Modules that were looked for and are not there.
    given_up: BTreeSet<String>,
}

impl DebContents {
    fn take(
        &mut self,
        path: &str,
        reader: &mut dyn Read,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<(), Flaw> {
        let path = path.strip_prefix("usr/").unwrap_or(path);
        let boot = path.strip_prefix("boot/");
        let module = path.strip_prefix("lib/modules/");
        if let Some(release) = boot.and_then(|file| file.strip_prefix("vmlinuz-")) {
            self.release = Some(release.to_owned());
            self.vmlinuz = Some(self.kept(reader)?);
        } else if boot.is_some_and(|file| file.starts_with("config-")) {
            self.config = Some(self.kept(reader)?);
        } else if let Some((release, file)) = module.and_then(|path| path.split_once('/')) {
            match file {
                // Since Linux 6.19 Debian's kernel lies beside its modules.
                "vmlinuz" => {
                    self.release = Some(release.to_owned());
                    self.vmlinuz = Some(self.kept(reader)?);
                }
                "config" => self.config = Some(self.kept(reader)?),
                "modules.builtin" => self.builtin = Some(self.kept(reader)?),
                other => {
                    if let Some(name) = modules::name(other) {
                        self.has_modules = true;
                        if is_wanted(&name) {
                            self.module(name, reader)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn module(&mut self, name: String, reader: &mut dyn Read) -> Result<(), Flaw> {
        let packed = self.kept(reader)?;
        let bytes = modules::unpacked_module(packed)?;
        let needs = modules::depends(&bytes)?;
        self.bytes += bytes.len() as u64;
        self.modules.insert(name, (bytes, needs));
        Ok(())
    }

    /// Reads a file, as long as all that is kept stays within bounds.
    fn kept(&mut self, reader: &mut dyn Read) -> Result<Vec<u8>, Flaw> {
        let bytes = bounded(reader, KEPT_LIMIT.saturating_sub(self.bytes))?;
        self.bytes += bytes.len() as u64;
        Ok(bytes)
    }

    /// Returns the modules that are needed and not there yet.
    fn wanted(&self) -> BTreeSet<String> {
        let built_in = self.builtin.as_deref().map(modules::builtin);
        let is_built_in = |name: &str| built_in.as_ref().is_some_and(|names| names.contains(name));
        let drivers = config::DRIVERS.map(|(_, module)| module.to_owned());
        let mut open = drivers.to_vec();
        let mut seen = BTreeSet::new();
        let mut wanted = BTreeSet::new();
        while let Some(name) = open.pop() {
            if is_built_in(&name) || !seen.insert(name.clone()) {
                continue;
            }
            match self.modules.get(&name) {
                Some((_, needs)) => open.extend(needs.iter().cloned()),
                None if self.has_modules && !self.given_up.contains(&name) => {
                    wanted.insert(name);
                }
                None => {}
            }
        }
        wanted
    }

    fn parts(self) -> Result<KernelParts, Flaw> {
        let image = self
            .vmlinuz
            .ok_or_else(|| Flaw::damaged("the package holds no kernel (`boot/vmlinuz-*`)"))?;
        let vmlinux = if bzimage::is_bzimage(&image) {
            bzimage::vmlinux(&image)?
        } else if vmlinux::is_plain(&image) {
            image
        } else {
            return Err(Flaw::damaged(
                "the kernel in the package is neither a bzImage nor an arm64 image",
            ));
        };
        for (name, (_, needs)) in &self.modules {
            let absent = |need: &&String| !self.modules.contains_key(*need);
            if let Some(need) = needs
                .iter()
                .filter(absent)
                .find(|n| self.given_up.contains(*n))
            {
                return Err(Flaw::damaged(format!(
                    "its module `{name}` needs `{need}`, which is not in the package"
                )));
            }
        }
        let drivers = config::DRIVERS.map(|(_, module)| module);
        let modules = modules::load_order(self.modules, &drivers);
        Ok(KernelParts {
            release: self.release,
            vmlinux,
            config: self.config,
            builtin: self.builtin,
            modules,
            has_modules: self.has_modules,
        })
    }
}
