//! The number behind a helper's name in a loaded program: its distance from `__bpf_call_base`.

use super::mask::Mask;
use super::padding::compiled;
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Hides `-61360` in `call bpf_trace_printk#-61360`, and its four bytes in the line below. Hides it
/// too where `tutor bpf compare` works it out: `… - __bpf_call_base … = -61360 = 0xffff1050, …`.
///
/// A helper's own number (`bpf_trace_printk#6` in a verifier log) is small and stays, and so does the
/// `-1` of a call that is yet to be resolved.
pub(super) const MASK: Mask = Mask {
    name: "helper-offset",
    apply,
};

static OFFSET: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?-u)(?<call>\bcall [A-Za-z_][A-Za-z0-9_.]*#)(?:-[0-9]{2,}|[0-9]{4,})\b(?:(?<code>\n[ \t]*85 [0-9a-f]{2} 00 00)(?: [0-9a-f]{2}){4})?",
    )
});

static WORKED_OUT: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?-u)(?<distance>from __bpf_call_base, )-?[0-9]+(?<unit> bytes)|(?<sum>- __bpf_call_base (?:0x[0-9a-f]+|\[ADDR\]) = )-?[0-9]+ = 0x[0-9a-f]{8}(?<memory>, in memory)(?: [0-9a-f]{2}){4}",
    )
});

fn apply(text: &str) -> Cow<'_, str> {
    // Most output has no call in it.
    if !text.contains('#') {
        return Cow::Borrowed(text);
    }
    let called = OFFSET.replace_all(text, |found: &regex::Captures| {
        let call = &found["call"];
        match found.name("code") {
            Some(code) => format!("{call}[OFFSET]{} [OFFSET]", code.as_str()),
            None => format!("{call}[OFFSET]"),
        }
    });
    let replaced = WORKED_OUT.replace_all(&called, |found: &regex::Captures| {
        let part = |name| found.name(name).map_or("", |part| part.as_str());
        match part("sum") {
            "" => format!("{}[OFFSET]{}", part("distance"), part("unit")),
            sum => format!("{sum}[OFFSET] = [OFFSET]{} [OFFSET]", part("memory")),
        }
    });
    match replaced {
        Cow::Borrowed(_) => called,
        Cow::Owned(replaced) => Cow::Owned(replaced),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::masked;
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn the_offset_goes_as_number_and_as_bytes() {
        let dump = |number: &str, bytes: &str| {
            format!(
                "   9: (b7) r2 = 14\n       b7 02 00 00 0e 00 00 00\n  \
                 10: (85) call bpf_trace_printk#{number}\n       85 00 00 00 {bytes}\n  \
                 11: (b7) r0 = 0\n       b7 00 00 00 00 00 00 00\n"
            )
        };
        let here = masked(&MASK, &dump("-61360", "50 10 ff ff"));
        assert_snapshot!(here, @r"
           9: (b7) r2 = 14
               b7 02 00 00 0e 00 00 00
          10: (85) call bpf_trace_printk#[OFFSET]
               85 00 00 00 [OFFSET]
          11: (b7) r0 = 0
               b7 00 00 00 00 00 00 00
        ");
        assert_eq!(here, masked(&MASK, &dump("197504", "80 03 03 00")));
    }

    #[test]
    fn a_dump_without_bytes_loses_the_number_only() {
        assert_snapshot!(masked(&MASK, "  10: (85) call __htab_map_lookup_elem#204528\n  11: (95) exit"), @r"
        10: (85) call __htab_map_lookup_elem#[OFFSET]
        11: (95) exit
        ");
    }

    #[test]
    fn the_arithmetic_of_a_comparison_keeps_its_form() {
        assert_snapshot!(masked(&MASK, "\
call bpf_trace_printk#-61360
 [1] the helper's number 6 became the distance of bpf_trace_printk from __bpf_call_base, -61360 bytes; the verifier did it
     bpf_trace_printk 0xffffffff814bd860 - __bpf_call_base 0xffffffff814cc810 = -61360 = 0xffff1050, in memory 50 10 ff ff"), @r"
        call bpf_trace_printk#[OFFSET]
         [1] the helper's number 6 became the distance of bpf_trace_printk from __bpf_call_base, [OFFSET] bytes; the verifier did it
             bpf_trace_printk 0xffffffff814bd860 - __bpf_call_base 0xffffffff814cc810 = [OFFSET] = [OFFSET], in memory [OFFSET]
        ");
    }

    #[test]
    fn a_helpers_own_number_and_the_objects_bytes_stay() {
        let kept = "10: (85) call bpf_trace_printk#6\n      10:\t85 00 00 00 06 00 00 00\tcall 6\ncall a_kfunc#-1";
        assert_eq!(masked(&MASK, kept), kept);
    }
}
