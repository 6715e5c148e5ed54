//! Output as it comes: safe for a terminal, a bar in front of each line, bounded on the screen.

use super::paint::Paint;
use super::verdict::{self, behind_bar};
use crate::event::Stream;
use crate::say;
use crate::visible::{Visible, fold, width};
use std::collections::BTreeMap;

/// The most that is shown of one step's output below a command; more is kept.
const SHOWN_BYTES: usize = 256 * 1024;

/// The output of a lesson's steps on its way to the screen.
///
/// One step is on the screen: its output is shown as it comes. What others print meanwhile, in the
/// background, is shown a whole line at a time, labelled, and never within a line of that step.
#[derive(Debug, Default)]
pub struct LiveOutput {
    /// The step that is on the screen; none between two steps.
    step: Option<String>,
    sources: BTreeMap<(Option<String>, Stream), StepStream>,
    sizes: BTreeMap<Option<String>, Sizes>,
    /// The stream of the unfinished line on the screen.
    line_of: Option<Stream>,
    /// The text of that line, after its bar.
    line: String,
    /// Whole lines that wait for the end of that one.
    waiting: String,
}

/// One stream of one step.
#[derive(Debug, Default)]
struct StepStream {
    text: Visible,
    /// The beginning of a line of a step that is not on the screen.
    line: String,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sizes {
    shown_bytes: usize,
    hidden_bytes: usize,
}

impl LiveOutput {
    /// A step is on the screen from now on. Returns what to write before its command.
    pub fn begin(&mut self, step: &str, paint: &Paint) -> String {
        let mut drawn = self.end(self.step.clone().as_deref(), paint);
        drawn.push_str(&self.end(Some(step), paint));
        let sizes = std::mem::take(&mut self.sizes);
        for (other, sizes) in sizes {
            if sizes.hidden_bytes > 0 {
                self.sizes.insert(other.clone(), sizes);
                drawn.push_str(&self.end(other.as_deref(), paint));
            }
        }
        self.step = Some(step.to_owned());
        drawn
    }

    /// Returns what to write for a chunk that came just now.
    pub fn push(
        &mut self,
        step: Option<&str>,
        stream: Stream,
        bytes: &[u8],
        paint: &Paint,
    ) -> String {
        let key = step.map(str::to_owned);
        let sizes = self.sizes.entry(key.clone()).or_default();
        let room = SHOWN_BYTES.saturating_sub(sizes.shown_bytes);
        let (shown, hidden) = bytes.split_at(bytes.len().min(room));
        sizes.shown_bytes += shown.len();
        sizes.hidden_bytes += hidden.len();
        let source = self.sources.entry((key, stream)).or_default();
        let text = source.text.push(shown);
        let mut drawn = String::new();
        if self.step.as_deref() == step {
            self.show(stream, &text, paint, &mut drawn);
            return drawn;
        }
        source.line.push_str(&text);
        if let Some(end) = source.line.rfind('\n') {
            let rest = source.line.split_off(end + 1);
            let whole = std::mem::replace(&mut source.line, rest);
            self.add(&labelled(step, stream, &whole, paint), &mut drawn);
        }
        drawn
    }

    /// Adds a piece of what the step on the screen prints.
    fn show(&mut self, stream: Stream, text: &str, paint: &Paint, drawn: &mut String) {
        if !text.is_empty() && self.line_of.is_some_and(|line| line != stream) {
            self.end_line(drawn);
        }
        for line in text.split_inclusive('\n') {
            if self.line_of.is_none() {
                drawn.push_str(&bar(None, stream, paint));
                self.line.clear();
            }
            self.line_of = Some(stream);
            let text = line.strip_suffix('\n');
            self.put(text.unwrap_or(line), stream, paint, drawn);
            if text.is_some() {
                self.end_line(drawn);
            }
        }
    }

    /// Adds a piece of a line. On a terminal what does not fit goes on behind a bar of its own, and a
    /// word stays whole where the piece holds all of it.
    fn put(&mut self, text: &str, stream: Stream, paint: &Paint, drawn: &mut String) {
        let room = paint.columns.saturating_sub(BAR_COLUMNS).max(BAR_COLUMNS);
        if !paint.live {
            drawn.push_str(text);
            return;
        }
        let mut lines = fold(&format!("{}{text}", self.line), room);
        let fits = lines[0].starts_with(self.line.trim_end_matches(' '));
        if !fits {
            // A word of which the first part is on the screen: the rest goes on as a word of its own.
            lines = fold(&format!("  {text}"), room);
            lines.insert(0, self.line.clone());
        }
        drawn.push_str(lines[0].get(self.line.len()..).unwrap_or_default());
        for line in &lines[1..] {
            drawn.push_str(&format!("\n{}{line}", bar(None, stream, paint)));
        }
        self.line = lines.pop().unwrap_or_default();
    }

    /// Ends the unfinished line, and shows what waited for that.
    fn end_line(&mut self, drawn: &mut String) {
        if self.line_of.take().is_some() {
            drawn.push('\n');
        }
        drawn.push_str(&std::mem::take(&mut self.waiting));
    }

    /// Adds whole lines where they break into no other one.
    fn add(&mut self, lines: &str, drawn: &mut String) {
        match self.line_of {
            None => drawn.push_str(lines),
            Some(_) => self.waiting.push_str(lines),
        }
    }

    /// Keeps a whole line until the unfinished one on the screen has ended.
    pub fn wait(&mut self, line: &str) {
        self.waiting.push_str(line);
    }

