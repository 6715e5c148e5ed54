//! Output as it comes: safe for a terminal, a bar in front of each line, bounded on the screen.

use super::paint::Paint;
use crate::event::Stream;
use crate::say;
use crate::visible::{Visible, fold};
use std::collections::BTreeMap;

/// What is shown of one step's output; more is kept.
const SHOWN_BYTES: usize = 256 * 1024;

/// One step's output on its way to the screen.
#[derive(Debug, Default)]
pub struct LiveOutput {
    streams: BTreeMap<(Option<String>, bool), Visible>,
    line_of: Option<(Option<String>, bool)>,
    /// What the unfinished line on the screen holds, after its bar.
    line: String,
    shown_bytes: usize,
    hidden_bytes: usize,
}

impl LiveOutput {
    /// Returns what to write for a chunk that came just now.
    pub fn push(
        &mut self,
        step: Option<&str>,
        stream: Stream,
        bytes: &[u8],
        paint: &Paint,
    ) -> String {
        if self.shown_bytes >= SHOWN_BYTES {
            self.hidden_bytes += bytes.len();
            return String::new();
        }
        let (shown, hidden) = bytes.split_at(bytes.len().min(SHOWN_BYTES - self.shown_bytes));
        self.shown_bytes += shown.len();
        self.hidden_bytes += hidden.len();
        let key = (step.map(str::to_owned), stream == Stream::Stderr);
        let text = self.streams.entry(key.clone()).or_default().push(shown);
        let mut drawn = String::new();
        if !text.is_empty() && self.line_of.as_ref().is_some_and(|line| *line != key) {
            drawn.push('\n');
            self.line_of = None;
        }
        for line in text.split_inclusive('\n') {
            if self.line_of.is_none() {
                drawn.push_str(&bar(stream, paint));
                self.line.clear();
            }
            self.put(line, stream, paint, &mut drawn);
            self.line_of = (!line.ends_with('\n')).then(|| key.clone());
        }
        drawn
    }

    /// Adds a piece of a line. On a terminal what does not fit goes on behind a bar of its own, and a
    /// word stays whole where the piece holds all of it.
    fn put(&mut self, piece: &str, stream: Stream, paint: &Paint, drawn: &mut String) {
        let room = paint.columns.saturating_sub(BAR_COLUMNS).max(BAR_COLUMNS);
        if !paint.live {
            drawn.push_str(piece);
            return;
        }
        let (text, end) = match piece.strip_suffix('\n') {
            Some(text) => (text, "\n"),
            None => (piece, ""),
        };
        let mut lines = fold(&format!("{}{text}", self.line), room);
        let fits = lines[0].starts_with(self.line.trim_end_matches(' '));
        if !fits {
            // A word of which the first part is on the screen: the rest goes on as a word of its own.
            lines = fold(&format!("  {text}"), room);
            lines.insert(0, self.line.clone());
        }
        drawn.push_str(lines[0].get(self.line.len()..).unwrap_or_default());
        for line in &lines[1..] {
            drawn.push_str(&format!("\n{}{line}", bar(stream, paint)));
        }
        self.line = lines.pop().unwrap_or_default();
        drawn.push_str(end);
    }

    /// Returns what to write when the step ended, so that the next line is a new one.
    pub fn end(&mut self, paint: &Paint) -> String {
        let mut drawn = String::new();
        for ((_, is_stderr), mut stream) in std::mem::take(&mut self.streams) {
            let rest = stream.finish();
            if !rest.is_empty() {
                if self.line_of.is_none() {
                    drawn.push_str(&bar(
                        if is_stderr {
                            Stream::Stderr
                        } else {
                            Stream::Stdout
                        },
                        paint,
                    ));
                }
                drawn.push_str(&rest);
                self.line_of = Some((None, is_stderr));
            }
        }
        if self.line_of.take().is_some() {
            drawn.push('\n');
        }
        if self.hidden_bytes > 0 {
            let text = say!(
                "output-hidden",
                bytes = std::mem::take(&mut self.hidden_bytes)
            );
            drawn.push_str(&format!("  {}\n", paint.dim(&text)));
        }
        drawn
    }

    /// True if nothing of a line is on the screen.
    pub fn at_line_start(&self) -> bool {
        self.line_of.is_none()
    }
}

/// How wide a bar is, with the blanks beside it.
const BAR_COLUMNS: usize = 4;

/// Standard error has a mark of its own, not only a color.
fn bar(stream: Stream, paint: &Paint) -> String {
    match stream {
        Stream::Stdout => format!("  {} ", paint.dim(paint.mark("│", "|"))),
        Stream::Stderr => format!("  {} ", paint.notable(paint.mark("┆", "!"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_lines_join_and_streams_do_not_mix() {
        let paint = Paint {
            unicode: false,
            ..Paint::plain(80)
        };
        let mut live = LiveOutput::default();
        let mut drawn = live.push(Some("a"), Stream::Stdout, b"one\ntw", &paint);
        drawn += &live.push(Some("a"), Stream::Stdout, b"o", &paint);
        drawn += &live.push(Some("a"), Stream::Stderr, b"oops\n", &paint);
        drawn += &live.push(Some("a"), Stream::Stdout, b"\xe9\xaa", &paint);
        drawn += &live.push(Some("a"), Stream::Stdout, b"\x8c", &paint);
        drawn += &live.end(&paint);
        assert_eq!(drawn, "  | one\n  | two\n  ! oops\n  | 验\n");
    }

    #[test]
    fn a_long_line_goes_on_behind_a_bar_of_its_own_on_a_terminal() {
        let paint = Paint {
            live: true,
            ..Paint::plain(24)
        };
        let drawn = |paint: &Paint, pieces: &[&str]| {
            let mut live = LiveOutput::default();
            let pieces = pieces.iter();
            let drawn =
                pieces.map(|piece| live.push(None, Stream::Stdout, piece.as_bytes(), paint));
            let mut drawn: String = drawn.collect();
            drawn += &live.end(paint);
            drawn
        };
        let line = "the kernel has it, and nothing 调用它\n";
        let folded = "  │ the kernel has it,\n  │   and nothing 调用它\n";
        assert_eq!(drawn(&paint, &[line]), folded);
        assert_eq!(drawn(&paint, &["the kernel ", &line[11..]]), folded);
        let torn = "  │ the kernel has it, a\n  │   nd nothing 调用它\n";
        assert_eq!(drawn(&paint, &[&line[..20], &line[20..]]), torn);
        assert_eq!(
            drawn(&paint, &["a\tb\n", "next\n"]),
            "  │ a       b\n  │ next\n"
        );
        assert_eq!(drawn(&Paint::plain(24), &[line]), format!("  │ {line}"));
    }

    #[test]
    fn an_escape_sequence_is_seen_and_not_obeyed() {
        let paint = Paint::plain(80);
        let mut live = LiveOutput::default();
        let drawn = live.push(None, Stream::Stdout, b"\x1b]0;title\x07\n", &paint);
        assert_eq!(drawn, "  │ ␛]0;title␇\n");
    }

    #[test]
    fn a_flood_is_cut_and_counted() {
        let paint = Paint::plain(80);
        let mut live = LiveOutput::default();
        let mut drawn = 0;
        for _ in 0..100 {
            drawn += live.push(None, Stream::Stdout, &[b'a'; 8192], &paint).len();
        }
        assert!(drawn <= SHOWN_BYTES + 16);
        assert!(live.end(&paint).contains("557056") || live.end(&paint).is_empty());
    }
}
