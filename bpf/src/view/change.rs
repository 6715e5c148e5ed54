//! The changes that the verifier makes to an instruction, and why.

use super::bytecode::Bytecode;
use super::xlated::XlatedInstruction;
use crate::helper;
use crate::hex::hex;
use crate::insn::{AluOp, Callee, Instruction, Operand, Register, WideKind};

/// A change that an instruction went through between the object and the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing: the same bytes.
    Same,
    /// The number of a helper became the distance of its address from `__bpf_call_base`.
    HelperAddress {
        /// The helper's number.
        id: i32,
        /// The function that is called.
        name: String,
        /// The distance, in bytes.
        distance: i32,
        /// The address of `__bpf_call_base`, where it is shown.
        base: Option<u64>,
    },
    /// The call of a helper became instructions that do the same without it, or call a narrower function.
    InlinedHelper {
        /// The helper's number.
        id: i32,
        /// How many instructions replace the call.
        instructions: usize,
        /// The kernel function that is still called.
        calls: Option<String>,
    },
    /// A reference to a map became the map: the kernel keeps its address, and shows its number.
    Map {
        /// The map's number.
        id: u32,
        /// The map's name.
        name: String,
        /// The offset in its first value, for global data.
        offset: Option<u32>,
    },
    /// A call of, or a reference to, another function of the program.
    Subprogram,
    /// The instruction can never run, and is gone.
    Dead,
    /// A jump of another length, since instructions were added or removed.
    JumpLength,
    /// A constant was hidden, since the kernel hardens what it compiles.
    Blinded {
        /// How many instructions there are now.
        instructions: usize,
    },
    /// A guard was put around a division, whose divisor could be zero.
    DivisionGuard {
        /// How many instructions there are now.
        instructions: usize,
    },
    /// An access to the program's context became one to the kernel's own structures.
    Context {
        /// How many instructions there are now.
        instructions: usize,
    },
    /// It was rewritten in some other way.
    Rewritten {
        /// How many instructions there are now.
        instructions: usize,
    },
}

/// An instruction before and after the verifier, to tell the change by.
pub(super) struct Rewrite<'s> {
    pub(super) before: &'s Bytecode,
    pub(super) after: &'s [XlatedInstruction],
    pub(super) call_base: Option<u64>,
    pub(super) map: &'s mut dyn FnMut(u32) -> String,
}

impl Change {
    pub(super) fn between(seen: Rewrite<'_>) -> Self {
        let before = &seen.before.instruction;
        let instructions = seen.after.len();
        let is_same = |one: &XlatedInstruction| one.bytes == seen.before.bytes;
        match (before, seen.after) {
            (_, []) => Self::Dead,
            (_, [one]) if is_same(one) => Self::Same,
            (_, after) if is_blinded(before, after) || is_zeroed(before, after) => {
                Self::Blinded { instructions }
            }
            (Instruction::Call { callee, .. }, after) => call(*callee, after, seen.call_base),
            (Instruction::LoadWide { .. }, [one]) => wide(one, seen.map),
            (_, [one]) if one.instruction.jump().is_some() && before.jump().is_some() => {
                Self::JumpLength
            }
            (
                Instruction::Alu {
                    op: AluOp::Div | AluOp::Mod | AluOp::SignedDiv | AluOp::SignedMod,
                    ..
                },
                _,
            ) => Self::DivisionGuard { instructions },
            (Instruction::Load { .. } | Instruction::Store { .. }, _) => {
                Self::Context { instructions }
            }
            (_, _) => Self::Rewritten { instructions },
        }
    }

    /// Returns the sign that a row is marked with: a space, `~` or `-`.
    pub fn sign(&self) -> char {
        match self {
            Self::Same => ' ',
            Self::Dead => '-',
            Self::HelperAddress { .. }
            | Self::InlinedHelper { .. }
            | Self::Map { .. }
            | Self::Subprogram
            | Self::JumpLength
            | Self::Blinded { .. }
            | Self::DivisionGuard { .. }
            | Self::Context { .. }
            | Self::Rewritten { .. } => '~',
        }
    }

