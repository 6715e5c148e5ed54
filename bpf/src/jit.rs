//! Machine code, taken apart.
//!
//! x86-64 is decoded by iced-x86, which agrees with GNU objdump on what the kernel's JIT writes; a test
//! holds them against each other. For another machine only the arm of [`disassemble`] is missing.

use std::fmt;

use iced_x86::{
    Decoder, DecoderOptions, Formatter as _, IntelFormatter, MemorySizeOptions, Mnemonic, OpKind,
};

/// A machine that the kernel compiles programs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processor {
    /// 64-bit x86.
    X86_64,
    /// 64-bit ARM.
    Arm64,
    /// A different one.
    Other,
}

impl Processor {
    /// Returns the machine that this program runs on.
    pub fn here() -> Self {
        match std::env::consts::ARCH {
            "x86_64" => Self::X86_64,
            "aarch64" => Self::Arm64,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86_64 => "x86-64",
            Self::Arm64 => "arm64",
            Self::Other => std::env::consts::ARCH,
        })
    }
}

/// Machine code that nothing here can take apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no disassembler for {0} machine code here; the bytes can be shown")]
pub struct NoDecoder(pub Processor);

/// An instruction of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineInstruction {
    /// Where it stands in its function, in bytes.
    pub offset: usize,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its name: `call`.
    pub mnemonic: String,
    /// Its operands in Intel's notation; a target is an address, as in `0xffffffff814bd860`.
    pub operands: String,
    /// Where it calls or jumps to. Without the address of the function, it counts from the function's start.
    pub target: Option<u64>,
    /// Whether it calls a function.
    pub is_call: bool,
}

impl fmt::Display for MachineInstruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.mnemonic)?;
        match self.operands.as_str() {
            "" => Ok(()),
            operands => write!(f, " {operands}"),
        }
    }
}

/// Takes machine code apart; `address` is where the function lies, or 0 where that is withheld.
///
/// Bytes that are no instruction become instructions of their own, marked as invalid.
///
/// ```
/// use tutor_bpf::jit::{Processor, disassemble};
///
/// let code = [0xbf, 0x0a, 0x00, 0x00, 0x00, 0xc3];
/// let text: Vec<String> = disassemble(Processor::X86_64, &code, 0)?
///     .iter()
///     .map(ToString::to_string)
///     .collect();
/// assert_eq!(text, ["mov edi,0xa", "ret"]);
/// # Ok::<(), tutor_bpf::jit::NoDecoder>(())
/// ```
pub fn disassemble(
    machine: Processor,
    code: &[u8],
    address: u64,
) -> Result<Vec<MachineInstruction>, NoDecoder> {
    match machine {
        Processor::X86_64 => Ok(x86_64(code, address)),
        Processor::Arm64 | Processor::Other => Err(NoDecoder(machine)),
    }
}

fn x86_64(code: &[u8], address: u64) -> Vec<MachineInstruction> {
    let mut formatter = IntelFormatter::new();
    let options = formatter.options_mut();
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_small_hex_numbers_in_decimal(false);
    options.set_branch_leading_zeros(false);
    options.set_show_branch_size(false);
    options.set_rip_relative_addresses(true);
    options.set_space_after_operand_separator(false);
    options.set_memory_size_options(MemorySizeOptions::Always);

    let mut instructions = Vec::new();
    let mut decoder = Decoder::with_ip(64, code, address, DecoderOptions::NONE);
    while decoder.can_decode() {
        let start = decoder.position();
        let instruction = decoder.decode();
        if instruction.is_invalid() {
            // As objdump has it: one byte is bad, and the next one gets its chance.
            decoder.set_ip(address + start as u64 + 1);
            decoder.set_position(start + 1).expect("it is in the code");
        }
        let (mut mnemonic, mut operands) = (String::new(), String::new());
        formatter.format_mnemonic(&instruction, &mut mnemonic);
        formatter.format_all_operands(&instruction, &mut operands);
        let is_near = instruction.op_count() > 0
            && matches!(
                instruction.op0_kind(),
                OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64
            );
        instructions.push(MachineInstruction {
            offset: start,
            bytes: code[start..decoder.position()].to_vec(),
            mnemonic,
            operands,
            target: is_near.then(|| instruction.near_branch_target()),
            is_call: instruction.mnemonic() == Mnemonic::Call,
        });
    }
    instructions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_a_target() {
        let code = [0xe8, 0x49, 0x7c, 0x49, 0xc1];
        let instructions = disassemble(Processor::X86_64, &code, 0xffff_ffff_c002_5c12).unwrap();
        assert_eq!(instructions[0].target, Some(0xffff_ffff_814b_d860));
        assert_eq!(instructions[0].to_string(), "call 0xffffffff814bd860");
        assert!(instructions[0].is_call);
    }

    #[test]
    fn no_byte_is_lost_where_bytes_are_no_instruction() {
        let code = [0x06, 0x90, 0x0f];
        let instructions = disassemble(Processor::X86_64, &code, 0).unwrap();
        let lengths = instructions.iter().map(|one| one.bytes.len());
        assert_eq!(lengths.sum::<usize>(), 3);
        let names = instructions.iter().map(|one| one.mnemonic.as_str());
        assert_eq!(names.collect::<Vec<_>>(), ["(bad)", "nop", "(bad)"]);
    }

    #[test]
    fn another_machine_is_named() {
        let error = disassemble(Processor::Arm64, &[], 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no disassembler for arm64 machine code here; the bytes can be shown"
        );
    }
}
