//! The helper functions that the kernel offers to BPF programs, by number and by name.
//!
//! The numbers and prototypes are those of the kernel's `include/uapi/linux/bpf.h`; `regenerate.py`, beside this
//! file, reads them from a header. The list is closed: what the kernel offers since is a kfunc.

use std::fmt;
use std::sync::LazyLock;

const TABLE: &str = include_str!("helpers.tsv");

static HELPERS: LazyLock<Vec<Helper>> = LazyLock::new(|| TABLE.lines().filter_map(row).collect());

/// A helper function.
///
/// ```
/// let helper = tutor_bpf::helper::by_id(6).unwrap();
/// assert_eq!(helper.to_string(), "bpf_trace_printk");
/// assert_eq!(helper.prototype(), "long bpf_trace_printk(const char *fmt, u32 fmt_size, ...)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Helper {
    id: i32,
    name: &'static str,
    prototype: &'static str,
}

impl Helper {
    /// Returns the number that a `call` has in its immediate.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// Returns the name in the kernel's list, such as `trace_printk`; C calls it with `bpf_` before it.
    pub fn short_name(&self) -> &'static str {
        self.name
    }

    /// Returns the prototype as the kernel's header describes it, in the kernel's types.
    pub fn prototype(&self) -> &'static str {
        self.prototype
    }

    /// Returns the constant of `enum bpf_func_id`, such as `BPF_FUNC_trace_printk`.
    pub fn constant(&self) -> String {
        format!("BPF_FUNC_{}", self.name)
    }
}

/// The name that C calls it by, such as `bpf_trace_printk`.
impl fmt::Display for Helper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bpf_")?;
        f.write_str(self.name)
    }
}

/// Returns all helpers by number, from 1.
pub fn all() -> &'static [Helper] {
    &HELPERS
}

/// Returns the helper with a number, if there is one.
pub fn by_id(id: i32) -> Option<Helper> {
    // The numbers go from 1 without a gap; a table that had one would still be answered rightly.
    let place = usize::try_from(id).ok()?.checked_sub(1)?;
    let at_place = HELPERS.get(place).filter(|helper| helper.id == id);
    at_place
        .or_else(|| HELPERS.iter().find(|helper| helper.id == id))
        .copied()
}

/// Returns the helper with a name: `bpf_trace_printk`, `trace_printk` or `BPF_FUNC_trace_printk`.
pub fn by_name(name: &str) -> Option<Helper> {
    let name = short(name);
    HELPERS.iter().find(|helper| helper.name == name).copied()
}

/// Returns the helper whose name is nearest to a misspelt one, if one is near.
pub fn nearest(name: &str) -> Option<Helper> {
    let name = short(name);
    let distance = |helper: &Helper| strsim::damerau_levenshtein(helper.name, name);
    let nearest = HELPERS.iter().min_by_key(|helper| distance(helper))?;
    (distance(nearest) <= 1 + name.len() / 4).then_some(*nearest)
}

fn short(name: &str) -> &str {
    let bare = name.strip_prefix("BPF_FUNC_");
    bare.or_else(|| name.strip_prefix("bpf_")).unwrap_or(name)
}

fn row(line: &'static str) -> Option<Helper> {
    let mut cells = line.split('\t');
    Some(Helper {
        id: cells.next()?.parse().ok()?,
        name: cells.next()?,
        prototype: cells.next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_line_of_the_table_is_read_and_has_a_prototype_with_its_name() {
        assert_eq!(all().len(), TABLE.lines().count());
        for (place, helper) in all().iter().enumerate() {
            assert_eq!(helper.id, place as i32 + 1);
            assert!(
                helper.prototype.contains(&format!("{helper}(")),
                "{helper:?}"
            );
        }
    }

    #[test]
    fn a_helper_is_found_by_each_of_its_names() {
        for name in ["bpf_trace_printk", "trace_printk", "BPF_FUNC_trace_printk"] {
            assert_eq!(by_name(name).map(|helper| helper.id), Some(6));
        }
        assert_eq!(by_id(0), None);
        assert_eq!(by_id(-61360), None);
    }

    #[test]
    fn a_misspelt_name_has_a_nearest_one() {
        let near = |name| nearest(name).map(|helper| helper.to_string());
        assert_eq!(near("bpf_trace_prink").as_deref(), Some("bpf_trace_printk"));
        assert_eq!(near("printf_hello_world"), None);
    }

    /// The header of this machine may be older than the table, and then ends earlier.
    #[test]
    fn the_table_agrees_with_the_header_of_this_machine() {
        let Ok(header) = fs::read_to_string("/usr/include/linux/bpf.h") else {
            println!("skipped: the_table_agrees_with_the_header_of_this_machine: no linux/bpf.h");
            return;
        };
        let start = header.find("BPF_FUNC_MAPPER(FN").unwrap();
        let rest = &header[start..];
        let mapper = &rest[..rest.find("\n\n").unwrap()];
        let names = mapper
            .split("FN(")
            .skip(2)
            .filter_map(|entry| entry.split([',', ')']).next());
        let names: Vec<&str> = names.collect();
        assert!(names.len() > 100, "{}", names.len());
        for (id, name) in names.iter().enumerate() {
            assert_eq!(by_id(id as i32 + 1).map(|helper| helper.name), Some(*name));
        }
    }
}