    /// Returns a word for it, for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::HelperAddress { .. } => "helper-address",
            Self::InlinedHelper { .. } => "inlined-helper",
            Self::Map { .. } => "map",
            Self::Subprogram => "subprogram",
            Self::Dead => "dead",
            Self::JumpLength => "jump-length",
            Self::Blinded { .. } => "blinded",
            Self::DivisionGuard { .. } => "division-guard",
            Self::Context { .. } => "context",
            Self::Rewritten { .. } => "rewritten",
        }
    }

    /// Returns what happened and why, in a sentence without its period; nothing for what stayed the same.
    pub fn explanation(&self) -> Option<String> {
        let count = |instructions: usize| match instructions {
            1 => "1 instruction".to_owned(),
            many => format!("{many} instructions"),
        };
        Some(match self {
            Self::Same => return None,
            Self::HelperAddress {
                id,
                base: None,
                distance: 0,
                ..
            } => format!(
                "the helper's number {id} became the distance of its address from __bpf_call_base, which the kernel withholds; the verifier did it, not the JIT"
            ),
            Self::HelperAddress {
                id, name, distance, ..
            } => {
                let helper = helper::by_id(*id).map(|helper| helper.to_string());
                let narrower = match helper.is_some_and(|helper| helper != *name) {
                    true => ", which does its work for this kind of map,",
                    false => "",
                };
                format!(
                    "the helper's number {id} became the distance of {name}{narrower} from __bpf_call_base, {distance} bytes; the verifier did it, not the JIT"
                )
            }
            Self::InlinedHelper {
                id,
                instructions,
                calls,
            } => {
                let helper = helper::by_id(*id).map_or(format!("helper {id}"), |one| one.to_string());
                let made = count(*instructions);
                match calls {
                    Some(name) => format!(
                        "the verifier put {made} in place of the call of {helper}: it knows the kind of map, and calls {name} directly"
                    ),
                    None => format!(
                        "the verifier put {made} in place of the call of {helper}: they do its work without a call"
                    ),
                }
            }
            Self::Map { id, name, offset } => {
                let which = match name.as_str() {
                    "" => format!("map {id}"),
                    name => format!("map {id}, `{name}`"),
                };
                match offset {
                    Some(offset) => format!(
                        "the reference became the address of byte {offset} in the value of {which}; the kernel shows the map's number instead"
                    ),
                    None => format!(
                        "the reference became the address of {which}; the kernel shows the map's number instead"
                    ),
                }
            }
            Self::Subprogram => {
                "the kernel compiles each function by itself, so the distance became the function's number".to_owned()
            }
            Self::Dead => "it can never run: the verifier took it out".to_owned(),
            Self::JumpLength => {
                "the jump has another length: instructions between here and its target were added or removed".to_owned()
            }
            Self::Blinded { instructions } => format!(
                "the kernel hides the constant in {}, so that nobody can plant machine code in it (net.core.bpf_jit_harden)",
                count(*instructions)
            ),
            Self::DivisionGuard { instructions } => format!(
                "it became {}: a division by zero must not reach the processor",
                count(*instructions)
            ),
            Self::Context { instructions } => format!(
                "it became {} that read or write the kernel's own structure: the program's context is only a view of it",
                count(*instructions)
            ),
            Self::Rewritten { instructions } => {
                format!("the verifier rewrote it as {}", count(*instructions))
            }
        })
    }

    /// Returns the arithmetic behind a helper's address, with this kernel's own numbers.
    pub fn arithmetic(&self) -> Option<String> {
        let Self::HelperAddress {
            name,
            distance,
            base: Some(base),
            ..
        } = self
        else {
            return None;
        };
        let address = base.wrapping_add_signed((*distance).into());
        let bits = *distance as u32;
        Some(format!(
            "{name} {address:#x} - __bpf_call_base {base:#x} = {distance} = {bits:#010x}, in memory {}",
            hex(&distance.to_le_bytes())
        ))
    }
}

