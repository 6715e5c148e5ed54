//! Process ids.

use super::mask::Mask;
use super::padding::{compiled, replaced_by};
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Hides a number that the text calls a process id: `pid 1234`, `PID=1234`, `"tgid": 1234`,
/// `pids loader(1234)`, `/proc/1234/`, bash's `line 3: 1234 Killed` and `[1] 1234`.
pub(super) const MASK: Mask = Mask { name: "pid", apply };

static PID: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"(?x-u)
        (?i:\b (?:pid|ppid|tgid|tid)) (?: "?:[\ \t]* | [\ \t]*=[\ \t]* | [\ \t]+ ) ([0-9]+) \b
        | \b pids[\ ]+ ( [!-'*-~]+ \( [0-9]+ \) (?: ,[!-'*-~]+ \( [0-9]+ \) )* )
        | /proc/ ([0-9]+) \b
        | \b line\ [0-9]+:[\ ]+ ([0-9]+) [\ ]+ (?:Killed|Terminated|Aborted|Segmentation|Hangup|Bus|Trace)
        | (?m:^) \[[0-9]+\][-+]? [\ ]+ ([0-9]+)
            (?: [\ ]+ (?:Running|Stopped|Done|Exit|Killed|Terminated|Aborted|Segmentation|Hangup|Bus|Trace) | (?m:$) )
        | \b kill:\ \( ([0-9]+) \)
        | \b [Pp]rocess\ ([0-9]+) \ (?:attached|detached|exited|\()
        | (?m:^) == ([0-9]+) ==
        "#,
    )
});

/// A number, or one in parentheses: a program's name before it may hold digits.
static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?-u)^(?<open>)[0-9]+(?<close>)$|(?<open2>\()[0-9]+(?<close2>\))"));

fn apply(text: &str) -> Cow<'_, str> {
    replaced_by(&PID, text, |ids| {
        Some(
            NUMBER
                .replace_all(ids, "${open}${open2}[PID]${close}${close2}")
                .into_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::masked;
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn a_number_that_is_called_a_pid_is_hidden() {
        assert_snapshot!(masked(&MASK, "\
pid 21711  fd 5: prog_id 5  kprobe
PID: 42, tgid=   7 \"pid\": 1234,
\tpids loader2(1234),cat(99)
/proc/1234/maps
bash: line 3:  1234 Killed                  sleep 100
[1] 4242
[2]+  4243 Terminated              sleep 9
bash: line 4: kill: (4242) - No such process
==4242==ERROR: AddressSanitizer
strace: Process 4242 attached, Killed process 4242 (loader)"), @r#"
        pid [PID] fd 5: prog_id 5  kprobe
        PID: [PID], tgid=[PID] "pid": [PID],
        	pids loader2([PID]),cat([PID])
        /proc/[PID]/maps
        bash: line 3: [PID] Killed                  sleep 100
        [1] [PID]
        [2]+ [PID] Terminated              sleep 9
        bash: line 4: kill: ([PID]) - No such process
        ==[PID]==ERROR: AddressSanitizer
        strace: Process [PID] attached, Killed process [PID] (loader)
        "#);
    }

    #[test]
    fn other_numbers_stay() {
        let kept = "stupid 5, rapid 7, pid of 3, line 3: 12 items, /proc/self/maps\n[1] 4242 items\nkilled (3), [1] 2.5\n\"key\": 127, process 3 items, a==3==b";
        assert_eq!(masked(&MASK, kept), kept);
    }
}
