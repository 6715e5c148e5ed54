//! The operands of instructions: registers, constants, widths.

use std::fmt;

use super::code::{AluCode, JumpCode, Size, WideKind};

/// One of the registers `r0` to `r10`, or the kernel's own `r11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Register(u8);

impl Register {
    /// The result of a function, and of the program.
    pub const R0: Self = Self(0);
    /// `BPF_REG_AX`, which only the kernel's own rewriting uses: it stands in no object, but in what the kernel shows.
    pub const AX: Self = Self(11);

    /// Returns the register with that number, if there is one.
    pub const fn new(number: u8) -> Option<Self> {
        match number {
            0..=11 => Some(Self(number)),
            12.. => None,
        }
    }

    /// Returns the number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

/// Makes an enum whose variants each have a sign, as the kernel and LLVM write it between operands.
macro_rules! signs {
    (
        $(#[$meta:meta])* $type:ident {
            $($(#[$doc:meta])* $variant:ident = $sign:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $type {
            $(#[doc = concat!("`", $sign, "`")] $(#[$doc])* $variant,)+
        }

        impl $type {
            /// All of them, in the order of the declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the sign between the operands.
            pub const fn sign(self) -> &'static str {
                match self { $(Self::$variant => $sign,)+ }
            }
        }
    };
}

/// How much of a register an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Width {
    /// The low 32 bits; of a destination the high ones become zero. Written `w1`.
    W32,
    /// All 64 bits. Written `r1`.
    W64,
}

/// A place in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address {
    /// The register that it counts from.
    pub base: Register,
    /// The number added, in bytes.
    pub offset: i16,
}

/// A second operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A register.
    Register(Register),
    /// A constant; in operations on 64 bits its sign is extended.
    Immediate(i32),
}

signs! {
    /// The operation of an arithmetic instruction with two operands. Both divisions by zero are defined.
    AluOp {
        Add = "+=",
        Sub = "-=",
        Mul = "*=",
        Div = "/=",
        /// ISA v4.
        SignedDiv = "s/=",
        Or = "|=",
        And = "&=",
        Lsh = "<<=",
        Rsh = ">>=",
        Mod = "%=",
        /// ISA v4.
        SignedMod = "s%=",
        Xor = "^=",
        Mov = "=",
        Arsh = "s>>=",
    }
}

impl AluOp {
    /// Returns the operation's bits in the opcode, and what the offset holds.
    pub(super) const fn encoding(self) -> (AluCode, i16) {
        match self {
            Self::Add => (AluCode::Add, 0),
            Self::Sub => (AluCode::Sub, 0),
            Self::Mul => (AluCode::Mul, 0),
            Self::Div => (AluCode::Div, 0),
            Self::SignedDiv => (AluCode::Div, 1),
            Self::Or => (AluCode::Or, 0),
            Self::And => (AluCode::And, 0),
            Self::Lsh => (AluCode::Lsh, 0),
            Self::Rsh => (AluCode::Rsh, 0),
            Self::Mod => (AluCode::Mod, 0),
            Self::SignedMod => (AluCode::Mod, 1),
            Self::Xor => (AluCode::Xor, 0),
            Self::Mov => (AluCode::Mov, 0),
            Self::Arsh => (AluCode::Arsh, 0),
        }
    }
}

signs! {
    /// The comparison of a conditional jump.
    JumpOp {
        Eq = "==",
        Gt = ">",
        Ge = ">=",
        /// A bit is set in both.
        Set = "&",
        Ne = "!=",
        SignedGt = "s>",
        SignedGe = "s>=",
        Lt = "<",
        Le = "<=",
        SignedLt = "s<",
        SignedLe = "s<=",
    }
}

impl JumpOp {
    pub(super) const fn code(self) -> JumpCode {
        match self {
            Self::Eq => JumpCode::Eq,
            Self::Gt => JumpCode::Gt,
            Self::Ge => JumpCode::Ge,
            Self::Set => JumpCode::Set,
            Self::Ne => JumpCode::Ne,
            Self::SignedGt => JumpCode::SignedGt,
            Self::SignedGe => JumpCode::SignedGe,
            Self::Lt => JumpCode::Lt,
            Self::Le => JumpCode::Le,
            Self::SignedLt => JumpCode::SignedLt,
            Self::SignedLe => JumpCode::SignedLe,
        }
    }
}

