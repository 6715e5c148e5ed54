//! One instruction taken apart: what each bit of its bytes says.

use crate::helper;
use crate::insn::{
    AluCode, AluOp, AtomicCode, Callee, CallxField, Class, Instruction, JumpCode, Mode, Operand,
    Raw, Size, Source, WideKind,
};

/// Some bits of an opcode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpcodePart {
    /// Their role.
    pub role: Role,
    /// Which bits.
    pub mask: u8,
    /// Their value, in place.
    pub code: u8,
    /// The constant's name in the kernel's headers, or `?` for a value without one.
    pub name: &'static str,
    /// Its meaning.
    pub meaning: &'static str,
}

/// The role of some bits of an opcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The kind of instruction.
    Class,
    /// Where the second operand comes from.
    Source,
    /// The operation.
    Operation,
    /// How much memory.
    Size,
    /// The kind of access.
    Mode,
}

impl Role {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Source => "source",
            Self::Operation => "operation",
            Self::Size => "size",
            Self::Mode => "mode",
        }
    }
}

/// Returns the parts of an opcode, the highest bits first.
pub fn opcode(opcode: u8) -> [OpcodePart; 3] {
    let class = Class::of(opcode);
    let last = OpcodePart {
        role: Role::Class,
        mask: 0x07,
        code: class.code(),
        name: class.name(),
        meaning: class_meaning(class),
    };
    match class {
        Class::Ld | Class::Ldx | Class::St | Class::Stx => [mode(opcode), size(opcode), last],
        Class::Alu | Class::Alu64 => [alu(opcode), source(opcode, class), last],
        Class::Jmp | Class::Jmp32 => [jump(opcode), source(opcode, class), last],
    }
}

/// Returns how the parts make the opcode: `BPF_JMP | BPF_CALL = 0x05 | 0x80 = 0x85`. `BPF_K` is zero, and C leaves
/// it out where there is nothing to choose; it is left out here always.
pub fn sum(parts: &[OpcodePart]) -> String {
    let said: Vec<&OpcodePart> = parts
        .iter()
        .rev()
        .filter(|part| part.role != Role::Source || part.code != 0)
        .collect();
    let names: Vec<&str> = said.iter().map(|part| part.name).collect();
    let codes: Vec<String> = said
        .iter()
        .map(|part| format!("{:#04x}", part.code))
        .collect();
    let whole = parts.iter().fold(0, |whole, part| whole | part.code);
    format!(
        "{} = {} = {whole:#04x}",
        names.join(" | "),
        codes.join(" | ")
    )
}

fn mode(opcode: u8) -> OpcodePart {
    let code = opcode & 0xe0;
    let (name, meaning) = match Mode::from_code(code) {
        Some(mode) => (mode.name(), mode_meaning(mode)),
        None => ("?", "no mode has this value"),
    };
    OpcodePart {
        role: Role::Mode,
        mask: 0xe0,
        code,
        name,
        meaning,
    }
}

fn size(opcode: u8) -> OpcodePart {
    let code = opcode & 0x18;
    let size = Size::ALL.iter().find(|size| size.code() == code);
    let (name, meaning) = match size {
        Some(Size::Byte) => (Size::Byte.name(), "a byte"),
        Some(Size::Half) => (Size::Half.name(), "half a word, 2 bytes"),
        Some(Size::Word) => (Size::Word.name(), "a word, 4 bytes"),
        Some(Size::Double) => (Size::Double.name(), "a double word, 8 bytes"),
        None => ("?", "no size has this value"),
    };
    OpcodePart {
        role: Role::Size,
        mask: 0x18,
        code,
        name,
        meaning,
    }
}

fn alu(opcode: u8) -> OpcodePart {
    let code = opcode & 0xf0;
    let (name, meaning) = match AluCode::from_code(code) {
        Some(alu) => (alu.name(), alu_meaning(alu)),
        None => ("?", "no operation has this value"),
    };
    operation(code, name, meaning)
}

