//! Objects as clang before 9 made them: no symbol has a type or a size.

use ::object::write::{Object, Relocation, SectionId, Symbol, SymbolId, SymbolSection};
use ::object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionKind, SymbolFlags, SymbolKind,
    SymbolScope, elf,
};

use super::*;

/// An object that is being written.
struct OldObject(Object<'static>);

impl OldObject {
    fn new() -> Self {
        let endianness = Endianness::Little;
        Self(Object::new(
            BinaryFormat::Elf,
            Architecture::Bpf,
            endianness,
        ))
    }

    fn section(&mut self, name: &str, kind: SectionKind, data: &[u8]) -> SectionId {
        let section = self
            .0
            .add_section(Vec::new(), name.as_bytes().to_vec(), kind);
        self.0.append_section_data(section, data, 8);
        section
    }

    fn code(&mut self, name: &str, slots: &[[u8; 8]]) -> SectionId {
        self.section(name, SectionKind::Text, &slots.concat())
    }

    fn symbol(
        &mut self,
        name: &str,
        section: SectionId,
        value: u64,
        binding: elf::SymbolBind,
    ) -> SymbolId {
        self.0.add_symbol(Symbol {
            name: name.as_bytes().to_vec(),
            value,
            size: 0,
            kind: SymbolKind::Unknown,
            scope: SymbolScope::Compilation,
            weak: false,
            section: SymbolSection::Section(section),
            flags: SymbolFlags::Elf {
                st_info: elf::SymbolInfo::new(binding, elf::STT_NOTYPE),
                st_other: Default::default(),
            },
        })
    }

    fn global(&mut self, name: &str, section: SectionId, value: u64) -> SymbolId {
        self.symbol(name, section, value, elf::STB_GLOBAL)
    }

    fn local(&mut self, name: &str, section: SectionId, value: u64) -> SymbolId {
        self.symbol(name, section, value, elf::STB_LOCAL)
    }

    fn relocation(&mut self, section: SectionId, offset: u64, symbol: SymbolId) {
        let relocation = Relocation {
            offset,
            symbol,
            addend: 0,
            flags: RelocationFlags::Elf {
                r_type: elf::R_BPF_64_64,
            },
        };
        self.0.add_relocation(section, relocation).unwrap();
    }

    fn written(self) -> Vec<u8> {
        self.0.write().unwrap()
    }
}

const MOV: [u8; 8] = [0xb7, 0, 0, 0, 1, 0, 0, 0];
const EXIT: [u8; 8] = [0x95, 0, 0, 0, 0, 0, 0, 0];
const LOAD: [u8; 8] = [0x18, 1, 0, 0, 0, 0, 0, 0];
const ZERO: [u8; 8] = [0; 8];
/// A call of the function two slots on.
const CALL: [u8; 8] = [0x85, 0x10, 0, 0, 2, 0, 0, 0];

/// `struct bpf_map_def` in words.
fn definition(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn listed<'f, 'd: 'f>(
    functions: impl Iterator<Item = &'f ObjectFunction<'d>>,
) -> Vec<(&'f str, u64, u64)> {
    functions
        .map(|function| (&*function.name, function.offset, function.size))
        .collect()
}

#[test]
fn functions_without_a_type_are_found_by_section_and_binding() {
    let mut old = OldObject::new();
    let xdp = old.code("xdp1", &[CALL, MOV, EXIT, MOV, EXIT, MOV, EXIT]);
    old.global("first", xdp, 0);
    old.local("helping", xdp, 24);
    old.global("second", xdp, 40);
    let text = old.code(".text", &[MOV, EXIT]);
    old.global("shared", text, 0);
    let elf = old.written();
    let object = BpfObject::parse(&elf).unwrap();
    assert_eq!(
        listed(object.programs()),
        [("first", 0, 24), ("second", 40, 16)]
    );
    assert_eq!(
        listed(object.subprograms()),
        [("helping", 24, 16), ("shared", 0, 16)]
    );
    assert!(object.is_untyped());
}

#[test]
fn beside_functions_with_a_type_one_without_is_no_program() {
    let mut old = OldObject::new();
    let xdp = old.code("xdp", &[MOV, MOV, EXIT]);
    let prog = old.global("prog", xdp, 0);
    let prog = old.0.symbol_mut(prog);
    prog.kind = SymbolKind::Text;
    prog.size = 24;
    prog.scope = SymbolScope::Dynamic;
    prog.flags = SymbolFlags::None;
    old.global("inside", xdp, 8);
    let elf = old.written();
    let object = BpfObject::parse(&elf).unwrap();
    assert_eq!(listed(object.programs()), [("prog", 0, 24)]);
    assert_eq!(listed(object.subprograms()), [("inside", 8, 16)]);
    assert!(!object.is_untyped());
}

#[test]
fn the_label_of_a_jump_is_no_function() {
    let mut old = OldObject::new();
    let xdp = old.code("xdp1", &[MOV, MOV, EXIT]);
    old.global("prog", xdp, 0);
    old.local("LBB0_1", xdp, 8);
    let elf = old.written();
    let object = BpfObject::parse(&elf).unwrap();
    assert_eq!(listed(object.functions().iter()), [("prog", 0, 24)]);
}

#[test]
fn a_call_of_a_static_function_without_a_type_is_named() {
    let mut old = OldObject::new();
    let xdp = old.code("xdp1", &[CALL, MOV, EXIT, MOV, EXIT]);
    old.global("prog", xdp, 0);
    old.local("static_fn", xdp, 24);
    let elf = old.written();
    let object = BpfObject::parse(&elf).unwrap();
    let section = object.section_named("xdp1").unwrap();
    let call = object.code(section).next().unwrap().unwrap().instruction;
    let referent = object.referent(section, 0, &call);
    assert_eq!(referent, Some(Referent::Function("static_fn")));
}

#[test]
fn maps_without_a_type_are_found_by_section() {
    let mut old = OldObject::new();
    let mut definitions = definition(&[1, 4, 8, 256, 1]);
    definitions.extend(definition(&[2, 4, 4, 3, 0]));
    let maps = old.section("maps", SectionKind::Data, &definitions);
    let second = old.global("second", maps, 20);
    old.global("first", maps, 0);
    let inner = old.section(
        "maps/inner",
        SectionKind::Data,
        &definition(&[2, 4, 4, 1, 0]),
    );
    old.global("inner", inner, 0);
    let xdp = old.code("xdp1", &[LOAD, ZERO, EXIT]);
    old.global("prog", xdp, 0);
    old.relocation(xdp, 0, second);
    let elf = old.written();
    let object = BpfObject::parse(&elf).unwrap();
    let maps: Vec<(&str, Option<&str>, u32)> = object
        .maps()
        .iter()
        .map(|map| {
            let definition = map.definition.unwrap();
            (&*map.name, definition.kind_name(), definition.max_entries)
        })
        .collect();
    assert_eq!(
        maps,
        [
            ("first", Some("hash"), 256),
            ("second", Some("array"), 3),
            ("inner", Some("array"), 1)
        ]
    );
    let section = object.section_named("xdp1").unwrap();
    let load = object.code(section).next().unwrap().unwrap().instruction;
    assert_eq!(
        object.referent(section, 0, &load),
        Some(Referent::Map("second"))
    );
}

#[test]
fn a_short_definition_of_a_map_ends_where_the_next_begins() {
    let mut old = OldObject::new();
    let mut definitions = definition(&[1, 4, 8, 256]);
    definitions.extend(definition(&[2, 4, 4, 3]));
    let maps = old.section("maps", SectionKind::Data, &definitions);
    old.global("first", maps, 0);
    old.global("second", maps, 16);
    let elf = old.written();
    let object = BpfObject::parse(&elf).unwrap();
    let flags: Vec<u32> = object
        .maps()
        .iter()
        .map(|map| map.definition.unwrap().flags)
        .collect();
    assert_eq!(flags, [0, 0]);
}

#[test]
fn data_is_named_by_the_variable_that_it_lies_in() {
    let mut old = OldObject::new();
    let data = old.section(".data", SectionKind::Data, &[0; 32]);
    for (name, value, size) in [("calls", 0, 16), ("table", 16, 16)] {
        let symbol = old.local(name, data, value);
        let symbol = old.0.symbol_mut(symbol);
        symbol.size = size;
        symbol.kind = SymbolKind::Data;
        symbol.flags = SymbolFlags::None;
    }
    let mut load = LOAD;
    load[4] = 24;
    let xdp = old.code("xdp1", &[load, ZERO, EXIT]);
    let section = old.0.section_symbol(data);
    old.relocation(xdp, 0, section);
    let elf = old.written();
    let object = BpfObject::parse(&elf).unwrap();
    let section = object.section_named("xdp1").unwrap();
    let load = object.code(section).next().unwrap().unwrap().instruction;
    let referent = object.referent(section, 0, &load).unwrap();
    assert_eq!(referent.to_string(), "table+0x8 (.data+0x18)");
}
