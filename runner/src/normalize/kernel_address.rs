//! Addresses: where the kernel put a function, or a process its memory, differs at every boot.

use super::mask::Mask;
use super::padding::{compiled, replaced_by};
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Hides what lies where kernels have their memory (`0xffffffff814bd860`), and elsewhere what a tool
/// calls an address: a line of kallsyms, `at 0x7ffd12345678`, `0x555555555139 <main+4>`.
///
/// Any other number stays, however large: the constants of a program are its text.
pub(super) const MASK: Mask = Mask {
    name: "address",
    apply,
};

/// Where a tool says that it is one.
static SAID: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"(?x-u)
        # ffffffff814bd860 T bpf_trace_printk
        (?m:^) ([0-9a-f]{16}) \ [A-Za-z] \ [A-Za-z_.$]
        # 0x0000555555555139 <main+4>
        | \b ((?:0x)?[0-9a-f]{9,16}) \ <[A-Za-z_.$]
        # libc.so.6 => /lib/libc.so.6 (0x00007f0012345000)
        | \.so[.0-9]* \ \( (0x[0-9a-f]{16}) \)
        # segfault at 7ffd12345678 ip 000055d0c0ffee00; trap ip:55d0c0ffee00 sp:7ffd12345678
        | \b (?:segfault\ at\ |ip:|sp:) ([0-9a-f]{9,16}) \b
        # at 0x7ffd12345678, "address": "0x7ffd12345678", ptr=0x7ffd12345678, &x = 0x7ffd12345678
        | (?: (?i:\b (?:at|addr|address|ptr|pointer|pc|ip|sp|bp)) | &[A-Za-z_][A-Za-z0-9_.]* ) "? [\ \t]* [:=]? [\ \t]* "?
          (0x[0-9a-f]{9,16} | 0000[0-9a-f]{12}) \b
        "#,
    )
});

/// Any number of 64 bits. What matches without a group is none, wherever its value lies.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"(?xi-u)
        # A constant of an object file, as llvm-objdump has it: `r1 = 0xffff888123456789 ll`.
        \b 0x[0-9a-f]+ \ ll \b
        # What the verifier knows of a number: `smin=0xffffffff80000000`, `R1_w=0xffffffff80000001`.
        | \b (?: [su](?:min|max)(?:32)?(?:_value)? | var_off | imm | (?:R|fp-)[0-9]+(?:_[a-z]+)? )
          = \(? [-0-9a-fx]+ (?: ;\ 0x[0-9a-f]+ )?
        # A program's tag.
        | \b tag "? :? \ + "? [0-9a-f]{16} \b
        | \b ( (?:0x)? f{4}[0-9a-f]{12} ) \b
        "#,
    )
});

fn apply(text: &str) -> Cow<'_, str> {
    let token = || "[ADDR]".to_owned();
    // Offsets in a file and 32-bit numbers are no addresses.
    let said = replaced_by(&SAID, text, |digits| {
        (value(digits) > u64::from(u32::MAX)).then(token)
    });
    match replaced_by(&NUMBER, &said, |digits| {
        is_kernels(value(digits)).then(token)
    }) {
        Cow::Borrowed(_) => said,
        Cow::Owned(masked) => Cow::Owned(masked),
    }
}

fn value(digits: &str) -> u64 {
    let digits = digits.trim_start_matches(['0', 'x', 'X']);
    // Sixteen digits always fit.
    u64::from_str_radix(digits, 16).unwrap_or(0)
}

