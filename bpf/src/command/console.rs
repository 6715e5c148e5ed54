//! Where a command reads and writes: tables, JSON and color, all in one way.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

/// The version of what `--json` prints; it grows when a key goes or changes its meaning.
const FORMAT: u32 = 1;

/// JSON with each character beyond ASCII as `\\u….`: an object's names may hold invisible characters.
fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() && character != '\x7f' {
            escaped.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            escaped.push_str(&format!("\\u{unit:04x}"));
        }
    }
    escaped
}

/// The streams of a command, and how to draw on them.
pub struct Console<'a> {
    /// Standard input.
    pub input: &'a mut dyn Read,
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Whether to color. Color only repeats what the words say.
    pub color: bool,
    /// The width in columns.
    pub columns: usize,
}

impl<'a> Console<'a> {
    /// Returns a console of 80 columns without color, as in a pipe.
    pub fn plain(input: &'a mut dyn Read, out: &'a mut dyn Write) -> Self {
        Self {
            input,
            out,
            color: false,
            columns: 80,
        }
    }

    /// Writes a JSON object, after the version of its format.
    pub fn json(&mut self, value: Value) -> io::Result<()> {
        let mut whole = json!({ "format": FORMAT });
        if let (Value::Object(whole), Value::Object(value)) = (&mut whole, value) {
            whole.extend(value);
        }
        writeln!(self.out, "{}", escaped(&format!("{whole:#}")))
    }

    /// Writes a heading.
    pub fn heading(&mut self, text: &str) -> io::Result<()> {
        let text = self.styled(Style::new().bold(), text);
        writeln!(self.out, "{text}")
    }

    /// Writes a heading that may be longer than a line.
    pub fn heading_wrapped(&mut self, text: &str) -> io::Result<()> {
        for (number, line) in folded(text, self.columns.saturating_sub(2))
            .iter()
            .enumerate()
        {
            let indent = if number > 0 { "  " } else { "" };
            let line = self.styled(Style::new().bold(), line);
            writeln!(self.out, "{indent}{line}")?;
        }
        Ok(())
    }

    /// Writes `start` and then words, in lines that the console has room for; further lines begin below the words,
    /// or, where `start` takes more than half of the console, on lines of their own.
    pub fn wrapped(&mut self, start: &str, text: &str) -> io::Result<()> {
        let taken = start.chars().count();
        let is_long = 2 * taken > self.columns && taken + text.chars().count() > self.columns;
        let indent = if is_long { 6 } else { taken };
        let lines = folded(text, self.columns.saturating_sub(indent));
        if is_long {
            writeln!(self.out, "{}", start.trim_end())?;
        }
        for (number, line) in lines.iter().enumerate() {
            match number == 0 && !is_long {
                true => writeln!(self.out, "{start}{line}")?,
                false => writeln!(self.out, "{:indent$}{line}", "")?,
            }
        }
        Ok(())
    }

    /// Writes a name and, beside it, words.
    pub fn entry(&mut self, name: &str, text: &str) -> io::Result<()> {
        let start = format!("{name:10}");
        self.wrapped(&start, &visible(text))
    }

