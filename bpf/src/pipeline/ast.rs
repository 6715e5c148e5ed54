//! Reads the output of `clang -Xclang -ast-dump`.
//!
//! A place in it repeats neither the file nor the line of the place before: `<line:8:2, col:30>`.

use super::row::StageRow;

/// Reads the tree of the function `name`. clang writes those of all names that contain it.
pub(super) fn rows(text: &str, name: &str, file: &str) -> Vec<StageRow> {
    let mut places = PlaceReader::new(file);
    let mut rows = Vec::new();
    let mut is_wanted = false;
    for line in text.lines() {
        if let Some(dumped) = heading(line) {
            is_wanted = dumped == name;
            places = PlaceReader::new(file);
            continue;
        }
        if line.is_empty() {
            continue;
        }
        let (begin, _) = places.read(line);
        if is_wanted {
            rows.push(StageRow {
                function: Some(name.to_owned()),
                line: begin,
                text: without_addresses(line),
            });
        }
    }
    rows
}

/// Returns the line with the name of the function `name`, and its last line.
pub(super) fn range(text: &str, name: &str, file: &str) -> Option<(u32, u32)> {
    let lines = text.lines().skip_while(|line| heading(line) != Some(name));
    let mut found = None;
    for line in lines.skip(1).take_while(|line| heading(line).is_none()) {
        if line.starts_with("FunctionDecl ") {
            let mut places = PlaceReader::new(file);
            let (_, end) = places.read(line);
            // A declaration before the definition has a tree of its own.
            found = places.here().zip(end);
        }
    }
    found
}

fn heading(line: &str) -> Option<&str> {
    line.strip_prefix("Dumping ")?.strip_suffix(':')
}

/// The file and the line of the place before: the next one repeats neither.
struct PlaceReader<'f> {
    file: &'f str,
    is_in_file: bool,
    line: Option<u32>,
}

impl<'f> PlaceReader<'f> {
    fn new(file: &'f str) -> Self {
        Self {
            file,
            is_in_file: true,
            line: None,
        }
    }

    /// Returns the lines at which a node begins and ends, where they are in the file. Whatever the node names
    /// after its range counts for the places of the nodes to come.
    fn read(&mut self, node: &str) -> (Option<u32>, Option<u32>) {
        let Some((_, rest)) = node.split_once('<') else {
            return (self.here(), self.here());
        };
        let (range, after) = rest.split_once('>').unwrap_or((rest, ""));
        if range.starts_with("<invalid") {
            return (None, None);
        }
        let mut places = range.split(", ");
        let begin = places.next().and_then(|place| self.at(place));
        let end = places.next().map_or(begin, |place| self.at(place));
        if let Some(name) = after.split_whitespace().next() {
            self.at(name);
        }
        (begin, end)
    }

    /// `col:2`, `line:8:2` or `hello.bpf.c:8:2`.
    fn at(&mut self, place: &str) -> Option<u32> {
        let mut parts = place.rsplitn(3, ':');
        let column = parts.next().and_then(|column| column.parse::<u32>().ok());
        let (Some(_), Some(before)) = (column, parts.next()) else {
            return self.here();
        };
        if before != "col" {
            self.line = before.parse().ok();
            if let Some(file) = parts.next().filter(|file| *file != "line") {
                self.is_in_file = file == self.file;
            }
        }
        self.here()
    }

    fn here(&self) -> Option<u32> {
        self.line.filter(|_| self.is_in_file)
    }
}

/// Takes out the addresses of clang's own memory, which differ at each run.
fn without_addresses(line: &str) -> String {
    let mut text = String::new();
    for word in line.split_inclusive(' ') {
        let is_address = word.trim_end().strip_prefix("0x").is_some_and(|digits| {
            digits.len() > 5 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        });
        if !is_address {
            text.push_str(word);
        }
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
Dumping f_type:
EnumDecl 0x2346200 </usr/include/linux/bpf.h:965:1, line:998:1> line:965:6 f_type

Dumping f:
FunctionDecl 0x2346300 <h.c:4:1, line:8:1> line:4:5 f 'int (void *)'
|-ParmVarDecl 0x2346310 <col:7, col:13> col:13 ctx 'void *'
`-CompoundStmt 0x2346320 <line:5:1, line:8:1>
  |-DeclStmt 0x2346330 <line:6:2, col:10>
  | `-IntegerLiteral 0x2346340 <col:9> 'int' 0
  |-ReturnStmt 0x2346350 <line:7:2, col:9>
  `-SectionAttr 0x2346360 </usr/include/bpf/bpf_helpers.h:39:17, col:29> section \"xdp\"
";

    #[test]
    fn nodes_have_lines_though_the_tree_does_not_repeat_them() {
        let rows = rows(TREE, "f", "h.c");
        let lines: Vec<u32> = rows.iter().filter_map(|row| row.line).collect();
        assert_eq!(lines, [4, 4, 5, 6, 6, 7]);
        assert_eq!(rows[6].line, None);
        assert_eq!(rows[5].text, "  |-ReturnStmt <line:7:2, col:9>");
    }

    #[test]
    fn a_function_has_a_first_and_a_last_line() {
        assert_eq!(range(TREE, "f", "h.c"), Some((4, 8)));
        assert_eq!(range(TREE, "g", "h.c"), None);
    }
}
