//! The maps that an object defines.

use std::borrow::Cow;
use std::collections::HashMap;

use super::btf::{Btf, Type, Words};
use super::section::{Section, range};
use super::symbol::{Home, Symbol, SymbolKind};
use crate::insn::ByteOrder;

/// A map.
#[derive(Debug, Clone)]
pub struct Map<'d> {
    /// Its name.
    pub name: Cow<'d, str>,
    /// The number of its section: `.maps`, or `maps` or `maps/NAME` for the legacy form.
    pub section: usize,
    /// Where it begins in the section, in bytes.
    pub offset: u64,
    /// Its properties; none where the object has no BTF to tell them.
    pub definition: Option<MapDefinition>,
}

/// The properties of a map. One that is not given is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MapDefinition {
    /// Its type, a `BPF_MAP_TYPE_*`.
    pub kind: u32,
    /// The size of a key, in bytes.
    pub key_size: u32,
    /// The size of a value, in bytes.
    pub value_size: u32,
    /// How many elements it holds at most.
    pub max_entries: u32,
    /// Its flags, `BPF_F_*`.
    pub flags: u32,
}

impl MapDefinition {
    /// Returns the type's name in the kernel's header, in lower case and without `BPF_MAP_TYPE_`.
    pub fn kind_name(&self) -> Option<&'static str> {
        KINDS.get(self.kind as usize).copied()
    }
}

/// `enum bpf_map_type` of the kernel's uapi header.
const KINDS: [&str; 35] = [
    "unspec",
    "hash",
    "array",
    "prog_array",
    "perf_event_array",
    "percpu_hash",
    "percpu_array",
    "stack_trace",
    "cgroup_array",
    "lru_hash",
    "lru_percpu_hash",
    "lpm_trie",
    "array_of_maps",
    "hash_of_maps",
    "devmap",
    "sockmap",
    "cpumap",
    "xskmap",
    "sockhash",
    "cgroup_storage",
    "reuseport_sockarray",
    "percpu_cgroup_storage",
    "queue",
    "stack",
    "sk_storage",
    "devmap_hash",
    "struct_ops",
    "ringbuf",
    "inode_storage",
    "task_storage",
    "bloom_filter",
    "user_ringbuf",
    "cgrp_storage",
    "arena",
    "insn_array",
];

/// How many names and qualifiers of a type are followed: more is a circle.
const ALIASES: usize = 32;

pub(super) fn maps<'d>(
    sections: &[Section<'d>],
    symbols: &[Symbol<'d>],
    order: ByteOrder,
    btf: Option<&Btf<'d>>,
) -> Vec<Map<'d>> {
    let place_of = |symbol: &Symbol<'d>| match (symbol.kind, symbol.home) {
        // The symbols of clang before 9 have no type.
        (SymbolKind::Object | SymbolKind::Untyped, Home::Section(index)) => {
            let section = sections.get(index.checked_sub(1)?)?;
            let form = MapForm::of(section).filter(|_| !symbol.name.is_empty())?;
            Some((section, form))
        }
        _ => None,
    };
    let has_maps = sections.iter().any(|section| section.name == ".maps");
    let variables = btf.filter(|_| has_maps).map(variables).unwrap_or_default();
    let mut places: Vec<(&Symbol<'d>, &Section<'d>, MapForm)> = symbols
        .iter()
        .filter_map(|symbol| place_of(symbol).map(|(section, form)| (symbol, section, form)))
        .collect();
    let key =
        |(symbol, section, _): &(&Symbol<'d>, &Section<'d>, MapForm)| (section.index, symbol.value);
    places.sort_by_key(key);
    let map = |place: usize| {
        let (symbol, section, form) = places[place];
        let definition = match form {
            MapForm::Typed => {
                let kind = variables.get(&symbol.name);
                btf.zip(kind).and_then(|(btf, kind)| defined(btf, *kind))
            }
            MapForm::Legacy => {
                let here = (section.index, symbol.value);
                let after = places.partition_point(|place| key(place) <= here);
                let next = places.get(after).map(key);
                let next = next.filter(|(index, _)| *index == section.index);
                let end = next.map_or(section.size, |(_, offset)| offset);
                let size = end.saturating_sub(symbol.value);
                legacy(range(section.data, symbol.value, size), order)
            }
        };
        Map {
            name: symbol.name.clone(),
            section: section.index,
            offset: symbol.value,
            definition,
        }
    };
    (0..places.len()).map(map).collect()
}