    /// Returns the text in bold, if there is color.
    pub fn bold<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.styled(Style::new().bold(), text)
    }

    /// Returns the text dimmed, if there is color.
    pub fn dim<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.styled(Style::new().dimmed(), text)
    }

    /// Returns the text in the color of what is to be looked at, if there is color.
    pub fn notable<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.styled(AnsiColor::Yellow.on_default(), text)
    }

    /// Returns the text in a style, if there is color.
    pub fn styled<'t>(&self, style: Style, text: &'t str) -> Cow<'t, str> {
        match self.color && !text.is_empty() {
            true => Cow::Owned(format!("{style}{text}{style:#}")),
            false => Cow::Borrowed(text),
        }
    }

    /// Writes a table. Where it is wider than the console, each row becomes a block of lines, a cell a line.
    pub fn table(&mut self, table: &Table) -> io::Result<()> {
        let widths = table.widths();
        let total = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
        match total > self.columns {
            true => self.blocks(table),
            false => self.rows(table, &widths),
        }
    }

    fn rows(&mut self, table: &Table, widths: &[usize]) -> io::Result<()> {
        let headings: Vec<&str> = table.columns.iter().map(|column| column.heading).collect();
        let line = table.line(&headings, widths);
        self.heading(&line)?;
        for row in &table.rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            writeln!(self.out, "{}", table.line(&cells, widths))?;
        }
        Ok(())
    }

    fn blocks(&mut self, table: &Table) -> io::Result<()> {
        let headings = table.columns.iter().map(|column| column.heading.len());
        let width = headings.max().unwrap_or_default();
        for (number, row) in table.rows.iter().enumerate() {
            if number > 0 {
                writeln!(self.out)?;
            }
            for (column, cell) in table.columns.iter().zip(row) {
                if !cell.is_empty() {
                    let heading = format!("{:width$}", column.heading);
                    writeln!(self.out, "{}  {cell}", self.bold(&heading))?;
                }
            }
        }
        Ok(())
    }
}

/// Rows of text below headings.
#[derive(Debug, Clone, Default)]
pub struct Table {
    columns: Vec<TableColumn>,
    rows: Vec<Vec<String>>,
}

#[derive(Debug, Clone)]
struct TableColumn {
    heading: &'static str,
    is_number: bool,
}

impl Table {
    /// Returns an empty table. A heading that begins with `>` stands over numbers, which end at its right.
    pub fn new(headings: &[&'static str]) -> Self {
        let column = |heading: &&'static str| TableColumn {
            heading: heading.trim_start_matches('>'),
            is_number: heading.starts_with('>'),
        };
        Self {
            columns: headings.iter().map(column).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; what would move the cursor or hide is written as its code.
    pub fn row<Cell: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let cells = cells
            .into_iter()
            .map(|cell| visible(cell.as_ref()).into_owned());
        self.rows.push(cells.collect());
    }

    fn widths(&self) -> Vec<usize> {
        let width = |(at, column): (usize, &TableColumn)| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            let cells = cells.map(|cell| cell.chars().count());
            cells
                .chain([column.heading.len()])
                .max()
                .unwrap_or_default()
        };
        self.columns.iter().enumerate().map(width).collect()
    }

    fn line(&self, cells: &[&str], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((column, cell), width) in self.columns.iter().zip(cells).zip(widths) {
            let cell = match column.is_number {
                true => format!("{cell:>width$}"),
                false => format!("{cell:width$}"),
            };
            line.push_str(&cell);
            line.push_str("  ");
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// Breaks text at blanks into lines of at most so many characters; a longer word has a line for itself.
fn folded(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else {
            break;
        };
        let len = line.chars().count() + 1 + word.chars().count();
        match line.is_empty() {
            true => line.push_str(word),
            false if len <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            false => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Returns text from a file safe to show: control characters become their codes, such as `\u{1b}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    let hides = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if !text.contains(hides) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match hides(c) {
            true => safe.extend(c.escape_default()),
            false => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(columns: usize) -> String {
        let mut table = Table::new(&["name", ">size"]);
        table.row(["license", "4"]);
        table.row(["kprobe/\u{1b}[2J", "104"]);
        let (mut input, mut out) = (io::empty(), Vec::new());
        let mut console = Console::plain(&mut input, &mut out);
        console.columns = columns;
        console.table(&table).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_end_at_the_right_and_nothing_moves_the_cursor() {
        let wanted = "name              size\n\
                      license              4\n\
                      kprobe/\\u{1b}[2J   104\n";
        assert_eq!(drawn(80), wanted);
    }

    #[test]
    fn a_table_that_is_too_wide_becomes_blocks() {
        let wanted = "name  license\nsize  4\n\nname  kprobe/\\u{1b}[2J\nsize  104\n";
        assert_eq!(drawn(20), wanted);
    }
}
