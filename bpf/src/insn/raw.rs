//! The eight bytes of an instruction as fields, without a meaning.

/// The order of bytes in an object, and of the two registers in an instruction's second byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// Least significant byte first: x86-64, arm64, and `-target bpfel`.
    Little,
    /// Most significant byte first: s390x, and `-target bpfeb`.
    Big,
}

impl ByteOrder {
    /// The order of the machine this was compiled for.
    pub const NATIVE: Self = match cfg!(target_endian = "big") {
        true => Self::Big,
        false => Self::Little,
    };

    pub(crate) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(crate) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    pub(crate) fn u16_bytes(self, number: u16) -> [u8; 2] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }

    pub(crate) fn u32_bytes(self, number: u32) -> [u8; 4] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }
}

/// `struct bpf_insn` of the kernel's `include/uapi/linux/bpf.h`: the basic encoding of RFC 9669, section 3.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Raw {
    /// The operation: three bits of class, and five that the class reads in its own way.
    pub opcode: u8,
    /// The destination register, 0 to 15; four bits in the encoding.
    pub dst: u8,
    /// The source register, 0 to 15; four bits in the encoding.
    pub src: u8,
    /// A signed offset, of memory in bytes or of a jump in slots.
    pub offset: i16,
    /// A signed constant.
    pub imm: i32,
}

impl Raw {
    /// The length of the encoding, in bytes.
    pub const LEN: usize = 8;

    /// Reads the fields.
    ///
    /// ```
    /// use tutor_bpf::insn::{ByteOrder, Raw};
    ///
    /// let raw = Raw::from_bytes([0x85, 0, 0, 0, 6, 0, 0, 0], ByteOrder::Little);
    /// assert_eq!((raw.opcode, raw.imm), (0x85, 6));
    /// ```
    pub fn from_bytes(bytes: [u8; Self::LEN], order: ByteOrder) -> Self {
        let [opcode, registers, o0, o1, i0, i1, i2, i3] = bytes;
        let (low, high) = (registers & 0x0f, registers >> 4);
        let (dst, src) = match order {
            ByteOrder::Little => (low, high),
            ByteOrder::Big => (high, low),
        };
        Self {
            opcode,
            dst,
            src,
            offset: order.u16([o0, o1]) as i16,
            imm: order.u32([i0, i1, i2, i3]) as i32,
        }
    }

    /// Writes the fields. Of the register numbers only the low four bits count.
    pub fn to_bytes(self, order: ByteOrder) -> [u8; Self::LEN] {
        let (dst, src) = (self.dst & 0x0f, self.src & 0x0f);
        let registers = match order {
            ByteOrder::Little => src << 4 | dst,
            ByteOrder::Big => dst << 4 | src,
        };
        let [o0, o1] = order.u16_bytes(self.offset as u16);
        let [i0, i1, i2, i3] = order.u32_bytes(self.imm as u32);
        [self.opcode, registers, o0, o1, i0, i1, i2, i3]
    }
}
