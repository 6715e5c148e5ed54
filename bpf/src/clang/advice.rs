//! What to do about clang's complaints that a C program for BPF gets and no other does.

use super::options::target_define;

/// A complaint, by words of it, and the advice.
type Advice = (&'static [&'static str], fn(&str) -> String);

const NO_LIBRARY: &str = "there is no C library to call: `bpf_printk` prints, and `__builtin_memcpy` and its like need a constant size";

/// The first that fits is given.
const ADVICE: [Advice; 19] = [
    (&["'vmlinux.h' file not found"], |_| {
        "vmlinux.h is made from a kernel's type information: `bpftool btf dump file /sys/kernel/btf/vmlinux format c > vmlinux.h`, \
         or for the lab's kernel `tutor lab run -- bpftool btf dump file /sys/kernel/btf/vmlinux format c > vmlinux.h`; \
         `-I FOLDER` names the folder of one that is elsewhere"
            .to_owned()
    }),
    (&["'gnu/stubs-32.h' file not found"], |stderr| {
        let header = included(stderr).unwrap_or_else(|| "such a header".to_owned());
        format!(
            "a BPF program has no C library: leave out {header}; `bpf_printk` of bpf/bpf_helpers.h prints, and `__u32` and its like are in linux/types.h"
        )
    }),
    (&["'bpf_", "' file not found"], |_| {
        "libbpf's headers are in a folder of their own: `#include <bpf/bpf_helpers.h>`".to_owned()
    }),
    (&["'bpf/", "' file not found"], |_| {
        "libbpf's headers come with a package: `libbpf-dev` on Debian and Ubuntu, `libbpf-devel` on Fedora, `libbpf` on Arch".to_owned()
    }),
    (&["'asm/", "' file not found"], |_| {
        "name the folder of this machine's headers: `-I /usr/include/$(uname -m)-linux-gnu` on Debian and Ubuntu, where the package `linux-libc-dev` brings them".to_owned()
    }),
    (&["' file not found"], |_| {
        "`-I FOLDER` names the folder that the header is in; headers from inside of the kernel are no use here, their types are in a vmlinux.h".to_owned()
    }),
    (&["Must specify a BPF target arch"], |_| {
        let define = target_define().unwrap_or_else(|| "-D__TARGET_ARCH_x86".to_owned());
        format!("say whose registers the probe sees: `{define}`")
    }),
    (&["signed div"], |_| {
        "BPF before v4 divides unsigned numbers only: make both `unsigned`, or take clang 18 or newer with `--mcpu v4`".to_owned()
    }),
    (&["too many args"], |_| {
        "a function takes five arguments at most: give it a pointer to a struct, or make it `__always_inline`".to_owned()
    }),
    (&["stack limit"], |_| {
        "a program has a stack of 512 bytes: keep what is larger in a map, such as an array with one element for each CPU".to_owned()
    }),
    (&["built-in function '__"], |_| {
        "BPF computes with whole numbers of up to 64 bits: there is no floating point, and little with 128 bits".to_owned()
    }),
    (&["undeclared library function"], |_| NO_LIBRARY.to_owned()),
    (&["XADD return value"], |_| {
        "an atomic operation gives back what was there from `--mcpu v3` on".to_owned()
    }),
    (&["StructRet"], |_| {
        "a function has a fixed number of arguments and returns one number: give it a pointer to the struct to fill in".to_owned()
    }),
    (&["expected parameter declarator", "SEC("], |_| {
        "`SEC` is a macro of libbpf: `#include <bpf/bpf_helpers.h>`".to_owned()
    }),
    (&["built-in function", "is not supported"], |_| {
        NO_LIBRARY.to_owned()
    }),
    (&["dynamic stack allocation"], |_| {
        "arrays need a size that is known when it is compiled".to_owned()
    }),
    (&["ariadic functions"], |_| {
        "a function has a fixed number of arguments; `bpf_printk` is a macro that packs its own"
            .to_owned()
    }),
    (&["indirect call"], |_| {
        "a program cannot call through a pointer: use `switch`, or a tail call".to_owned()
    }),
];

/// Returns what to do about the complaints.
pub(super) fn advice(stderr: &str) -> Option<String> {
    let complaint = first_error(stderr)?;
    // Below it stands the line of C.
    let mut below = stderr.lines().skip_while(|line| *line != complaint).skip(1);
    let line = below.next().unwrap_or_default();
    let says = |word: &&str| complaint.contains(*word) || line.contains(*word);
    let fits = |(words, _): &&Advice| words.iter().all(says);
    ADVICE.iter().find(fits).map(|(_, text)| text(stderr))
}

/// The header that led to the complaint, as the C file includes it, and where.
fn included(stderr: &str) -> Option<String> {
    let mut lines = stderr.lines().filter_map(|line| {
        let place = line.strip_prefix("In file included from ")?;
        Some(place.trim_end_matches(':').to_owned())
    });
    let from = lines.next()?;
    let header = lines.next()?;
    let (header, _) = header.rsplit_once(':')?;
    let name = header.strip_prefix("/usr/include/").unwrap_or(header);
    Some(format!("<{name}>, which {from} includes"))
}

