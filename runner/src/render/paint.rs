//! The abilities of the terminal: color, width, marks. Color only repeats what the words say.

use crate::diagnostic::Drawing;
use crate::highlight::{self, TokenKind};
use crate::visible::{drawn, visible_text, width, wrap};
use anstyle::{AnsiColor, Style};
use std::ffi::OsStr;

/// Whether to color.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// If it goes to a terminal that takes it.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How to draw on one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    /// Whether to color.
    pub color: bool,
    /// Whether marks beyond ASCII may be used.
    pub unicode: bool,
    /// Whether lines may be drawn over: a terminal, not a pipe.
    pub live: bool,
    /// The width in columns.
    pub columns: usize,
}

impl From<Paint> for Drawing {
    fn from(paint: Paint) -> Drawing {
        Drawing {
            color: paint.color,
            columns: paint.live.then_some(paint.columns),
        }
    }
}

/// The widest that prose gets: longer lines are hard to read.
const PROSE_COLUMNS: usize = 88;

impl Paint {
    /// For a stream of this process. `NO_COLOR` wins over all but `--color=always`; then
    /// `CLICOLOR_FORCE`, `FORCE_COLOR`, `CLICOLOR=0` and `TERM=dumb` are heard.
    pub fn of_stream(color: Color, is_terminal: bool) -> Paint {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").as_deref() == Some(OsStr::new("dumb"));
        let is = |name: &str, value: &str| set(name).as_deref() == Some(OsStr::new(value));
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if set("NO_COLOR").is_some() => false,
            Color::Auto if set("CLICOLOR_FORCE").is_some() || set("FORCE_COLOR").is_some() => {
                !is("CLICOLOR_FORCE", "0") && !is("FORCE_COLOR", "0")
            }
            Color::Auto => is_terminal && !dumb && !is("CLICOLOR", "0"),
        };
        let of_environment = || std::env::var("COLUMNS").ok()?.parse().ok();
        let of_terminal = is_terminal.then(terminal_columns).flatten();
        let columns = of_terminal.or_else(of_environment);
        Paint {
            color,
            unicode: !is("TUTOR_ASCII", "1"),
            live: is_terminal && !dumb,
            columns: columns
                .filter(|columns| *columns >= LEAST_COLUMNS)
                .unwrap_or(80),
        }
    }

    /// The same for the terminal as wide as it is now: somebody may have pulled at its window.
    pub fn resized(self) -> Paint {
        let columns = self.live.then(terminal_columns).flatten();
        let columns = columns.filter(|columns| *columns >= LEAST_COLUMNS);
        Paint {
            columns: columns.unwrap_or(self.columns),
            ..self
        }
    }

    /// Plain text of that width, as in a pipe.
    pub fn plain(columns: usize) -> Paint {
        Paint {
            color: false,
            unicode: true,
            live: false,
            columns,
        }
    }

    /// The width of prose.
    pub fn prose_columns(&self) -> usize {
        self.columns.min(PROSE_COLUMNS)
    }

    /// A line for people as lines that fit the terminal, broken between words: `lead` stands before
    /// the first, blanks as wide before the others. A pipe gets it whole, as scripts search in lines.
    ///
    /// Of what a terminal obeys only colors stay.
    pub fn fitted(&self, lead: &str, text: &str) -> Vec<String> {
        let (lead, text) = (&*drawn(lead), &*drawn(text));
        if !self.live {
            let lines = text.split('\n').enumerate();
            let blank = " ".repeat(width(lead));
            return lines
                .map(|(number, line)| format!("{}{line}", if number == 0 { lead } else { &blank }))
                .collect();
        }
        let columns = self.columns.saturating_sub(width(lead));
        if columns < LEAST_COLUMNS / 2 {
            // Too narrow for both side by side.
            let below = self.fitted("  ", text);
            return std::iter::once(lead.trim_end().to_owned())
                .chain(below)
                .collect();
        }
        let blank = " ".repeat(width(lead));
        let lines = wrap(text, columns).into_iter().enumerate();
        lines
            .map(|(number, line)| format!("{}{line}", if number == 0 { lead } else { &blank }))
            .collect()
    }

    /// The same, each line in a style that begins after its blanks.
    pub fn fitted_in(
        &self,
        style: fn(&Paint, &str) -> String,
        lead: &str,
        text: &str,
    ) -> Vec<String> {
        let lines = self.fitted(lead, text).into_iter();
        let styled = lines.map(|line| {
            let text = line.trim_start_matches(' ');
            " ".repeat(line.len() - text.len()) + &style(self, text)
        });
        styled.collect()
    }

    /// The text in that style, if there is color. Making it safe is left to who knows its source.
    pub fn style(&self, style: Style, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        format!("{style}{text}{style:#}")
    }

    /// Bold.
    pub fn bold(&self, text: &str) -> String {
        self.style(Style::new().bold(), text)
    }

    /// Dimmed.
    pub fn dim(&self, text: &str) -> String {
        self.style(Style::new().dimmed(), text)
    }

    /// Good news.
    pub fn good(&self, text: &str) -> String {
        self.style(AnsiColor::Green.on_default(), text)
    }

    /// Advice.
    pub fn advice(&self, text: &str) -> String {
        self.style(AnsiColor::Cyan.on_default(), text)
    }

    /// Bad news.
    pub fn bad(&self, text: &str) -> String {
        self.style(AnsiColor::Red.on_default().bold(), text)
    }

    /// News to look at.
    pub fn notable(&self, text: &str) -> String {
        self.style(AnsiColor::Yellow.on_default(), text)
    }

    /// One of two marks, by what the terminal shows.
    pub fn mark(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    /// Some code, safe to show, a string a line.
    pub fn code(&self, language: &str, code: &str) -> Vec<String> {
        if !self.color {
            return code
                .lines()
                .map(|line| visible_text(line).into_owned())
                .collect();
        }
        let line = |pieces: Vec<(TokenKind, String)>| {
            pieces
                .into_iter()
                .map(|(kind, text)| self.style(code_style(kind), &visible_text(&text)))
                .collect()
        };
        highlight::lines(language, code)
            .into_iter()
            .map(line)
            .collect()
    }
}