/// How a section defines maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MapForm {
    /// By their types, in `.maps`.
    Typed,
    /// By numbers, in `maps` or `maps/NAME`.
    Legacy,
}

impl MapForm {
    fn of(section: &Section<'_>) -> Option<Self> {
        match &*section.name {
            _ if section.is_code() => None,
            ".maps" => Some(Self::Typed),
            "maps" => Some(Self::Legacy),
            name => name.starts_with("maps/").then_some(Self::Legacy),
        }
    }
}

/// `struct bpf_map_def` of libbpf before 1.0; older loaders have one that is shorter, and iproute2 one that is longer.
fn legacy(data: &[u8], order: ByteOrder) -> Option<MapDefinition> {
    let words = Words { data, order };
    Some(MapDefinition {
        kind: words.at(0)?,
        key_size: words.at(4)?,
        value_size: words.at(8)?,
        max_entries: words.at(12)?,
        flags: words.at(16).unwrap_or_default(),
    })
}

/// The types of all variables, by name.
fn variables<'d>(btf: &Btf<'d>) -> HashMap<Cow<'d, str>, u32> {
    let variable = |id| match btf.get(id) {
        Some(Type::Variable(kind)) => Some((btf.name(id)?, kind)),
        _ => None,
    };
    btf.ids().filter_map(variable).collect()
}

/// Reads the struct that `SEC(".maps")` stands behind: each number is the length of an array that is pointed to,
/// each type is pointed to as well.
fn defined(btf: &Btf<'_>, kind: u32) -> Option<MapDefinition> {
    let words = btf.words();
    let Type::Struct { members, .. } = bare(btf, kind)? else {
        return None;
    };
    let members = Words {
        data: members,
        order: words.order,
    };
    let mut definition = MapDefinition::default();
    for at in (0..members.data.len()).step_by(12) {
        let name = btf.string(members.at(at)?)?;
        let kind = members.at(at + 4)?;
        match &*name {
            "type" => definition.kind = number(btf, kind)?,
            "max_entries" => definition.max_entries = number(btf, kind)?,
            "map_flags" => definition.flags = number(btf, kind)?,
            "key_size" => definition.key_size = number(btf, kind)?,
            "value_size" => definition.value_size = number(btf, kind)?,
            "key" => definition.key_size = pointed_size(btf, kind)?,
            "value" => definition.value_size = pointed_size(btf, kind)?,
            _ => {}
        }
    }
    Some(definition)
}

fn number(btf: &Btf<'_>, id: u32) -> Option<u32> {
    let Type::Pointer(array) = bare(btf, id)? else {
        return None;
    };
    match bare(btf, array)? {
        Type::Array { count, .. } => Some(count),
        _ => None,
    }
}

fn pointed_size(btf: &Btf<'_>, id: u32) -> Option<u32> {
    let Type::Pointer(pointed) = bare(btf, id)? else {
        return None;
    };
    size(btf, pointed, ALIASES)
}

fn size(btf: &Btf<'_>, id: u32, depth: usize) -> Option<u32> {
    match bare(btf, id)? {
        Type::Sized(size) | Type::Struct { size, .. } => Some(size),
        Type::Pointer(_) => Some(8),
        Type::Array { element, count } => size_of_element(btf, element, depth)?.checked_mul(count),
        Type::Alias(_) | Type::Variable(_) | Type::Other => None,
    }
}

fn size_of_element(btf: &Btf<'_>, id: u32, depth: usize) -> Option<u32> {
    size(btf, id, depth.checked_sub(1)?)
}

/// Follows names and qualifiers.
fn bare<'d>(btf: &Btf<'d>, mut id: u32) -> Option<Type<'d>> {
    for _ in 0..ALIASES {
        match btf.get(id)? {
            Type::Alias(next) => id = next,
            other => return Some(other),
        }
    }
    None
}
