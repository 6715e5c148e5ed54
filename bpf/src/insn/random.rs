//! Random instructions, each of which has an encoding.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn register() -> impl Strategy<Value = Register> + Clone {
    (0_u8..=11).prop_map(|number| Register::new(number).unwrap())
}

fn operand() -> impl Strategy<Value = Operand> + Clone {
    prop_oneof![
        register().prop_map(Operand::Register),
        any::<i32>().prop_map(Operand::Immediate)
    ]
}

fn width() -> impl Strategy<Value = Width> + Clone {
    select(vec![Width::W32, Width::W64])
}

fn size() -> impl Strategy<Value = Size> + Clone {
    select(Size::ALL)
}

fn signed() -> impl Strategy<Value = SignedSize> + Clone {
    select(vec![SignedSize::Byte, SignedSize::Half, SignedSize::Word])
}

fn address() -> impl Strategy<Value = Address> + Clone {
    (register(), any::<i16>()).prop_map(|(base, offset)| Address { base, offset })
}

fn kind() -> impl Strategy<Value = AtomicKind> + Clone {
    let op = select(AtomicOp::ALL);
    prop_oneof![
        op.clone().prop_map(AtomicKind::Plain),
        op.prop_map(AtomicKind::Fetch),
        Just(AtomicKind::Exchange),
        Just(AtomicKind::CompareExchange),
    ]
}

fn callee() -> impl Strategy<Value = Callee> + Clone {
    prop_oneof![
        (0..300).prop_map(Callee::Helper),
        any::<i32>().prop_map(Callee::Helper),
        any::<i32>().prop_map(Callee::Subprogram),
        any::<i32>().prop_map(Callee::Kfunc),
    ]
}

/// Any instruction but an unknown one.
pub fn instruction() -> impl Strategy<Value = Instruction> {
    let r = register;
    let arithmetic = prop_oneof![
        (width(), select(AluOp::ALL), r(), operand()).prop_map(|(width, op, dst, src)| {
            Instruction::Alu {
                width,
                op,
                dst,
                src,
            }
        }),
        (width(), r()).prop_map(|(width, dst)| Instruction::Negate { width, dst }),
        (width(), signed(), r(), r()).prop_map(|(width, from, dst, src)| Instruction::MoveSigned {
            width,
            from,
            dst,
            src
        }),
        (
            select(vec![Swap::ToLittle, Swap::ToBig, Swap::Always]),
            select(vec![SwapBits::B16, SwapBits::B32, SwapBits::B64]),
            r()
        )
            .prop_map(|(swap, bits, dst)| Instruction::Swap { swap, bits, dst }),
        (r(), r(), any::<u16>(), any::<u16>())
            .prop_map(|(dst, src, to, from)| Instruction::AddressSpaceCast { dst, src, to, from }),
        (r(), r()).prop_map(|(dst, src)| Instruction::PercpuAddress { dst, src }),
    ];
    let wide = (select(WideKind::ALL), any::<i32>(), any::<i32>());
    let wide = wide.prop_map(|(kind, low, high)| Wide { kind, low, high });
    let loads = prop_oneof![
        (r(), wide).prop_map(|(dst, wide)| Instruction::LoadWide { dst, wide }),
        (signed(), proptest::option::of(r()), any::<i32>()).prop_map(|(size, index, offset)| {
            Instruction::LoadPacket {
                size,
                index,
                offset,
            }
        }),
        (size(), r(), address()).prop_map(|(size, dst, address)| Instruction::Load {
            size,
            dst,
            address
        }),
        (signed(), r(), address())
            .prop_map(|(size, dst, address)| { Instruction::LoadSigned { size, dst, address } }),
        (size(), r(), address())
            .prop_map(|(size, dst, address)| { Instruction::LoadAcquire { size, dst, address } }),
    ];
    let stores = prop_oneof![
        (size(), address(), operand())
            .prop_map(|(size, address, src)| { Instruction::Store { size, address, src } }),
        (size(), address(), r())
            .prop_map(|(size, address, src)| { Instruction::StoreRelease { size, address, src } }),
        (kind(), width(), address(), r()).prop_map(|(kind, width, address, src)| {
            Instruction::Atomic {
                kind,
                width,
                address,
                src,
            }
        }),
        Just(Instruction::Nospec),
    ];
    let jumps = prop_oneof![
        (width(), select(JumpOp::ALL), r(), operand(), any::<i16>()).prop_map(
            |(width, op, left, right, offset)| Instruction::JumpIf {
                width,
                op,
                left,
                right,
                offset
            }
        ),
        any::<i16>().prop_map(|offset| Instruction::Goto { offset }),
        any::<i32>().prop_map(|offset| Instruction::GotoLong { offset }),
        any::<i16>().prop_map(|offset| Instruction::MayGoto { offset }),
        r().prop_map(|register| Instruction::GotoRegister { register }),
        (callee(), prop_oneof![3 => Just(0), 1 => any::<i16>()])
            .prop_map(|(callee, offset)| Instruction::Call { callee, offset }),
        r().prop_map(|register| Instruction::CallRegister {
            register,
            field: CallxField::Destination
        }),
        // In the immediate, r0 cannot be told from the other form.
        (1_u8..=11).prop_map(|number| Instruction::CallRegister {
            register: Register::new(number).unwrap(),
            field: CallxField::Immediate
        }),
        Just(Instruction::Exit),
    ];
    prop_oneof![arithmetic, loads, stores, jumps]
}

/// Eight bytes, half of them with an opcode that means something.
fn slot() -> impl Strategy<Value = [u8; 8]> {
    let near = (instruction(), any::<[u8; 8]>(), any::<u8>());
    prop_oneof![
        any::<[u8; 8]>(),
        near.prop_map(|(instruction, noise, which)| {
            let encoded = instruction.encode(ByteOrder::Little);
            let mut bytes: [u8; 8] = encoded[..8].try_into().unwrap();
            let at = usize::from(which % 8);
            bytes[at] = noise[at];
            bytes
        }),
    ]
}

/// Bytes of any length, many of them nearly instructions.
pub fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let slots = proptest::collection::vec(slot(), 0..8);
    (slots, proptest::collection::vec(any::<u8>(), 0..8)).prop_map(|(slots, tail)| {
        let mut bytes = slots.concat();
        bytes.extend(tail);
        bytes
    })
}

/// Either order of bytes.
pub fn order() -> impl Strategy<Value = ByteOrder> + Clone {
    select(vec![ByteOrder::Little, ByteOrder::Big])
}
