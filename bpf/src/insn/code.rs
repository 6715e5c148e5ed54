//! The parts of an opcode, each an enum with its number and the name the kernel's headers give it.

/// Makes an enum whose variants each have a number in an encoding, and a name in the kernel's headers.
macro_rules! codes {
    (
        $(#[$meta:meta])* $type:ident: $number:ty {
            $($(#[$doc:meta])* $variant:ident = $code:literal $name:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $type { $($(#[$doc])* $variant,)+ }

        impl $type {
            /// All of them, in the order of the declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the number in the encoding.
            pub const fn code(self) -> $number {
                match self { $(Self::$variant => $code,)+ }
            }

            /// Returns the one with that number, if there is one.
            pub const fn from_code(code: $number) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Returns the name in the kernel's headers.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

codes! {
    /// The low three bits of every opcode (RFC 9669, section 3.1).
    Class: u8 {
        /// Loads that are no plain memory access: 64-bit constants, packet data.
        Ld = 0x00 "BPF_LD",
        /// Loads from memory into a register.
        Ldx = 0x01 "BPF_LDX",
        /// Stores of a constant.
        St = 0x02 "BPF_ST",
        /// Stores of a register, and atomic operations.
        Stx = 0x03 "BPF_STX",
        /// Arithmetic on the low 32 bits.
        Alu = 0x04 "BPF_ALU",
        /// Jumps that compare 64 bits, calls and the exit.
        Jmp = 0x05 "BPF_JMP",
        /// Jumps that compare 32 bits.
        Jmp32 = 0x06 "BPF_JMP32",
        /// Arithmetic on all 64 bits.
        Alu64 = 0x07 "BPF_ALU64",
    }
}

impl Class {
    /// Returns the class of an opcode.
    ///
    /// ```
    /// use tutor_bpf::insn::Class;
    ///
    /// assert_eq!(Class::of(0x85), Class::Jmp);
    /// ```
    pub const fn of(opcode: u8) -> Self {
        match opcode & 0x07 {
            0x00 => Self::Ld,
            0x01 => Self::Ldx,
            0x02 => Self::St,
            0x03 => Self::Stx,
            0x04 => Self::Alu,
            0x05 => Self::Jmp,
            0x06 => Self::Jmp32,
            0x07.. => Self::Alu64,
        }
    }
}

codes! {
    /// Bit 3 of an arithmetic or jump opcode: where the second operand comes from.
    Source: u8 {
        /// The immediate; `K` is a constant.
        Immediate = 0x00 "BPF_K",
        /// The source register; `X` was an index register once.
        Register = 0x08 "BPF_X",
    }
}

codes! {
    /// The high four bits of an arithmetic opcode (RFC 9669, section 4.1).
    AluCode: u8 {
        /// Add.
        Add = 0x00 "BPF_ADD",
        /// Subtract.
        Sub = 0x10 "BPF_SUB",
        /// Multiply.
        Mul = 0x20 "BPF_MUL",
        /// Divide; by zero gives 0. Signed where the offset is 1.
        Div = 0x30 "BPF_DIV",
        /// Bitwise or.
        Or = 0x40 "BPF_OR",
        /// Bitwise and.
        And = 0x50 "BPF_AND",
        /// Shift left.
        Lsh = 0x60 "BPF_LSH",
        /// Shift right, zeroes come in.
        Rsh = 0x70 "BPF_RSH",
        /// Negate.
        Neg = 0x80 "BPF_NEG",
        /// Remainder; by zero leaves the destination. Signed where the offset is 1.
        Mod = 0x90 "BPF_MOD",
        /// Bitwise exclusive or.
        Xor = 0xa0 "BPF_XOR",
        /// Move.
        Mov = 0xb0 "BPF_MOV",
        /// Shift right, the sign comes in.
        Arsh = 0xc0 "BPF_ARSH",
        /// Change the order of bytes.
        End = 0xd0 "BPF_END",
    }
}

codes! {
    /// The high four bits of a jump opcode (RFC 9669, section 4.3).
    JumpCode: u8 {
        /// Jump always.
        Ja = 0x00 "BPF_JA",
        /// Jump if equal.
        Eq = 0x10 "BPF_JEQ",
        /// Jump if greater.
        Gt = 0x20 "BPF_JGT",
        /// Jump if greater or equal.
        Ge = 0x30 "BPF_JGE",
        /// Jump if a bit of both is set.
        Set = 0x40 "BPF_JSET",
        /// Jump if not equal.
        Ne = 0x50 "BPF_JNE",
        /// Jump if greater, signed.
        SignedGt = 0x60 "BPF_JSGT",
        /// Jump if greater or equal, signed.
        SignedGe = 0x70 "BPF_JSGE",
        /// Call a function.
        Call = 0x80 "BPF_CALL",
        /// Return.
        Exit = 0x90 "BPF_EXIT",
        /// Jump if less.
        Lt = 0xa0 "BPF_JLT",
        /// Jump if less or equal.
        Le = 0xb0 "BPF_JLE",
        /// Jump if less, signed.
        SignedLt = 0xc0 "BPF_JSLT",
        /// Jump if less or equal, signed.
        SignedLe = 0xd0 "BPF_JSLE",
        /// Jump if something else than registers says so: `may_goto`.
        Cond = 0xe0 "BPF_JCOND",
    }
}

codes! {
    /// Bits 3 and 4 of a load or store opcode: how much memory (RFC 9669, section 5).
    Size: u8 {
        /// A word of four bytes.
        Word = 0x00 "BPF_W",
        /// Half a word, two bytes.
        Half = 0x08 "BPF_H",
        /// One byte.
        Byte = 0x10 "BPF_B",
        /// A double word, eight bytes.
        Double = 0x18 "BPF_DW",
    }
}

impl Size {
    /// Returns the size in bits.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Byte => 8,
            Self::Half => 16,
            Self::Word => 32,
            Self::Double => 64,
        }
    }
}

codes! {
    /// The high three bits of a load or store opcode: what kind of access (RFC 9669, section 5).
    Mode: u8 {
        /// A 64-bit constant, in two slots.
        Imm = 0x00 "BPF_IMM",
        /// Packet data at a constant offset; legacy.
        Abs = 0x20 "BPF_ABS",
        /// Packet data at an offset from a register; legacy.
        Ind = 0x40 "BPF_IND",
        /// Memory.
        Mem = 0x60 "BPF_MEM",
        /// Memory, the sign extended to 64 bits.
        MemSx = 0x80 "BPF_MEMSX",
        /// Memory, atomically.
        Atomic = 0xc0 "BPF_ATOMIC",
    }
}

codes! {
    /// The operation of an atomic instruction, in its immediate (RFC 9669, section 5.3).
    AtomicCode: i32 {
        /// Add.
        Add = 0x00 "BPF_ADD",
        /// Add, and load what was there.
        FetchAdd = 0x01 "BPF_ADD | BPF_FETCH",
        /// Or.
        Or = 0x40 "BPF_OR",
        /// Or, and load what was there.
        FetchOr = 0x41 "BPF_OR | BPF_FETCH",
        /// And.
        And = 0x50 "BPF_AND",
        /// And, and load what was there.
        FetchAnd = 0x51 "BPF_AND | BPF_FETCH",
        /// Exclusive or.
        Xor = 0xa0 "BPF_XOR",
        /// Exclusive or, and load what was there.
        FetchXor = 0xa1 "BPF_XOR | BPF_FETCH",
        /// Exchange with the source register.
        Exchange = 0xe1 "BPF_XCHG",
        /// Exchange with the source register if `r0` is what is there; `r0` then holds what was there.
        CompareExchange = 0xf1 "BPF_CMPXCHG",
        /// A load after which nothing moves before it (Linux 6.15).
        LoadAcquire = 0x100 "BPF_LOAD_ACQ",
        /// A store before which nothing moves after it (Linux 6.15).
        StoreRelease = 0x110 "BPF_STORE_REL",
    }
}

codes! {
    /// The kind of constant that a 64-bit load gives in the field of its source register
    /// (`BPF_PSEUDO_*` of the kernel's uapi header; RFC 9669, section 5.4).
    WideKind: u8 {
        /// The number itself.
        Value = 0 "0",
        /// The address of the map whose file descriptor is in the low half.
        MapFd = 1 "BPF_PSEUDO_MAP_FD",
        /// The address of that map's first value, and the high half added to it.
        MapValue = 2 "BPF_PSEUDO_MAP_VALUE",
        /// The address of the kernel variable with the BTF id in the low half; the high half is the BTF's file descriptor.
        BtfVariable = 3 "BPF_PSEUDO_BTF_ID",
        /// The address of a function of the program: the low half counts slots from the next instruction.
        Function = 4 "BPF_PSEUDO_FUNC",
        /// The address of a map, by its index in the array of descriptors given at load.
        MapIndex = 5 "BPF_PSEUDO_MAP_IDX",
        /// The address of that map's first value, and the high half added to it.
        MapIndexValue = 6 "BPF_PSEUDO_MAP_IDX_VALUE",
    }
}
