//! The model: what an instruction is.

use super::code::Size;
use super::operand::{
    Address, AluOp, AtomicKind, Callee, CallxField, JumpOp, Operand, Register, SignedSize, Swap,
    SwapBits, Wide, Width,
};
use super::unknown::UnknownInstruction;

/// One instruction. Offsets of memory are in bytes, those of jumps in slots of eight bytes from the next instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Instruction {
    /// `dst += src` and its like, a plain move among them.
    Alu {
        /// How much of the registers it takes.
        width: Width,
        /// Its operation.
        op: AluOp,
        /// The first operand, and where the result goes.
        dst: Register,
        /// The second operand.
        src: Operand,
    },
    /// `dst = -dst`.
    Negate {
        /// How much of the register it takes.
        width: Width,
        /// The register.
        dst: Register,
    },
    /// `dst = (s8)src`: a move that extends a sign, ISA v4.
    MoveSigned {
        /// How far the sign is extended.
        width: Width,
        /// Where from.
        from: SignedSize,
        /// Where the result goes.
        dst: Register,
        /// The register that is moved.
        src: Register,
    },
    /// `dst = be16 dst`: a change of byte order.
    Swap {
        /// Which.
        swap: Swap,
        /// Of how many bits.
        bits: SwapBits,
        /// The register.
        dst: Register,
    },
    /// `dst = addr_space_cast(src, to, from)`: between the address spaces of an arena, Linux 6.9.
    AddressSpaceCast {
        /// Where the result goes.
        dst: Register,
        /// The register that is cast.
        src: Register,
        /// The address space of the result.
        to: u16,
        /// The address space of the source.
        from: u16,
    },
    /// `dst = &(void __percpu *)(src)`: only the kernel's own rewriting makes it, Linux 6.10.
    PercpuAddress {
        /// Where the result goes.
        dst: Register,
        /// The offset in the CPU's own area.
        src: Register,
    },
    /// `dst = 0x… ll`: a 64-bit constant, in two slots.
    LoadWide {
        /// Where it goes.
        dst: Register,
        /// The constant.
        wide: Wide,
    },
    /// `r0 = *(u8 *)skb[…]`: packet data, legacy.
    LoadPacket {
        /// How much: one, two or four bytes.
        size: SignedSize,
        /// The register to add, in the indirect form.
        index: Option<Register>,
        /// The offset, in bytes.
        offset: i32,
    },
    /// `dst = *(u32 *)(base + offset)`: zeroes are put above.
    Load {
        /// How much.
        size: Size,
        /// Where it goes.
        dst: Register,
        /// Where in memory.
        address: Address,
    },
    /// `dst = *(s32 *)(base + offset)`: the sign is extended to 64 bits, ISA v4.
    LoadSigned {
        /// How much.
        size: SignedSize,
        /// Where it goes.
        dst: Register,
        /// Where in memory.
        address: Address,
    },
    /// `*(u32 *)(base + offset) = src`.
    Store {
        /// How much.
        size: Size,
        /// Where in memory.
        address: Address,
        /// The value that is stored.
        src: Operand,
    },
    /// An atomic operation on 32 or 64 bits.
    Atomic {
        /// Which.
        kind: AtomicKind,
        /// On how much.
        width: Width,
        /// Where in memory.
        address: Address,
        /// The operand.
        src: Register,
    },
    /// `dst = load_acquire((u32 *)(base + offset))`, Linux 6.15.
    LoadAcquire {
        /// How much.
        size: Size,
        /// Where it goes.
        dst: Register,
        /// Where in memory.
        address: Address,
    },
    /// `store_release((u32 *)(base + offset), src)`, Linux 6.15.
    StoreRelease {
        /// How much.
        size: Size,
        /// Where in memory.
        address: Address,
        /// The value that is stored.
        src: Register,
    },
    /// `if left == right goto pc+offset`.
    JumpIf {
        /// How much of the registers is compared; 32 bits since ISA v3.
        width: Width,
        /// How.
        op: JumpOp,
        /// The first operand.
        left: Register,
        /// The second operand.
        right: Operand,
        /// How far.
        offset: i16,
    },
    /// `goto pc+offset`.
    Goto {
        /// How far.
        offset: i16,
    },
    /// `gotol pc+offset`: a long jump, ISA v4.
    GotoLong {
        /// How far.
        offset: i32,
    },
    /// `may_goto pc+offset`: jumps when a hidden counter has run out, Linux 6.9.
    MayGoto {
        /// How far.
        offset: i16,
    },
    /// `gotox register`: jumps to an address that comes from a table, Linux 6.19.
    GotoRegister {
        /// The register with the address.
        register: Register,
    },
    /// `call …`.
    Call {
        /// The function that is called.
        callee: Callee,
        /// Zero, except as [`Callee`] says.
        offset: i16,
    },
    /// `callx register`: what LLVM makes of a call it could not resolve; the verifier refuses it.
    CallRegister {
        /// The register with the address.
        register: Register,
        /// Where the encoding keeps it.
        field: CallxField,
    },
    /// `exit`: returns.
    Exit,
    /// `nospec`: a barrier against speculation, which only the kernel's own rewriting makes.
    Nospec,
    /// Eight bytes that are no instruction.
    Unknown(UnknownInstruction),
}

impl Instruction {
    /// Returns how many slots of eight bytes it takes: two for [`Instruction::LoadWide`], else one.
    pub fn slots(&self) -> usize {
        match self.wide() {
            Some(_) => 2,
            None => 1,
        }
    }

    /// Returns the constant of a load in two slots.
    pub fn wide(&self) -> Option<Wide> {
        let Self::LoadWide { wide, .. } = self else {
            return None;
        };
        Some(*wide)
    }

    /// Returns how far it may jump, in slots from the next instruction; calls are no jumps.
    pub fn jump(&self) -> Option<i32> {
        match self {
            Self::JumpIf { offset, .. } | Self::Goto { offset } | Self::MayGoto { offset } => {
                Some(i32::from(*offset))
            }
            Self::GotoLong { offset } => Some(*offset),
            Self::Alu { .. }
            | Self::Negate { .. }
            | Self::MoveSigned { .. }
            | Self::Swap { .. }
            | Self::AddressSpaceCast { .. }
            | Self::PercpuAddress { .. }
            | Self::LoadWide { .. }
            | Self::LoadPacket { .. }
            | Self::Load { .. }
            | Self::LoadSigned { .. }
            | Self::Store { .. }
            | Self::Atomic { .. }
            | Self::LoadAcquire { .. }
            | Self::StoreRelease { .. }
            | Self::GotoRegister { .. }
            | Self::Call { .. }
            | Self::CallRegister { .. }
            | Self::Exit
            | Self::Nospec
            | Self::Unknown(_) => None,
        }
    }
}
