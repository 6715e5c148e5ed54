//! Reads the output of `clang -S`: BPF assembly.

use super::row::StageRow;

/// Reads the functions: instructions and the labels that jumps lead to. Directives are left out.
pub(super) fn rows(text: &str) -> Vec<StageRow> {
    let mut rows = Vec::new();
    let mut functions: Vec<&str> = Vec::new();
    let mut function: Option<String> = None;
    let mut line = None;
    for text in text.lines() {
        let code = text.trim_start();
        if let Some(name) = code
            .strip_prefix(".type")
            .and_then(|rest| rest.trim().strip_suffix(",@function"))
        {
            functions.push(name);
        } else if let Some(place) = code.strip_prefix(".loc\t") {
            // `.loc 0 8 2 is_stmt 1`: file, line, column; line 0 means no line.
            line = place
                .split_whitespace()
                .nth(1)
                .and_then(|line| line.parse().ok())
                .filter(|line| *line > 0);
        } else if let Some(name) = functions
            .iter()
            .find(|name| text.starts_with(&format!("{name}:")))
        {
            function = Some((*name).to_owned());
            line = None;
        } else if code.starts_with(".Lfunc_end") {
            function = None;
        } else if function.is_some() && is_shown(code) {
            rows.push(StageRow {
                function: function.clone(),
                line: if code.starts_with("LBB") { None } else { line },
                text: without_comment(text),
            });
        }
    }
    rows
}

fn is_shown(code: &str) -> bool {
    let is_block = code.starts_with("LBB") || code.starts_with(".LBB");
    is_block || !(code.is_empty() || code.starts_with(['.', '#']) || code.ends_with(':'))
}

fn without_comment(text: &str) -> String {
    let text = text.split_once("# ").map_or(text, |(code, _)| code);
    text.trim_end().replace('\t', "    ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_have_the_line_of_the_directive_before_them() {
        let text = "\t.type\tf,@function\nf:                     # @f\n.Lfunc_begin0:\n\t.loc\t0 5 0\n# %bb.0:\n\tr1 = 10\n\t.loc\t0 8 2 is_stmt 1 # h.c:8:2\n.Ltmp4:\n\tif r1 == 0 goto LBB0_2\n\tcall 6\nLBB0_2:                # %end\n\texit\n.Lfunc_end0:\n\t.asciz \"x\"\n";
        let rows = rows(text);
        let rows: Vec<(Option<u32>, &str)> = rows
            .iter()
            .map(|row| (row.line, row.text.as_str()))
            .collect();
        assert_eq!(
            rows,
            [
                (Some(5), "    r1 = 10"),
                (Some(8), "    if r1 == 0 goto LBB0_2"),
                (Some(8), "    call 6"),
                (None, "LBB0_2:"),
                (Some(8), "    exit"),
            ]
        );
    }
}