/// The first line that names an error. LLVM before 19 begins some with `Error at line 6:`.
pub(super) fn first_error(stderr: &str) -> Option<&str> {
    let is_error = |line: &&str| line.contains("error:") || line.starts_with("Error at line ");
    stderr.lines().find(is_error)
}

/// Leaves out what clang says of itself when it ends abnormally: its stack, its own form of the program, whom to tell.
pub(super) fn without_crash_report(stderr: &str) -> String {
    let is_report = |line: &&str| {
        line.starts_with("PLEASE submit a bug report") || line.starts_with("Stack dump:")
    };
    let lines = stderr.lines().take_while(|line| !is_report(line));
    let lines = lines.filter(|line| !line.trim_start().starts_with("0x"));
    let kept = lines.collect::<Vec<_>>().join("\n");
    match kept.trim().is_empty() {
        true => stderr.to_owned(),
        false => kept,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRASH: &str = "\
Error at line 6: Unsupport signed division for DAG: 0x1: i64 = sdiv 0x2, 0x3, a.c:6:11Please convert to unsigned div/mod.
fatal error: error in backend: Cannot select: 0x1: i64 = sdiv 0x2, 0x3, a.c:6:11
  0x2: i64 = sra 0x4, Constant:i64<32>, a.c:5:15
In function: prog
PLEASE submit a bug report to https://github.com/llvm/llvm-project/issues/ and include the crash backtrace.
Stack dump:
0.\tProgram arguments: clang -c a.c
 #0 0x00007f llvm::sys::PrintStackTrace(llvm::raw_ostream&, int) (libLLVM-14.so.1+0xea5291)
clang: error: clang frontend command failed with exit code 70 (use -v to see invocation)
";

    #[test]
    fn of_a_crash_the_lines_about_the_program_stay() {
        let kept = without_crash_report(CRASH);
        let lines: Vec<&str> = kept.lines().collect();
        assert_eq!(lines.len(), 3, "{kept}");
        assert!(
            first_error(&kept)
                .unwrap()
                .contains("Unsupport signed division")
        );
        assert!(advice(CRASH).unwrap().contains("`--mcpu v4`"));
        let only = "PLEASE submit a bug report\n";
        assert_eq!(without_crash_report(only), only);
    }

    #[test]
    fn beginners_complaints_have_an_advice() {
        for (complaint, advice) in [
            (
                "a.c:1:10: fatal error: 'vmlinux.h' file not found",
                "bpftool btf dump",
            ),
            (
                "a.c:2:10: fatal error: 'bpf/bpf_helpers.h' file not found",
                "libbpf-dev",
            ),
            (
                "/usr/include/linux/types.h:5:10: fatal error: 'asm/types.h' file not found",
                "linux-libc-dev",
            ),
            (
                "a.c:2:10: fatal error: 'linux/skbuff.h' file not found",
                "`-I FOLDER`",
            ),
            (
                "a.c:4:5: error: Must specify a BPF target arch via __TARGET_ARCH_xxx",
                "-D__TARGET_ARCH_",
            ),
            (
                "a.c:6:11: error: unsupported signed division, please convert to unsigned div/mod.",
                "unsigned",
            ),
            (
                "a.c:4:38: error: defined with too many args",
                "five arguments",
            ),
            (
                "a.c:4:38: error: Looks like the BPF stack limit of 512 bytes is exceeded.",
                "512 bytes",
            ),
            (
                "a.c:1:10: fatal error: 'bpf_helpers.h' file not found",
                "<bpf/bpf_helpers.h>",
            ),
            (
                "a.c:3:5: error: A call to built-in function '__floatunsidf' is not supported.",
                "floating point",
            ),
            (
                "fatal error: error in backend: line 3: Invalid usage of the XADD return value",
                "`--mcpu v3`",
            ),
            (
                "a.c:3:69: error: functions with VarArgs or StructRet are not supported",
                "a pointer to the struct",
            ),
            (
                "a.c:2:5: error: expected parameter declarator\nSEC(\"socket\") int prog(void *c)",
                "is a macro of libbpf",
            ),
            (
                "a.c:4:38: error: A call to built-in function 'memcpy' is not supported.",
                "no C library",
            ),
        ] {
            let said = super::advice(complaint).unwrap_or_default();
            assert!(said.contains(advice), "{complaint}: {said}");
        }
        assert_eq!(
            advice("a.c:3:1: error: expected ';' after return statement"),
            None
        );
    }

    #[test]
    fn the_header_of_the_c_library_is_named_with_the_line_that_includes_it() {
        let stderr = "In file included from a.bpf.c:3:\nIn file included from /usr/include/stdio.h:27:\n\
                      In file included from /usr/include/features.h:513:\n\
                      /usr/include/gnu/stubs.h:7:11: fatal error: 'gnu/stubs-32.h' file not found\n";
        let advice = advice(stderr).unwrap();
        assert!(
            advice.contains("leave out <stdio.h>, which a.bpf.c:3 includes;"),
            "{advice}"
        );
    }
}