fn jump(opcode: u8) -> OpcodePart {
    let code = opcode & 0xf0;
    let (name, meaning) = match JumpCode::from_code(code) {
        Some(jump) => (jump.name(), jump_meaning(jump)),
        None => ("?", "no operation has this value"),
    };
    operation(code, name, meaning)
}

fn operation(code: u8, name: &'static str, meaning: &'static str) -> OpcodePart {
    OpcodePart {
        role: Role::Operation,
        mask: 0xf0,
        code,
        name,
        meaning,
    }
}

fn source(opcode: u8, class: Class) -> OpcodePart {
    let source = match opcode & 0x08 {
        0 => Source::Immediate,
        1.. => Source::Register,
    };
    let is_swap = opcode & 0xf0 == AluCode::End.code();
    let (name, meaning) = match (class, is_swap, source) {
        (Class::Alu, true, Source::Immediate) => ("BPF_TO_LE", "to little-endian"),
        (Class::Alu, true, Source::Register) => ("BPF_TO_BE", "to big-endian"),
        (_, _, Source::Immediate) => (source.name(), "the immediate"),
        (_, _, Source::Register) => (source.name(), "the source register"),
    };
    OpcodePart {
        role: Role::Source,
        mask: 0x08,
        code: source.code(),
        name,
        meaning,
    }
}

fn class_meaning(class: Class) -> &'static str {
    match class {
        Class::Ld => "special loads",
        Class::Ldx => "loads from memory into a register",
        Class::St => "stores of a constant",
        Class::Stx => "stores of a register, and atomics",
        Class::Alu => "arithmetic on 32 bits",
        Class::Alu64 => "arithmetic on 64 bits",
        Class::Jmp => "jumps, calls and exit",
        Class::Jmp32 => "jumps that compare 32 bits",
    }
}

fn mode_meaning(mode: Mode) -> &'static str {
    match mode {
        Mode::Imm => "a constant in two slots",
        Mode::Abs => "packet data, legacy",
        Mode::Ind => "packet data at a register, legacy",
        Mode::Mem => "memory",
        Mode::MemSx => "memory, with its sign extended",
        Mode::Atomic => "memory, atomically",
    }
}

fn alu_meaning(alu: AluCode) -> &'static str {
    match alu {
        AluCode::Add => "add",
        AluCode::Sub => "subtract",
        AluCode::Mul => "multiply",
        AluCode::Div => "divide",
        AluCode::Or => "bitwise or",
        AluCode::And => "bitwise and",
        AluCode::Lsh => "shift left",
        AluCode::Rsh => "shift right, zeroes come in",
        AluCode::Neg => "negate",
        AluCode::Mod => "remainder",
        AluCode::Xor => "bitwise exclusive or",
        AluCode::Mov => "move",
        AluCode::Arsh => "shift right, the sign comes in",
        AluCode::End => "change the order of bytes",
    }
}

fn jump_meaning(jump: JumpCode) -> &'static str {
    match jump {
        JumpCode::Ja => "jump always",
        JumpCode::Eq => "jump if equal",
        JumpCode::Gt => "jump if greater",
        JumpCode::Ge => "jump if greater or equal",
        JumpCode::Set => "jump if both have a bit",
        JumpCode::Ne => "jump if not equal",
        JumpCode::SignedGt => "jump if greater, signed",
        JumpCode::SignedGe => "jump if greater or equal, signed",
        JumpCode::Call => "call a function",
        JumpCode::Exit => "return",
        JumpCode::Lt => "jump if less",
        JumpCode::Le => "jump if less or equal",
        JumpCode::SignedLt => "jump if less, signed",
        JumpCode::SignedLe => "jump if less or equal, signed",
        JumpCode::Cond => "jump if the kernel says so",
    }
}

/// The use of each field after the opcode in one instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uses {
    /// The destination register.
    pub dst: String,
    /// The source register.
    pub src: String,
    /// The offset.
    pub offset: String,
    /// The immediate.
    pub imm: String,
}

const UNUSED: &str = "not used";

/// Returns what each field after the opcode is for.
pub fn uses(instruction: &Instruction) -> Uses {
    let raw = instruction.raw();
    let [dst, src, offset, imm] = words(instruction, raw);
    Uses {
        dst,
        src,
        offset,
        imm,
    }
}

