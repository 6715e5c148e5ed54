//! Writes the archive format of an initial RAM disk: cpio's "newc", as the kernel's
//! `Documentation/driver-api/early-userspace/buffer-format.rst` has it.
//!
//! No tool and no root is needed: a device node is a header with a mode and two numbers.

use std::collections::BTreeMap;

/// The bits of a mode that say what an entry is (inode(7)).
const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;
const CHARACTER_DEVICE: u32 = 0o020_000;

struct CpioEntry {
    mode: u32,
    device: (u32, u32),
    data: Vec<u8>,
}

/// An archive that grows entry by entry. Folders above an entry come by themselves. The same
/// entries give the same bytes, whatever the order they came in: all belong to root, and no time is kept.
#[derive(Default)]
pub struct Archive {
    entries: BTreeMap<String, CpioEntry>,
}

impl Archive {
    /// Adds a file. `path` is absolute, as in the guest.
    pub fn file(&mut self, path: &str, permissions: u32, data: impl Into<Vec<u8>>) {
        self.add(path, FILE | permissions, (0, 0), data.into());
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, target: &str) {
        self.add(path, LINK | 0o777, (0, 0), target.as_bytes().to_vec());
    }

    /// Adds a folder.
    pub fn folder(&mut self, path: &str, permissions: u32) {
        self.add(path, FOLDER | permissions, (0, 0), Vec::new());
    }

    /// Adds a character device.
    pub fn device(&mut self, path: &str, permissions: u32, major: u32, minor: u32) {
        self.add(
            path,
            CHARACTER_DEVICE | permissions,
            (major, minor),
            Vec::new(),
        );
    }

    /// True where there is an entry of that path.
    pub fn has(&self, path: &str) -> bool {
        self.entries.contains_key(name(path))
    }

    fn add(&mut self, path: &str, mode: u32, device: (u32, u32), data: Vec<u8>) {
        let name = name(path);
        for (slash, _) in name.match_indices('/') {
            let above = name[..slash].to_owned();
            self.entries.entry(above).or_insert(CpioEntry {
                mode: FOLDER | 0o755,
                device: (0, 0),
                data: Vec::new(),
            });
        }
        let entry = CpioEntry { mode, device, data };
        self.entries.insert(name.to_owned(), entry);
    }

    /// Returns the archive's bytes.
    pub fn finish(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut inode = 0;
        // A folder sorts before what is in it, and the kernel wants it first.
        for (name, entry) in self.entries {
            inode += 1;
            let links = if entry.mode & FOLDER != 0 { 2 } else { 1 };
            write(&mut bytes, inode, &name, &entry, links);
        }
        let trailer = CpioEntry {
            mode: 0,
            device: (0, 0),
            data: Vec::new(),
        };
        write(&mut bytes, 0, "TRAILER!!!", &trailer, 1);
        bytes
    }
}

/// Names in the archive have no slash in front.
fn name(path: &str) -> &str {
    path.trim_start_matches('/')
}

fn write(bytes: &mut Vec<u8>, inode: u32, name: &str, entry: &CpioEntry, links: u32) {
    let (major, minor) = entry.device;
    let length = u32::try_from(entry.data.len()).expect("`build` takes no file of 4 GB");
    let name_length = u32::try_from(name.len() + 1).expect("a path has fewer than 4096 bytes");
    // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
    let fields = [
        inode,
        entry.mode,
        0,
        0,
        links,
        0,
        length,
        0,
        0,
        major,
        minor,
        name_length,
        0,
    ];
    bytes.extend_from_slice(b"070701");
    for field in fields {
        bytes.extend_from_slice(format!("{field:08X}").as_bytes());
    }
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(0);
    pad(bytes);
    bytes.extend_from_slice(&entry.data);
    pad(bytes);
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Reads an archive back, a line an entry: mode, device, path, and what it holds.
    pub fn listed(mut bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            assert_eq!(&bytes[..6], b"070701");
            let field = |n: usize| {
                let text = std::str::from_utf8(&bytes[6 + 8 * n..14 + 8 * n]).unwrap();
                usize::from_str_radix(text, 16).unwrap()
            };
            let (mode, length, major, minor) = (field(1), field(6), field(9), field(10));
            let end = 110 + field(11);
            let name = String::from_utf8(bytes[110..end - 1].to_vec()).unwrap();
            let data = end.next_multiple_of(4);
            if name == "TRAILER!!!" {
                assert_eq!(bytes.len(), data);
                return lines;
            }
            let text = String::from_utf8_lossy(&bytes[data..data + length]);
            lines.push(format!("{mode:o} {major}:{minor} {name} {text}"));
            bytes = &bytes[(data + length).next_multiple_of(4)..];
        }
    }

    #[test]
    fn folders_come_before_what_is_in_them_and_devices_have_numbers() {
        let mut archive = Archive::default();
        archive.file("/usr/bin/tool", 0o755, "12345");
        archive.link("/bin", "usr/bin");
        archive.device("/dev/console", 0o600, 5, 1);
        archive.folder("/tmp", 0o1777);
        let expected = [
            "120777 0:0 bin usr/bin",
            "40755 0:0 dev ",
            "20600 5:1 dev/console ",
            "41777 0:0 tmp ",
            "40755 0:0 usr ",
            "40755 0:0 usr/bin ",
            "100755 0:0 usr/bin/tool 12345",
        ];
        assert_eq!(listed(&archive.finish()), expected);
    }

    #[test]
    fn the_order_of_adding_changes_nothing() {
        let bytes = |names: [&str; 2]| {
            let mut archive = Archive::default();
            for name in names {
                archive.file(name, 0o644, name);
            }
            archive.finish()
        };
        assert_eq!(bytes(["/b/x", "/a"]), bytes(["/a", "/b/x"]));
    }
}
