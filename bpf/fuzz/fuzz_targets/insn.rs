//! Any bytes and any text: bytes come back from what they were taken for, by way of text too, and text is read or
//! refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tutor_bpf::asm::{Dialect, instruction};
use tutor_bpf::disasm::{NoNames, Text};
use tutor_bpf::insn::{ByteOrder, decode};

fuzz_target!(|data: &[u8]| {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        for decoded in decode(data, order).flatten() {
            assert_eq!(&*decoded.instruction.encode(order), decoded.bytes);
            let text = Text::new(&decoded.instruction, 0, &NoNames).to_string();
            let again = instruction(&text, Dialect::Kernel).expect("our own text is read");
            assert_eq!(&*again.encode(order), decoded.bytes, "{text}");
        }
    }
    if let Ok(text) = std::str::from_utf8(data) {
        for dialect in [Dialect::Kernel, Dialect::Llvm] {
            for line in text.lines() {
                let _ = instruction(line, dialect);
            }
        }
    }
});