/// True for the values that the kernel has memory at, by its Documentation/arch/x86/x86_64/mm.rst: from
/// the canonical upper half to the entry areas of processors, and its own text with that of
/// modules. Between and above lie small negative numbers and masks of bits. The text of 64-bit Arm
/// and of RISC-V kernels is there too (arch/arm64/memory.rst, arch/riscv/vm-layout.rst). Values
/// below, as five levels of page tables have them, are addresses only where that is said.
fn is_kernels(value: u64) -> bool {
    let is_round = value & u64::from(u32::MAX) == 0;
    let is_inside = matches!(value,
        0xffff_8000_0000_0000..=0xffff_fe7f_ffff_ffff
        | 0xffff_ffff_8000_0000..=0xffff_ffff_feff_ffff);
    is_inside && !is_round
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
map 0xffff888100a3c000 at 0x7ffd12345678, FFFFFFFF814BD860
r1 = 0xffff95b5c6d05800"), @r"
        [ADDR] T bpf_trace_printk
        [ADDR] t bpf_prog_810f503614361878_bpf_prog	[bpf]
        [ADDR]:  e8 49 7c 49 c1   call [ADDR]
        map [ADDR] at [ADDR], [ADDR]
        r1 = [ADDR]
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

    #[test]
    fn a_text_of_six_letters_on_the_stack_is_no_address() {
        for text in ["hello!", "HELLOU", "abcde\u{7f}"] {
            let digits: String = text
                .bytes()
                .rev()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let line = format!("   0: (18) r1 = 0x{digits}\nmovabs 0x{digits}, 0x{digits} ll");
            assert_eq!(masked(&MASK, &line), line);
        }
    }

    #[test]
    fn numbers_that_no_kernel_has_an_address_at_stay() {
        let kept = "0xffffffff00000000 0xffffffff7fffffff 0xffff000000000000 0xffff0000ffff0000 \
            0xffffff0000000000 0xfffffffed5fa0e00 0xffffffffffff0000 0xff51afd7ed558ccd \
            0xcbf29ce484222325 0xffff800000000000 0xffff123456789abc";
        assert_eq!(masked(&MASK, kept), kept);
    }

    #[test]
    fn what_the_verifier_knows_of_a_number_stays() {
        let kept = "R0=scalar(smin=0xffffffff80000000,umax=0xfffffffffffffff0,smin32=0x80000000,\
            var_off=(0xffffffff80000000; 0xffffffff81234567)) R1_w=0xffffffff80000001 fp-8_w=0xffff888100000001
       3:\tr1 = 0xffff888123456789 ll
\ttag ffff888123456789  gpl \"tag\": \"ffff888123456789\"";
        assert_eq!(masked(&MASK, kept), kept);
    }

    #[test]
    fn what_a_tool_calls_an_address_is_one_wherever_it_lies() {
        assert_snapshot!(masked(&MASK, "\
c00000000014bd86 T bpf_trace_printk
ff11000102030400 d a_map
segfault at 7ffd12345678 ip 000055d0c0ffee00 sp 00007ffd12345678 error 4
=> 0x0000555555555139 <main+4>: mov eax,0
libc.so.6 => /lib/libc.so.6 (0x00007f0012345000)
\"address\": \"0x7ffd12345678\", ptr=0xaaaac0ffee00, pointer 0x7ffd12345678
traps: a.out[7] trap ip:55d0c0ffee00 sp:7ffd12345678, &x = 0x7ffd12345678
<object at 0x7f0012345000>, ==7==ERROR: on address 0x602000000010 at pc 0x55d0c0ffee00 bp 0x7ffd12345678"), @r#"
        [ADDR] T bpf_trace_printk
        [ADDR] d a_map
        segfault at [ADDR] ip [ADDR] sp [ADDR] error 4
        => [ADDR] <main+4>: mov eax,0
        libc.so.6 => /lib/libc.so.6 ([ADDR])
        "address": "[ADDR]", ptr=[ADDR], pointer [ADDR]
        traps: a.out[7] trap ip:[ADDR] sp:[ADDR], &x = [ADDR]
        <object at [ADDR]>, ==7==ERROR: on address [ADDR] at pc [ADDR] bp [ADDR]
        "#);
    }

    #[test]
    fn a_place_in_a_file_is_no_address() {
        let kept = "0000000000000000 T bpf_prog\n0000000000001139 T main\n0000000000001139 <main>:\n\
            at 0x10, at offset 0x40, address 0x1139, ip 127.0.0.1, ip:12345678, a & b = 0x216f6c6c6568, (0x216f6c6c6568)\n0000000000000000 t withheld";
        assert_eq!(masked(&MASK, kept), kept);
    }
}
