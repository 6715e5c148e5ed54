//! The macros that headers define, as clang tells them.

use std::collections::HashMap;

use super::token::tokens;

/// Where a macro was defined, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The header, as clang found it; none for what clang defines by itself.
    pub header: Option<String>,
    /// The line in the header, from 1.
    pub line: u32,
    /// The name.
    pub name: String,
    /// The whole definition: `BPF_OP(code) ((code) & 0xf0)`.
    pub text: String,
    /// Whether it takes arguments.
    pub is_function: bool,
    /// The line at which the same header takes it back, as those do that make an enum of a list.
    pub undefined_at: Option<u32>,
}

/// Macros by name.
#[derive(Debug, Default)]
pub(super) struct MacroTable {
    macros: HashMap<String, Definition>,
    /// Those that were taken back.
    undefined: HashMap<String, Definition>,
}

impl MacroTable {
    /// Reads what `clang -E -dD` wrote: line markers, `#define` and `#undef`.
    pub(super) fn read(text: &str) -> Self {
        let mut table = Self::default();
        let (mut header, mut line) = (None, 0_u32);
        for row in text.lines() {
            if let Some((number, file)) = marker(row) {
                line = number;
                header = file;
                continue;
            }
            if let Some(text) = row.strip_prefix("#define ") {
                let name = tokens(text).first().copied().unwrap_or_default();
                let definition = Definition {
                    header: header.clone(),
                    line,
                    name: name.to_owned(),
                    text: text.trim_end().to_owned(),
                    is_function: text[name.len()..].starts_with('('),
                    undefined_at: None,
                };
                table.macros.insert(name.to_owned(), definition);
            } else if let Some(name) = row.strip_prefix("#undef ")
                && let Some(mut definition) = table.macros.remove(name.trim())
            {
                definition.undefined_at = (definition.header == header).then_some(line);
                table.undefined.insert(definition.name.clone(), definition);
            }
            line = line.saturating_add(1);
        }
        table
    }

    pub(super) fn get(&self, name: &str) -> Option<&Definition> {
        self.macros.get(name)
    }

    /// Defines a macro again that was taken back, and returns it.
    pub(super) fn revive(&mut self, name: &str) -> Option<&Definition> {
        if self.macros.contains_key(name) {
            return None;
        }
        let definition = self.undefined.remove(name)?;
        self.macros.insert(name.to_owned(), definition);
        self.macros.get(name)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Definition> {
        self.macros.values()
    }

    /// Returns the names most like that one, in any case: at most a third of its letters may differ.
    pub(super) fn near(&self, name: &str) -> Vec<String> {
        let wanted = name.to_lowercase();
        let distance = |other: &&str| strsim::damerau_levenshtein(&wanted, &other.to_lowercase());
        let mut near: Vec<(usize, &str)> = self
            .names()
            .map(|other| (distance(&other), other))
            .collect();
        near.retain(|(distance, _)| *distance <= name.chars().count().div_ceil(3));
        near.sort_unstable();
        near.into_iter()
            .take(NEAR)
            .map(|(_, name)| name.to_owned())
            .collect()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.macros.keys().map(String::as_str)
    }
}

/// So many names are offered in place of an unknown one.
const NEAR: usize = 3;

/// Reads `# 46 "/usr/include/linux/bpf.h" 1 3`.
fn marker(row: &str) -> Option<(u32, Option<String>)> {
    let (number, rest) = row.strip_prefix("# ")?.split_once(' ')?;
    let file = rest.strip_prefix('"')?.rsplit_once('"')?.0;
    let is_clang = file.starts_with('<');
    let file = file.replace("\\\\", "\\").replace("\\\"", "\"");
    Some((number.parse().ok()?, (!is_clang).then_some(file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_have_their_header_and_line() {
        let text = "# 1 \"<built-in>\" 1\n#define __BPF__ 1\n# 10 \"a.h\" 1 3\n\n#define F(x) ((x) + 1)\n#define G F\n#undef G\n#define P (1)\n";
        let table = MacroTable::read(text);
        let f = table.get("F").unwrap();
        assert_eq!((f.header.as_deref(), f.line), (Some("a.h"), 11));
        assert_eq!(f.text, "F(x) ((x) + 1)");
        assert!(f.is_function);
        assert!(!table.get("P").unwrap().is_function);
        assert_eq!(table.get("G"), None);
        let mut table = table;
        assert_eq!(table.revive("G").unwrap().undefined_at, Some(13));
        assert!(table.get("G").is_some() && table.revive("F").is_none());
        assert_eq!(table.get("__BPF__").unwrap().header, None);
    }

    #[test]
    fn near_names_come_nearest_first_and_far_ones_not_at_all() {
        let table = MacroTable::read("#define BPF_CALL 1\n#define BPF_CALLS 1\n#define EXIT 2\n");
        assert_eq!(table.near("bpf_cal"), ["BPF_CALL", "BPF_CALLS"]);
        assert!(table.near("nothing_like_it").is_empty());
    }
}
