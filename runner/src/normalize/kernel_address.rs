//! Addresses: where the kernel put a function, or a process its memory, differs at every boot.

use super::mask::Mask;
use super::padding::{compiled, replaced_by};
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Hides kernel addresses (`ffffffff814bd860`) and pointers (`0x7ffd12345678`).
///
/// Small negative numbers as 64-bit hex (`0xfffffffffffffff0`) are no addresses and stay, and so
/// do the constants of a program (`r1 = 0x6f77206f6c6c6568 ll`).
pub(super) const MASK: Mask = Mask {
    name: "address",
    apply,
};

static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i-u)\b((?:0x)?ffff[0-9a-f]{12}|0x[0-9a-f]{12})\b"));

fn apply(text: &str) -> Cow<'_, str> {
    replaced_by(&ADDRESS, text, |digits| {
        let negative = digits.to_ascii_lowercase().contains("ffffffffffff");
        (!negative).then(|| "[ADDR]".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::masked;
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn kernel_symbols_lose_their_addresses() {
        assert_snapshot!(masked(&MASK, "\
ffffffff814bd860 T bpf_trace_printk
ffffffffc0025bd4 t bpf_prog_810f503614361878_bpf_prog\t[bpf]
ffffffffc0025c12:  e8 49 7c 49 c1   call 0xffffffff814bd860
map 0xffff888100a3c000 at 0x7ffd12345678, FFFFFFFF814BD860"), @r"
        [ADDR] T bpf_trace_printk
        [ADDR] t bpf_prog_810f503614361878_bpf_prog	[bpf]
        [ADDR]:  e8 49 7c 49 c1   call [ADDR]
        map [ADDR] at [ADDR], [ADDR]
        ");
    }

    #[test]
    fn constants_offsets_and_negative_numbers_stay() {
        let kept = "\
0000000000000000 <bpf_prog>:
       4:\t18 01 00 00 68 65 6c 6c 00 00 00 00 6f 20 77 6f\tr1 = 0x6f77206f6c6c6568 ll
       9:\tr1 = 0xfffffffffffffff0 ll, flags 0x480, 0x21646c72, w1 = 0xffff1050
tag ffff5036143618781 0xffffffffffffffff";
        assert_eq!(masked(&MASK, kept), kept);
    }
}
