//! Reads the output of `clang -Xclang -dump-tokens`.

use super::row::StageRow;

/// Reads the tokens that stand in the C file itself, or that a macro of it became.
pub(super) fn rows(text: &str, file: &str) -> Vec<StageRow> {
    text.lines().filter_map(|line| row(line, file)).collect()
}

/// A kind, the word in quotes, and where: `identifier 'msg'`, `Loc=<h.c:8:31>`, with tabs between.
fn row(line: &str, file: &str) -> Option<StageRow> {
    let (token, place) = line.rsplit_once("Loc=<")?;
    let place = place.strip_prefix(file)?.strip_prefix(':')?;
    let (number, rest) = place.split_once(':')?;
    let token = token
        .split_once('\t')
        .map_or(token, |(token, _)| token)
        .trim_end();
    // The end of the file is no word of it.
    if token.starts_with("eof ") {
        return None;
    }
    let from = rest.split_once("<Spelling=").map(|(_, spelled)| spelled);
    let from = from.map(|spelled| spelled.trim_end_matches('>'));
    let from = from.filter(|spelled| !spelled.starts_with(&format!("{file}:")));
    Some(StageRow {
        function: None,
        line: number.parse().ok(),
        text: match from.and_then(|spelled| spelled.rsplit_once(':')) {
            Some((spelled, _column)) => format!("{token}  from a macro at {spelled}"),
            None => token.to_owned(),
        },
    })
}

/// Returns what clang says besides the tokens: its errors.
pub(super) fn complaints(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains("Loc=<"));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_the_file_and_of_its_macros_are_read() {
        let text = "int 'int'\t [StartOfLine]\tLoc=</usr/include/a.h:3:1>\n\
                    identifier 'msg'\t [LeadingSpace]\tLoc=<h.c:8:31>\n\
                    identifier 'section'\t\tLoc=<h.c:11:17 <Spelling=/usr/include/bpf/b.h:39:17>>\n\
                    string_literal '\"a\\tb\"'\t\tLoc=<h.c:11:17 <Spelling=h.c:11:21>>\n\
                    eof ''\t\tLoc=<h.c:12:1>\n";
        let rows = rows(text, "h.c");
        let rows: Vec<(u32, &str)> = rows
            .iter()
            .map(|row| (row.line.unwrap(), row.text.as_str()))
            .collect();
        assert_eq!(
            rows,
            [
                (8, "identifier 'msg'"),
                (
                    11,
                    "identifier 'section'  from a macro at /usr/include/bpf/b.h:39"
                ),
                (11, "string_literal '\"a\\tb\"'"),
            ]
        );
    }
}
