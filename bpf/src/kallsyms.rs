//! The kernel's symbols, from `/proc/kallsyms`.
//!
//! The list is long, and the kernel takes its time over it: it is read once, and only as far as needed.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};

use crate::load::{Disclosure, Withheld};

const PATH: &str = "/proc/kallsyms";
const CHUNK: u64 = 256 * 1024;

/// The kernel's symbols.
///
/// ```no_run
/// use tutor_bpf::kallsyms::KernelSymbols;
///
/// let mut symbols = KernelSymbols::open()?;
/// if let Some(base) = symbols.address("__bpf_call_base")?.value() {
///     println!("helper offsets count from {base:#x}");
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct KernelSymbols<R = File> {
    source: R,
    has_ended: bool,
    /// Whole lines, each after a line break: `\nffffffff814bd860 T bpf_trace_printk\n…`.
    text: Vec<u8>,
    /// The start of a line whose end is not yet read.
    rest: Vec<u8>,
    names: HashMap<u64, Option<String>>,
}

impl KernelSymbols {
    /// Opens the list. The error is about a missing `/proc`, or a kernel without `CONFIG_KALLSYMS`.
    pub fn open() -> io::Result<Self> {
        Ok(KernelSymbols::new(File::open(PATH)?))
    }
}

impl<R: Read> KernelSymbols<R> {
    /// Reads symbols in the format of `/proc/kallsyms`.
    pub fn new(source: R) -> Self {
        Self {
            source,
            has_ended: false,
            text: vec![b'\n'],
            rest: Vec::new(),
            names: HashMap::new(),
        }
    }

    /// Returns the address of a symbol.
    pub fn address(&mut self, name: &str) -> io::Result<Disclosure<u64>> {
        // Type, space and name follow the address; a module's name may follow them.
        let found = self.find(|text, from| {
            let mut from = from;
            loop {
                let at = from + text[from..].find(name)?;
                let is_name =
                    text[..at].ends_with(' ') && text[at + name.len()..].starts_with(['\n', '\t']);
                if is_name {
                    return Some(text[..at].rfind('\n')? + 1);
                }
                from = at + name.len();
            }
        })?;
        let Some(start) = found else {
            return Ok(Disclosure::Absent);
        };
        Ok(match address_at(self.text(), start) {
            Some(0) => Disclosure::Withheld(Withheld::Addresses),
            Some(address) => Disclosure::Shown(address),
            None => Disclosure::Absent,
        })
    }

    /// Returns the name of the symbol that begins at an address. Of several, the first that is no padding.
    pub fn name(&mut self, address: u64) -> io::Result<Option<String>> {
        if let Some(known) = self.names.get(&address) {
            return Ok(known.clone());
        }
        let line = format!("\n{address:016x} ");
        let found = self.find(|text, from| {
            let mut from = from;
            loop {
                let at = from + text[from..].find(&line)?;
                let is_padding =
                    name_at(text, at + 1).is_none_or(|name| name.starts_with("__pfx_"));
                if !is_padding {
                    return Some(at + 1);
                }
                from = at + 1;
            }
        })?;
        let name = found.and_then(|start| name_at(self.text(), start).map(str::to_owned));
        self.names.insert(address, name.clone());
        Ok(name)
    }

    /// Returns the name of the symbol that begins at an address, if it stands in what was read already.
    pub fn name_at_hand(&self, address: u64) -> Option<String> {
        if let Some(known) = self.names.get(&address) {
            return known.clone();
        }
        let text = self.text();
        let at = text.find(&format!("\n{address:016x} "))?;
        let name = name_at(text, at + 1)?;
        (!name.starts_with("__pfx_")).then(|| name.to_owned())
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.text).expect("only ASCII is kept")
    }

    /// Looks in what was read, then reads on. `search` gets the text and where to begin in it.
    fn find(&mut self, search: impl Fn(&str, usize) -> Option<usize>) -> io::Result<Option<usize>> {
        let mut from = 0;
        loop {
            if let Some(found) = search(self.text(), from) {
                return Ok(Some(found));
            }
            if self.has_ended {
                return Ok(None);
            }
            // A line starts with the break before it.
            from = self.text.len() - 1;
            self.read_on()?;
        }
    }

    fn read_on(&mut self) -> io::Result<()> {
        let mut chunk = std::mem::take(&mut self.rest);
        let read = self.source.by_ref().take(CHUNK).read_to_end(&mut chunk)?;
        self.has_ended = read == 0;
        let whole = match self.has_ended {
            true => chunk.len(),
            false => chunk
                .iter()
                .rposition(|&byte| byte == b'\n')
                .map_or(0, |at| at + 1),
        };
        self.rest = chunk.split_off(whole);
        for byte in &mut chunk {
            if !byte.is_ascii() {
                *byte = b'?';
            }
        }
        self.text.append(&mut chunk);
        Ok(())
    }
}

fn address_at(text: &str, start: usize) -> Option<u64> {
    let digits = text[start..].split(' ').next()?;
    u64::from_str_radix(digits, 16).ok()
}

fn name_at(text: &str, start: usize) -> Option<&str> {
    let line = text[start..].lines().next()?;
    let name = line.splitn(3, ' ').nth(2)?;
    name.split('\t').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "\
0000000000000000 A fixed_percpu_data
ffffffff814bd850 T __pfx_bpf_trace_printk
ffffffff814bd860 T bpf_trace_printk
ffffffff814cc800 T __pfx___bpf_call_base
ffffffff814cc810 T __bpf_call_base
ffffffff81521fd0 t fd_array_map_lookup_elem
ffffffff81522030 t array_map_lookup_elem
ffffffffc0201000 t some_function\t[module]
";

    fn symbols(list: &str) -> KernelSymbols<&[u8]> {
        KernelSymbols::new(list.as_bytes())
    }

    #[test]
    fn a_name_has_an_address_and_an_address_a_name() {
        let mut symbols = symbols(LIST);
        let address = symbols.address("__bpf_call_base").unwrap();
        assert_eq!(address, Disclosure::Shown(0xffff_ffff_814c_c810));
        let name = |symbols: &mut KernelSymbols<&[u8]>, at| symbols.name(at).unwrap();
        let printk = name(&mut symbols, 0xffff_ffff_814b_d860);
        assert_eq!(printk.as_deref(), Some("bpf_trace_printk"));
        let function = name(&mut symbols, 0xffff_ffff_c020_1000);
        assert_eq!(function.as_deref(), Some("some_function"));
        assert_eq!(name(&mut symbols, 0xffff_ffff_814b_d861), None);
    }

    #[test]
    fn the_end_of_another_name_is_not_the_name() {
        let address = symbols(LIST).address("array_map_lookup_elem").unwrap();
        assert_eq!(address, Disclosure::Shown(0xffff_ffff_8152_2030));
        assert_eq!(
            symbols(LIST).address("map_lookup_elem").unwrap(),
            Disclosure::Absent
        );
    }

    #[test]
    fn padding_before_a_function_has_no_name() {
        assert_eq!(symbols(LIST).name(0xffff_ffff_814b_d850).unwrap(), None);
    }

    #[test]
    fn an_address_of_zeroes_is_withheld() {
        let hidden = "0000000000000000 T bpf_trace_printk\n";
        let address = symbols(hidden).address("bpf_trace_printk").unwrap();
        assert_eq!(address, Disclosure::Withheld(Withheld::Addresses));
        assert_eq!(symbols("").address("a").unwrap(), Disclosure::Absent);
    }
}
