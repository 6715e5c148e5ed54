//! Any file at all: it is read or refused, and what is read can be shown, without panic and in bounded memory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tutor_bpf::disasm::{NoNames, Text};
use tutor_bpf::insn::Raw;
use tutor_bpf::object::BpfObject;

/// Sections of a damaged file may share bytes; as many instructions show all there is to see.
const SHOWN: usize = 100_000;

fuzz_target!(|data: &[u8]| {
    let object = match BpfObject::parse(data) {
        Ok(object) => object,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let _ = (object.license(), object.maps().len());
    let mut left = SHOWN;
    for section in object.sections() {
        for decoded in object.code(section).flatten() {
            let offset = (decoded.slot * Raw::LEN) as u64;
            let instruction = &decoded.instruction;
            let _ = Text::new(instruction, decoded.slot, &NoNames).to_string();
            let _ = object.referent(section, offset, instruction).map(|target| target.to_string());
            let _ = object.line(&section.name, offset);
            left -= 1;
            if left == 0 {
                return;
            }
        }
    }
    for program in object.functions() {
        for item in object.function_code(program) {
            let _ = item;
            left -= 1;
            if left == 0 {
                return;
            }
        }
    }
});