fn words(instruction: &Instruction, raw: Raw) -> [String; 4] {
    let unused = || UNUSED.to_owned();
    let dst = |what: &str| format!("r{}, {what}", raw.dst);
    let src = |what: &str| format!("r{}, {what}", raw.src);
    let plus = |base: u8| format!("added to the address in r{base}, in bytes");
    match *instruction {
        Instruction::Alu { op, src: from, .. } => {
            let signed = match raw.offset {
                0 => unused(),
                _ => "1 makes it signed".to_owned(),
            };
            let (first, second) = match op == AluOp::Mov {
                true => ("where it goes", "what is moved"),
                false => ("the first operand, and the result", "the second operand"),
            };
            match from {
                Operand::Register(_) => [dst(first), src(second), signed, unused()],
                Operand::Immediate(_) => [
                    dst(first),
                    unused(),
                    signed,
                    format!("{second}, a constant"),
                ],
            }
        }
        Instruction::Negate { .. } => [dst("operand and result"), unused(), unused(), unused()],
        Instruction::MoveSigned { .. } => [
            dst("where it goes"),
            src("what is moved"),
            "how many bits have the sign".to_owned(),
            unused(),
        ],
        Instruction::Swap { .. } => [
            dst("operand and result"),
            unused(),
            unused(),
            "how many bits".to_owned(),
        ],
        Instruction::AddressSpaceCast { .. } => [
            dst("where it goes"),
            src("what is cast"),
            "1 makes the move a cast".to_owned(),
            "the address spaces: to, from".to_owned(),
        ],
        Instruction::PercpuAddress { .. } => [
            dst("where it goes"),
            src("the offset"),
            "-1 makes the move an address of this CPU".to_owned(),
            unused(),
        ],
        Instruction::LoadWide { wide, .. } => [
            dst("where it goes"),
            wide_meaning(wide.kind).to_owned(),
            unused(),
            "the low 32 bits of the constant".to_owned(),
        ],
        Instruction::LoadPacket { index, .. } => [
            unused(),
            index.map_or_else(unused, |_| src("added to the offset")),
            unused(),
            "where in the packet, in bytes".to_owned(),
        ],
        Instruction::Load { .. } | Instruction::LoadSigned { .. } => [
            dst("where it goes"),
            src("the address"),
            plus(raw.src),
            unused(),
        ],
        Instruction::Store { src: from, .. } => match from {
            Operand::Register(_) => [
                dst("the address"),
                src("what is stored"),
                plus(raw.dst),
                unused(),
            ],
            Operand::Immediate(_) => [
                dst("the address"),
                unused(),
                plus(raw.dst),
                "what is stored".to_owned(),
            ],
        },
        Instruction::Atomic { .. } | Instruction::StoreRelease { .. } => [
            dst("the address"),
            src("the operand"),
            plus(raw.dst),
            atomic_meaning(raw),
        ],
        Instruction::LoadAcquire { .. } => [
            dst("where it goes"),
            src("the address"),
            plus(raw.src),
            atomic_meaning(raw),
        ],
        Instruction::JumpIf { right, .. } => {
            let far = "how far, in slots from the next instruction".to_owned();
            match right {
                Operand::Register(_) => [
                    dst("the first operand"),
                    src("the second operand"),
                    far,
                    unused(),
                ],
                Operand::Immediate(_) => [
                    dst("the first operand"),
                    unused(),
                    far,
                    "the second operand, a constant".to_owned(),
                ],
            }
        }
        Instruction::Goto { .. } | Instruction::MayGoto { .. } => [
            unused(),
            unused(),
            "how far, in slots from the next instruction".to_owned(),
            unused(),
        ],
        Instruction::GotoLong { .. } => [
            unused(),
            unused(),
            unused(),
            "how far, in slots from the next instruction".to_owned(),
        ],
        Instruction::GotoRegister { .. } => [dst("the address"), unused(), unused(), unused()],
        Instruction::Call { callee, offset } => call(callee, offset),
        Instruction::CallRegister { field, .. } => match field {
            CallxField::Destination => [dst("the address"), unused(), unused(), unused()],
            CallxField::Immediate => [
                unused(),
                unused(),
                unused(),
                "the number of the register with the address".to_owned(),
            ],
        },
        Instruction::Exit | Instruction::Nospec => [unused(), unused(), unused(), unused()],
        Instruction::Unknown(_) => [
            format!("{}", raw.dst),
            format!("{}", raw.src),
            String::new(),
            String::new(),
        ],
    }
}