fn call(callee: Callee, after: &[XlatedInstruction], base: Option<u64>) -> Change {
    let (id, only) = match (callee, after) {
        (Callee::Subprogram(_), _) => return Change::Subprogram,
        (Callee::Kfunc(id) | Callee::Helper(id), [only]) => (id, Some(only)),
        (Callee::Kfunc(id) | Callee::Helper(id), _) => (id, None),
    };
    match only.and_then(|only| only.call.as_ref()) {
        Some(call) => Change::HelperAddress {
            id,
            name: call.name.clone().unwrap_or_else(|| {
                helper::by_id(id).map_or("the function".to_owned(), |helper| helper.to_string())
            }),
            distance: call.distance,
            base,
        },
        None => {
            let mut calls = after.iter().filter_map(|one| one.call.as_ref());
            Change::InlinedHelper {
                id,
                instructions: after.len(),
                calls: calls.find_map(|call| call.name.clone()),
            }
        }
    }
}

fn wide(after: &XlatedInstruction, map: &mut dyn FnMut(u32) -> String) -> Change {
    let Some(wide) = after.instruction.wide() else {
        return Change::Rewritten { instructions: 1 };
    };
    let id = wide.low as u32;
    match wide.kind {
        WideKind::MapFd | WideKind::MapIndex => Change::Map {
            id,
            name: map(id),
            offset: None,
        },
        WideKind::MapValue | WideKind::MapIndexValue => Change::Map {
            id,
            name: map(id),
            offset: Some(wide.high as u32),
        },
        WideKind::Function => Change::Subprogram,
        WideKind::Value | WideKind::BtfVariable => Change::Rewritten { instructions: 1 },
    }
}

/// Blinding makes a zero by `r0 ^= r0`, in the same function of the kernel as below.
fn is_zeroed(before: &Instruction, after: &[XlatedInstruction]) -> bool {
    let Instruction::Alu {
        op: AluOp::Mov,
        dst: zero,
        src: Operand::Immediate(0),
        ..
    } = before
    else {
        return false;
    };
    matches!(after, [XlatedInstruction { instruction: Instruction::Alu { op: AluOp::Xor, dst, src: Operand::Register(src), .. }, .. }] if dst == zero && src == zero)
}

/// Blinding puts a constant into the kernel's own register, in two halves that only together make it
/// (`bpf_jit_blind_insn` in the kernel's `kernel/bpf/core.c`).
fn is_blinded(before: &Instruction, after: &[XlatedInstruction]) -> bool {
    let into_own = |one: &XlatedInstruction, wanted: AluOp| matches!(one.instruction, Instruction::Alu { op, dst, .. } if op == wanted && dst == Register::AX);
    let has_constant = match before {
        Instruction::LoadWide { .. } => true,
        before => before.raw().imm != 0,
    };
    has_constant
        && after
            .windows(2)
            .any(|pair| into_own(&pair[0], AluOp::Mov) && into_own(&pair[1], AluOp::Xor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insn::{ByteOrder, Width};

    fn alu(op: AluOp, dst: Register, src: Operand) -> Instruction {
        let width = Width::W64;
        Instruction::Alu {
            width,
            op,
            dst,
            src,
        }
    }

    fn became(before: Instruction, after: Instruction) -> Change {
        let bytecode = Bytecode {
            slot: 0,
            bytes: before.encode(ByteOrder::NATIVE).to_vec(),
            instruction: before,
            text: String::new(),
            relocation: None,
        };
        let xlated = XlatedInstruction {
            slot: 0,
            bytes: after.encode(ByteOrder::NATIVE).to_vec(),
            instruction: after,
            text: String::new(),
            call: None,
        };
        Change::between(Rewrite {
            before: &bytecode,
            after: &[xlated],
            call_base: None,
            map: &mut |_| String::new(),
        })
    }

    #[test]
    fn a_zero_made_by_xor_is_blinding_and_a_xor_of_others_is_not() {
        let (r0, r1) = (Register::R0, Register::AX);
        let zero = alu(AluOp::Mov, r0, Operand::Immediate(0));
        let own = alu(AluOp::Xor, r0, Operand::Register(r0));
        let other = alu(AluOp::Xor, r0, Operand::Register(r1));
        assert_eq!(became(zero, own), Change::Blinded { instructions: 1 });
        assert_eq!(became(zero, other), Change::Rewritten { instructions: 1 });
        let one = alu(AluOp::Mov, r0, Operand::Immediate(1));
        assert_eq!(became(one, own), Change::Rewritten { instructions: 1 });
    }
}
