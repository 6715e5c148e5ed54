//! What the verifier said about a program, bounded: where it follows a program for a million instructions, it writes
//! 60 MB.

/// The most that is kept of a log, in bytes: its end, where the cause stands.
const KEPT_BYTES: usize = 64 << 10;
/// The most that every kernel writes into, in bytes (`BPF_LOG_BUF_SIZE` of libbpf).
pub(super) const BUFFER_BYTES: usize = u32::MAX as usize >> 8;

/// The verifier's log, or its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifierLog {
    /// Its lines; none where the verifier did not come that far.
    pub lines: Vec<String>,
    /// What is missing among them.
    pub gap: LogGap,
}

/// What is missing of a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogGap {
    /// It is whole.
    #[default]
    None,
    /// Its lines begin somewhere in it.
    Before,
    /// Its lines begin somewhere in it, and before those of the last words more is missing. Kernels before 6.4 keep
    /// the beginning of a log that does not fit.
    Within {
        /// Where the last words begin.
        last_words: usize,
    },
}

impl VerifierLog {
    /// Reads what the kernel wrote into a buffer; `last_words` is what it said about the same program without a word
    /// about each instruction.
    pub(super) fn of_buffer(buffer: &[u8], last_words: Vec<String>) -> Self {
        let written = buffer.split(|byte| *byte == 0).next().unwrap_or_default();
        let is_full = written.len() + 1 >= buffer.len();
        let mut kept = &written[written.len().saturating_sub(KEPT_BYTES)..];
        let is_cut = is_full || kept.len() < written.len();
        if is_cut {
            // It begins within a line.
            let line = kept.iter().position(|byte| *byte == b'\n');
            kept = &kept[line.map_or(0, |end| end + 1)..];
        }
        let text = String::from_utf8_lossy(kept);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if lines.is_empty() {
            lines = last_words.clone();
        }
        let complaint = complaint(&last_words);
        let has_end = complaint.is_none_or(|complaint| lines.iter().any(|line| line == complaint));
        if is_full && !has_end {
            let last = lines.len();
            lines.extend(last_words);
            return Self {
                lines,
                gap: LogGap::Within { last_words: last },
            };
        }
        let gap = match is_cut {
            true => LogGap::Before,
            false => LogGap::None,
        };
        Self { lines, gap }
    }

    /// Returns the verifier's complaint: the last line that is no statistics.
    pub fn complaint(&self) -> Option<&str> {
        complaint(&self.lines)
    }

    /// Returns the instruction that the verifier looked at last, as the log has it.
    pub fn instruction_text(&self) -> Option<&str> {
        let at = self.instruction()?;
        let line = self.lines[at].as_str();
        // After `;` stands the state of the registers.
        Some(line.split_once(" ; ").map_or(line, |(text, _)| text).trim())
    }

    /// Returns the line of C before that instruction, as the log has it, when the object has line information.
    pub fn source(&self) -> Option<&str> {
        let at = self.instruction()?;
        let before = self.lines[..at].iter().rev();
        before
            .map(String::as_str)
            .find_map(|line| line.strip_prefix("; "))
            .map(str::trim)
            .filter(|line| !line.is_empty())
    }

    /// Returns the number of that instruction, in slots from the start of the program.
    pub fn slot(&self) -> Option<u64> {
        let (slot, _) = self.lines[self.instruction()?]
            .trim_start()
            .split_once(':')?;
        slot.parse().ok()
    }

    /// Returns the place in the log of the instruction that the verifier looked at last.
    fn instruction(&self) -> Option<usize> {
        self.lines.iter().rposition(|line| {
            let parts = line.trim_start().split_once(": ");
            parts.is_some_and(|(slot, text)| slot.parse::<usize>().is_ok() && text.starts_with('('))
        })
    }
}

fn complaint(lines: &[String]) -> Option<&str> {
    let is_statistics = |line: &&str| {
        let starts = ["processed ", "verification time ", "stack depth "];
        starts.iter().any(|start| line.starts_with(start))
    };
    let mut lines = lines.iter().rev().map(|line| line.trim());
    lines.find(|line| !line.is_empty() && !is_statistics(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
reg type unsupported for arg#0 function read_it#7
0: R1=ctx() R10=fp0
; return *count; @ bad.bpf.c:20
7: (79) r0 = *(u64 *)(r0 +0)
R0 invalid mem access 'map_value_or_null'
processed 8 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0";
    const TOO_LARGE: &str = "BPF program is too large. Processed 1000001 insn";

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    fn whole(text: &str) -> VerifierLog {
        VerifierLog::of_buffer(&[text.as_bytes(), &[0; 8]].concat(), Vec::new())
    }

    /// A loop, followed for as long as the log is to be.
    fn followed(bytes: usize) -> Vec<u8> {
        let round = b"; s += i; @ loop.bpf.c:6\n4: (0f) r3 += r2 ; R2=1\n";
        round.iter().copied().cycle().take(bytes).collect()
    }

    #[test]
    fn the_log_names_the_instruction_the_line_of_c_and_the_complaint() {
        let log = whole(LOG);
        assert_eq!(log.instruction_text(), Some("7: (79) r0 = *(u64 *)(r0 +0)"));
        assert_eq!(log.slot(), Some(7));
        assert_eq!(log.source(), Some("return *count; @ bad.bpf.c:20"));
        assert_eq!(
            log.complaint(),
            Some("R0 invalid mem access 'map_value_or_null'")
        );
        assert_eq!(log.gap, LogGap::None);
    }

    #[test]
    fn a_log_without_instructions_names_none() {
        let log = whole("unknown func bpf_no_such#999");
        assert_eq!(log.instruction_text(), None);
        assert_eq!(log.source(), None);
        assert_eq!(log.complaint(), Some("unknown func bpf_no_such#999"));
    }

    #[test]
    fn the_end_of_a_long_log_is_kept_in_whole_lines() {
        // A kernel that keeps the end fills the buffer with it, and so may begin within a line.
        let mut buffer = followed(2 * KEPT_BYTES);
        buffer.extend(format!("\n{TOO_LARGE}\n\0").into_bytes());
        let log = VerifierLog::of_buffer(&buffer, lines(TOO_LARGE));
        assert_eq!(log.gap, LogGap::Before);
        assert_eq!(log.complaint(), Some(TOO_LARGE));
        assert_eq!(log.source(), Some("s += i; @ loop.bpf.c:6"));
        let bytes: usize = log.lines.iter().map(|line| line.len() + 1).sum();
        assert!((KEPT_BYTES - 100..=KEPT_BYTES).contains(&bytes), "{bytes}");
        assert!(log.lines[0].starts_with(['4', ';']), "{}", log.lines[0]);
    }

    #[test]
    fn where_a_kernel_kept_the_beginning_the_last_words_are_put_after_it() {
        let mut buffer = followed(2 * KEPT_BYTES);
        buffer.push(0);
        let log = VerifierLog::of_buffer(&buffer, lines(TOO_LARGE));
        let last_words = log.lines.len() - 1;
        assert_eq!(log.gap, LogGap::Within { last_words });
        assert_eq!(log.complaint(), Some(TOO_LARGE));
        assert_eq!(log.source(), Some("s += i; @ loop.bpf.c:6"));
    }
}