fn call(callee: Callee, offset: i16) -> [String; 4] {
    let (src, imm) = match callee {
        Callee::Helper(id) if helper::by_id(id).is_some() => {
            ("0, a helper of the kernel", "the helper's number")
        }
        // After loading the kernel keeps the function's distance in place of the number.
        Callee::Helper(_) => (
            "0, a helper of the kernel",
            "no helper's number; in a loaded program, how far the function is from __bpf_call_base",
        ),
        Callee::Subprogram(_) => (
            "1 = BPF_PSEUDO_CALL, a function of the program",
            "how far, in slots from the next instruction",
        ),
        Callee::Kfunc(_) => (
            "2 = BPF_PSEUDO_KFUNC_CALL, a function of the kernel",
            "the function's number in the kernel's BTF",
        ),
    };
    let offset = match (callee, offset) {
        (_, 0) => UNUSED,
        (Callee::Kfunc(_), _) => "which module's BTF",
        (Callee::Helper(_) | Callee::Subprogram(_), _) => "set by the kernel",
    };
    [
        UNUSED.to_owned(),
        src.to_owned(),
        offset.to_owned(),
        imm.to_owned(),
    ]
}

fn wide_meaning(kind: WideKind) -> &'static str {
    match kind {
        WideKind::Value => "0, the constant is a number",
        WideKind::MapFd => "1 = BPF_PSEUDO_MAP_FD, a map by its descriptor",
        WideKind::MapValue => "2 = BPF_PSEUDO_MAP_VALUE, the first value of a map",
        WideKind::BtfVariable => "3 = BPF_PSEUDO_BTF_ID, a variable of the kernel",
        WideKind::Function => "4 = BPF_PSEUDO_FUNC, a function of the program",
        WideKind::MapIndex => "5 = BPF_PSEUDO_MAP_IDX, a map by its place in a list",
        WideKind::MapIndexValue => "6 = BPF_PSEUDO_MAP_IDX_VALUE, the first value of such a map",
    }
}

fn atomic_meaning(raw: Raw) -> String {
    let name = AtomicCode::from_code(raw.imm).map_or("?", AtomicCode::name);
    format!("what is done: {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_every_opcode_make_it_again() {
        for byte in 0..=u8::MAX {
            let parts = opcode(byte);
            let whole = parts.iter().fold(0, |whole, part| whole | part.code);
            let masks = parts.iter().fold(0, |masks, part| masks | part.mask);
            assert_eq!((whole, masks), (byte, 0xff), "{byte:#x}");
        }
    }

    #[test]
    fn a_call_is_an_operation_a_source_and_a_class() {
        let names = opcode(0x85).map(|part| part.name);
        assert_eq!(names, ["BPF_CALL", "BPF_K", "BPF_JMP"]);
    }

    #[test]
    fn a_sum_names_what_c_would() {
        assert_eq!(
            sum(&opcode(0x85)),
            "BPF_JMP | BPF_CALL = 0x05 | 0x80 = 0x85"
        );
        assert_eq!(
            sum(&opcode(0xb7)),
            "BPF_ALU64 | BPF_MOV = 0x07 | 0xb0 = 0xb7"
        );
        assert_eq!(
            sum(&opcode(0x6b)),
            "BPF_STX | BPF_H | BPF_MEM = 0x03 | 0x08 | 0x60 = 0x6b"
        );
        assert_eq!(
            sum(&opcode(0x0f)),
            "BPF_ALU64 | BPF_X | BPF_ADD = 0x07 | 0x08 | 0x00 = 0x0f"
        );
    }
}
