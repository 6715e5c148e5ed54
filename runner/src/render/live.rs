//! Output as it comes: safe for a terminal, a bar in front of each line, bounded on the screen.

use super::paint::Paint;
use crate::event::Stream;
use crate::say;
use crate::visible::Visible;
use std::collections::BTreeMap;

/// What is shown of one step's output; more is kept and compared, but not shown.
const SHOWN_BYTES: usize = 256 * 1024;

/// One step's output on its way to the screen.
#[derive(Debug, Default)]
pub struct LiveOutput {
    streams: BTreeMap<(Option<String>, bool), Visible>,
    line_of: Option<(Option<String>, bool)>,
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
            }
            drawn.push_str(line);
            self.line_of = (!line.ends_with('\n')).then(|| key.clone());
        }
        drawn
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