    /// Returns what to write when that step ended, on the screen or in the background; if it was on
    /// the screen, the next line is a new one.
    pub fn end(&mut self, step: Option<&str>, paint: &Paint) -> String {
        let key = step.map(str::to_owned);
        let is_on_screen = self.step == key;
        let mut drawn = String::new();
        for stream in [Stream::Stdout, Stream::Stderr] {
            let Some(mut source) = self.sources.remove(&(key.clone(), stream)) else {
                continue;
            };
            let rest = source.line + &source.text.finish();
            if is_on_screen {
                self.show(stream, &rest, paint, &mut drawn);
            } else {
                self.add(&labelled(step, stream, &rest, paint), &mut drawn);
            }
        }
        if is_on_screen {
            self.end_line(&mut drawn);
            self.step = None;
        }
        let hidden_bytes = self.sizes.remove(&key).unwrap_or_default().hidden_bytes;
        if hidden_bytes > 0 {
            let text = say!("output-hidden", bytes = hidden_bytes);
            let text = match step {
                Some(step) if !is_on_screen => format!("{step}: {text}"),
                Some(_) | None => text,
            };
            self.add(&format!("  {}\n", paint.dim(&text)), &mut drawn);
        }
        drawn
    }

    /// Returns what to write when nobody prints any more.
    pub fn finish(&mut self, paint: &Paint) -> String {
        let mut drawn = self.end(self.step.clone().as_deref(), paint);
        let steps: Vec<Option<String>> = self.sizes.keys().cloned().collect();
        for step in steps {
            drawn.push_str(&self.end(step.as_deref(), paint));
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

/// The bar before a line, with the name of a step that is not on the screen.
fn bar(label: Option<&str>, stream: Stream, paint: &Paint) -> String {
    let label = label.map(|label| paint.dim(label) + " ");
    let mark = verdict::bar(stream, paint);
    format!("  {}{mark} ", label.unwrap_or_default())
}

/// Whole lines of a step that is not on the screen.
fn labelled(step: Option<&str>, stream: Stream, text: &str, paint: &Paint) -> String {
    let columns = BAR_COLUMNS + step.map_or(0, |step| width(step) + 1);
    let bar = bar(step, stream, paint);
    let lines = text.split_terminator('\n');
    let lines = lines.flat_map(|line| behind_bar(&bar, columns, line, paint));
    lines.map(|line| line + "\n").collect()
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
        let mut drawn = live.begin("a", &paint);
        drawn += &live.push(Some("a"), Stream::Stdout, b"one\ntw", &paint);
        drawn += &live.push(Some("a"), Stream::Stdout, b"o", &paint);
        drawn += &live.push(Some("a"), Stream::Stderr, b"oops\n", &paint);
        drawn += &live.push(Some("a"), Stream::Stdout, b"\xe9\xaa", &paint);
        drawn += &live.push(Some("a"), Stream::Stdout, b"\x8c", &paint);
        drawn += &live.end(Some("a"), &paint);
        assert_eq!(drawn, "  | one\n  | two\n  ! oops\n  | 验\n");
    }

    #[test]
    fn what_others_print_is_labelled_and_breaks_into_no_line() {
        let paint = Paint::plain(80);
        let mut live = LiveOutput::default();
        let mut drawn = live.begin("fetch", &paint);
        drawn += &live.push(Some("fetch"), Stream::Stdout, b"half ", &paint);
        drawn += &live.push(Some("server"), Stream::Stdout, b"tick\nto", &paint);
        live.wait("  ✗ server\n");
        assert_eq!(drawn, "  │ half ");
        drawn += &live.push(Some("fetch"), Stream::Stdout, b"line\n", &paint);
        drawn += &live.push(Some("server"), Stream::Stderr, b"GET /\n", &paint);
        drawn += &live.push(Some("server"), Stream::Stdout, b"ck\nthe r", &paint);
        drawn += &live.push(Some("fetch"), Stream::Stdout, b"end", &paint);
        drawn += &live.end(Some("fetch"), &paint);
        drawn += &live.push(Some("server"), Stream::Stdout, b"est", &paint);
        drawn += &live.end(Some("server"), &paint);
        drawn += &live.push(Some("left"), Stream::Stdout, b"late", &paint);
        drawn += &live.push(None, Stream::Stdout, b"of no step", &paint);
        drawn += &live.finish(&paint);
        let expected = [
            "  │ half line",
            "  server │ tick",
            "  ✗ server",
            "  server ┆ GET /",
            "  server │ tock",
            "  │ end",
            "  server │ the rest",
            "  │ of no step",
            "  left │ late\n",
        ];
        assert_eq!(drawn, expected.join("\n"));
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
            drawn += &live.finish(paint);
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
        let flood = |step: &str| {
            let mut live = LiveOutput::default();
            let mut drawn = live.begin("a", &paint);
            for _ in 0..100 {
                drawn += &live.push(Some(step), Stream::Stdout, &[b'a'; 8192], &paint);
            }
            drawn += &live.push(Some("a"), Stream::Stdout, b"own\n", &paint);
            drawn + &live.finish(&paint)
        };
        let own = flood("a");
        assert!(own.len() <= SHOWN_BYTES + 100);
        assert!(own.ends_with("\n  557060 more bytes were printed; they are not shown here\n"));
        let other = flood("b");
        assert!(other.len() <= SHOWN_BYTES + 100);
        assert!(other.starts_with("  │ own\n  b │ aaa"));
        assert!(other.contains("\n  b: 557056 more bytes"));
    }
}
