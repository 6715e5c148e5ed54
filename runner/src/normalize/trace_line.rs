//! The prefix that ftrace puts in front of each line of `trace_pipe`.

use super::mask::Mask;
use super::padding::{compiled, replaced};
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Hides task, process id, processor, flags and timestamp of a trace line.
///
/// The rest of the line stays: `[TRACE] bpf_trace_printk: hello world!`.
pub(super) const MASK: Mask = Mask {
    name: "trace",
    apply,
};

/// Newer kernels print five flags, older ones four; the group in parentheses is an option.
static PREFIX: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?mx-u)^(
        [\ \t]* [!-~][\ -~]{0,15}? - [0-9]+ [\ \t]+
        (?: \( [\ ]* [-0-9]+ \) [\ \t]+ )?
        \[ [0-9]+ \] [\ \t]+
        (?: [-.\#a-zA-Z0-9]{4,5} [\ \t]+ )?
        [0-9]+ (?: \.[0-9]+ )? :
        )(?:[\ \t]|$)",
    )
});

fn apply(text: &str) -> Cow<'_, str> {
    replaced(&PREFIX, text, "[TRACE]")
}

#[cfg(test)]
mod tests {
    use super::super::tests::masked;
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn the_prefix_goes_and_the_message_stays() {
        assert_snapshot!(masked(&MASK, "\
           <...>-21711   [001] d..31  1234.567890: bpf_trace_printk: hello world!
            bash-7       [000] ....   234.567890: 0: hello world!
 systemd-journal-217     [003] dN.4.  1.000001: bpf_trace_printk: a  b
     my task x-12      (   12) [001] d...1 5.5: bpf_trace_printk: c
   kworker/0:1-31      [000] .....  99.1: sys_write(fd: 1)"), @"
        [TRACE] bpf_trace_printk: hello world!
        [TRACE] 0: hello world!
        [TRACE] bpf_trace_printk: a  b
        [TRACE] bpf_trace_printk: c
        [TRACE] sys_write(fd: 1)
        ");
    }

    #[test]
    fn the_thread_group_that_an_option_adds_goes_too() {
        let plain = "            bash-28644   [001] ...1.  4746.194240: tracing_mark_write: x";
        let with =
            "            bash-28644   (  28644) [001] ...1.  4747.204820: tracing_mark_write: x";
        assert_eq!(masked(&MASK, plain), "[TRACE] tracing_mark_write: x");
        assert_eq!(masked(&MASK, plain), masked(&MASK, with));
    }

    #[test]
    fn the_head_of_the_trace_and_other_lines_stay() {
        let kept = "# tracer: nop\n#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\nhello-1 [x] 5: y\n[  12.5] dmesg";
        assert_eq!(masked(&MASK, kept), kept);
    }
}