/// A terminal that claims to be narrower is taken for one that does not know.
const LEAST_COLUMNS: usize = 20;

fn terminal_columns() -> Option<usize> {
    let (columns, _) = crossterm::terminal::size().ok()?;
    Some(usize::from(columns))
}

/// The sixteen colors only: the learner's own theme decides how they look.
fn code_style(kind: TokenKind) -> Style {
    match kind {
        TokenKind::Plain => Style::new(),
        TokenKind::Comment => AnsiColor::BrightBlack.on_default(),
        TokenKind::Literal => AnsiColor::Green.on_default(),
        TokenKind::Constant => AnsiColor::Cyan.on_default(),
        TokenKind::Keyword => AnsiColor::Magenta.on_default(),
        TokenKind::Type => AnsiColor::Yellow.on_default(),
        TokenKind::Function => AnsiColor::Blue.on_default(),
        TokenKind::Preprocessor => AnsiColor::Magenta.on_default(),
        TokenKind::Variable => AnsiColor::Cyan.on_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(columns: usize) -> Paint {
        Paint {
            live: true,
            ..Paint::plain(columns)
        }
    }

    #[test]
    fn a_line_is_broken_between_words_and_hangs_below_its_lead() {
        let lines = at(24).fitted("  • ", "skipped: there is no 验证器 here");
        assert_eq!(lines, ["  • skipped: there is no", "    验证器 here"]);
    }

    #[test]
    fn a_pipe_gets_lines_whole() {
        let lines = Paint::plain(24).fitted("  • ", "skipped: there is no verifier here\nhelp");
        assert_eq!(
            lines,
            ["  • skipped: there is no verifier here", "    help"]
        );
    }

    #[test]
    fn a_lead_that_takes_it_all_leaves_room_below() {
        let lines = at(20).fitted("a-lead-of-18-words ", "some text of its own here");
        assert!(
            lines.iter().skip(1).all(|line| width(line) <= 20),
            "{lines:?}"
        );
        assert_eq!(lines[0], "a-lead-of-18-words");
    }
}