/// How many bits keep their meaning when a sign is extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignedSize {
    /// 8 bits.
    Byte,
    /// 16 bits.
    Half,
    /// 32 bits.
    Word,
}

impl SignedSize {
    /// Returns the same size for a load of memory.
    pub const fn size(self) -> Size {
        match self {
            Self::Byte => Size::Byte,
            Self::Half => Size::Half,
            Self::Word => Size::Word,
        }
    }

    pub(super) const fn from_bits(bits: i16) -> Option<Self> {
        match bits {
            8 => Some(Self::Byte),
            16 => Some(Self::Half),
            32 => Some(Self::Word),
            _ => None,
        }
    }
}

/// The result of a change of byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Swap {
    /// Little-endian, from the machine's own order; what is cut off becomes zero.
    ToLittle,
    /// Big-endian, from the machine's own order; what is cut off becomes zero.
    ToBig,
    /// The opposite order, on all machines; ISA v4.
    Always,
}

/// How many bits a change of byte order takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SwapBits {
    /// 16 bits.
    B16,
    /// 32 bits.
    B32,
    /// 64 bits.
    B64,
}

impl SwapBits {
    /// Returns the number, which is the instruction's immediate.
    pub const fn bits(self) -> i32 {
        match self {
            Self::B16 => 16,
            Self::B32 => 32,
            Self::B64 => 64,
        }
    }

    pub(super) const fn from_bits(bits: i32) -> Option<Self> {
        match bits {
            16 => Some(Self::B16),
            32 => Some(Self::B32),
            64 => Some(Self::B64),
            _ => None,
        }
    }
}

signs! {
    /// The operation of an atomic instruction on memory and its source register.
    AtomicOp {
        Add = "+=",
        Or = "|=",
        And = "&=",
        Xor = "^=",
    }
}

impl AtomicOp {
    /// Returns the word in `atomic_fetch_add`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Or => "or",
            Self::And => "and",
            Self::Xor => "xor",
        }
    }
}

/// The kinds of atomic operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AtomicKind {
    /// Changes memory.
    Plain(AtomicOp),
    /// Changes memory, and loads what was there into the source register; ISA v3.
    Fetch(AtomicOp),
    /// Exchanges memory and the source register; ISA v3.
    Exchange,
    /// Exchanges if memory equals `r0`, and loads what was there into `r0`; ISA v3.
    CompareExchange,
}

/// The constant of a load in two slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Wide {
    /// The meaning of the halves.
    pub kind: WideKind,
    /// The immediate of the first slot.
    pub low: i32,
    /// The immediate of the second slot.
    pub high: i32,
}

impl Wide {
    /// Returns a plain number.
    pub const fn value(value: u64) -> Self {
        Self {
            kind: WideKind::Value,
            low: value as i32,
            high: (value >> 32) as i32,
        }
    }

    /// Returns both halves as one number.
    pub const fn bits(self) -> u64 {
        (self.high as u32 as u64) << 32 | self.low as u32 as u64
    }
}

/// The function that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Callee {
    /// A helper by its number; in what the kernel shows, the distance of its address from `__bpf_call_base`.
    Helper(i32),
    /// A function of the program (`BPF_PSEUDO_CALL`): slots from the next instruction. In what the kernel shows,
    /// the number of the function; the slots then stand in the call's `offset`.
    Subprogram(i32),
    /// A kernel function by its BTF id (`BPF_PSEUDO_KFUNC_CALL`), of the module whose BTF the call's `offset` names.
    Kfunc(i32),
}

/// Where `callx` keeps its register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallxField {
    /// In the immediate, as LLVM did before version 19.
    Immediate,
    /// In the destination register's field.
    Destination,
}
