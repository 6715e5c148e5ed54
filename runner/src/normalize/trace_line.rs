//! What ftrace puts in front of each line of `trace_pipe`.

use super::mask::Mask;
use super::padding::compiled;
use regex::{Captures, Regex};
use std::borrow::Cow;
use std::sync::LazyLock;

/// Hides task, process id, processor, flags and timestamp of a trace line, each by a token of its
/// own: what the line is made of stays to be seen.
///
/// `[TASK]-[PID] [[CPU]] [FLAGS] [TIME]: bpf_trace_printk: hello world!`.
pub(super) const MASK: Mask = Mask {
    name: "trace",
    apply,
};

/// Newer kernels print more flags than older ones; the thread group in parentheses and the flags
/// are options. The kernel does not always know a task's name, and prints `<...>`.
static PREFIX: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?mx-u)^
        [\ \t]* (?u:\S[^\n]{0,15}?) - [0-9]+ [\ \t]+
        (?<group> \( [\ ]* [-0-9]+ \) [\ \t]+ )?
        \[ [0-9]+ \] [\ \t]+
        (?<flags> [-.\#a-zA-Z0-9]{4,8} [\ \t]+ )?
        [0-9]+ (?: \.[0-9]+ )? :
        (?<end>[\ \t]|$)",
    )
});

fn apply(text: &str) -> Cow<'_, str> {
    PREFIX.replace_all(text, |found: &Captures| {
        let group = found.name("group").map_or("", |_| "([PID]) ");
        let flags = found.name("flags").map_or("", |_| "[FLAGS] ");
        let end = &found["end"];
        format!("[TASK]-[PID] {group}[[CPU]] {flags}[TIME]:{end}")
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::masked;
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn each_field_has_a_token_and_the_message_stays() {
        assert_snapshot!(masked(&MASK, "\
           <...>-21711   [001] d..31  1234.567890: bpf_trace_printk: hello world!
            bash-7       [000] ....   234.567890: 0: hello world!
 systemd-journal-217     [003] dN.4.  1.000001: bpf_trace_printk: a  b
           网络 1-32      [000] .....  99.0: a task has any name
   kworker/0:1-31      [000] .....  99.1: sys_write(fd: 1)
            bash-7       [000] ....1.. 9.5: more flags
            bash-7       [000] 234: an empty one follows:
            bash-7       [000] .... 235:"), @"
        [TASK]-[PID] [[CPU]] [FLAGS] [TIME]: bpf_trace_printk: hello world!
        [TASK]-[PID] [[CPU]] [FLAGS] [TIME]: 0: hello world!
        [TASK]-[PID] [[CPU]] [FLAGS] [TIME]: bpf_trace_printk: a  b
        [TASK]-[PID] [[CPU]] [FLAGS] [TIME]: a task has any name
        [TASK]-[PID] [[CPU]] [FLAGS] [TIME]: sys_write(fd: 1)
        [TASK]-[PID] [[CPU]] [FLAGS] [TIME]: more flags
        [TASK]-[PID] [[CPU]] [TIME]: an empty one follows:
        [TASK]-[PID] [[CPU]] [FLAGS] [TIME]:
        ");
    }

    #[test]
    fn the_thread_group_that_an_option_adds_is_a_process_id_too() {
        assert_snapshot!(masked(&MASK, "\
            bash-28644   (  28644) [001] ...1.  4747.204820: tracing_mark_write: x
     my task x-12      (-------) [001] d...1 5.5: bpf_trace_printk: c"), @"
        [TASK]-[PID] ([PID]) [[CPU]] [FLAGS] [TIME]: tracing_mark_write: x
        [TASK]-[PID] ([PID]) [[CPU]] [FLAGS] [TIME]: bpf_trace_printk: c
        ");
    }

    #[test]
    fn the_head_of_the_trace_and_other_lines_stay() {
        let kept = "# tracer: nop\n#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\nhello-1 [x] 5: y\n[  12.5] dmesg";
        assert_eq!(masked(&MASK, kept), kept);
    }
}
