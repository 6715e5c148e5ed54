//! Reads the output of `clang -S -emit-llvm`: LLVM's intermediate form, of any version since 14.

use std::collections::HashMap;

use super::row::StageRow;

/// Reads the functions. References to metadata are left out, and so are the calls and records that only
/// describe variables to a debugger.
pub(super) fn rows(text: &str) -> Vec<StageRow> {
    let places = places(text);
    let mut rows = Vec::new();
    let mut function: Option<String> = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("define ").and_then(defined) {
            function = Some(name);
        }
        if function.is_none() || line.is_empty() || is_about_variables(line) {
            continue;
        }
        rows.push(StageRow {
            function: function.clone(),
            line: reference(line).and_then(|id| line_of(&places, id)),
            text: without_metadata(line),
        });
        if line == "}" {
            function = None;
        }
    }
    rows
}

/// `dso_local i32 @bpf_prog(ptr noundef %0) …`
fn defined(text: &str) -> Option<String> {
    let (_, name) = text.split_once('@')?;
    let end = name.find('(')?;
    Some(name[..end].trim_matches('"').to_owned())
}

fn is_about_variables(line: &str) -> bool {
    line.contains("@llvm.dbg.") || line.trim_start().starts_with("#dbg_")
}

/// A place in the C file, and the place that it was inlined to.
#[derive(Debug, Clone, Copy)]
struct DebugLocation {
    line: u32,
    inlined_at: Option<u32>,
}

/// Reads `!44 = !DILocation(line: 8, column: 2, scope: !26, inlinedAt: !50)` and the lines of functions.
fn places(text: &str) -> HashMap<u32, DebugLocation> {
    let mut places = HashMap::new();
    for line in text.lines().filter(|line| line.starts_with('!')) {
        let Some((id, node)) = line[1..].split_once(" = ") else {
            continue;
        };
        let is_place = [
            "!DILocation(",
            "distinct !DILocation(",
            "distinct !DISubprogram(",
        ]
        .iter()
        .any(|start| node.starts_with(start));
        let (Ok(id), true) = (id.parse(), is_place) else {
            continue;
        };
        let number = |key: &str| -> Option<u32> {
            let (_, value) = node.split_once(key)?;
            let digits = value.trim_start_matches('!');
            let end = digits.find(|c: char| !c.is_ascii_digit())?;
            digits[..end].parse().ok()
        };
        places.insert(
            id,
            DebugLocation {
                line: number("line: ").unwrap_or(0),
                inlined_at: number("inlinedAt: "),
            },
        );
    }
    places
}

/// Returns the line in the function that the reader looks at, also for what was inlined into it.
fn line_of(places: &HashMap<u32, DebugLocation>, id: u32) -> Option<u32> {
    let mut place = places.get(&id)?;
    // A chain is as long as calls are deep; a malformed one could be a circle.
    for _ in 0..100 {
        match place.inlined_at {
            Some(at) => place = places.get(&at)?,
            None => break,
        }
    }
    (place.line > 0).then_some(place.line)
}

fn reference(line: &str) -> Option<u32> {
    let (_, id) = line.rsplit_once("!dbg !")?;
    let end = id.find(|c: char| !c.is_ascii_digit()).unwrap_or(id.len());
    id[..end].parse().ok()
}

/// Takes out `, !dbg !44` and its like, and the same before the brace of a function.
fn without_metadata(line: &str) -> String {
    let (code, brace) = match line.strip_suffix(" {") {
        Some(code) => (code, " {"),
        None => (line, ""),
    };
    let mut code = code;
    while let Some((before, _)) = code.rsplit_once('!').and_then(|(before, id)| {
        let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        // `!dbg !44`: the kind stands before the number.
        is_id.then(|| before.trim_end().rsplit_once('!')).flatten()
    }) {
        code = before.trim_end().trim_end_matches(',');
    }
    format!("{code}{brace}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const IR: &str = "\
define dso_local i32 @f(ptr noundef %0) #0 section \"xdp\" !dbg !26 {
  #dbg_declare(ptr %2, !32, !DIExpression(), !41)
  %4 = load ptr, ptr @g, align 8, !dbg !44, !tbaa !37
  call void @llvm.dbg.declare(metadata i8** %2, metadata !32), !dbg !41
  %5 = add i32 1, 2, !dbg !45
  ret i32 0, !dbg !47
}

declare void @h()

!26 = distinct !DISubprogram(name: \"f\", line: 5, unit: !0)
!44 = !DILocation(line: 8, column: 2, scope: !26)
!45 = !DILocation(line: 3, column: 2, scope: !25, inlinedAt: !46)
!46 = distinct !DILocation(line: 7, column: 1, scope: !26)
!47 = !DILocation(line: 9, column: 2, scope: !26)
";

    #[test]
    fn instructions_have_lines_and_no_metadata() {
        let rows = rows(IR);
        let rows: Vec<(Option<u32>, &str)> = rows
            .iter()
            .map(|row| (row.line, row.text.as_str()))
            .collect();
        assert_eq!(
            rows,
            [
                (
                    Some(5),
                    "define dso_local i32 @f(ptr noundef %0) #0 section \"xdp\" {"
                ),
                (Some(8), "  %4 = load ptr, ptr @g, align 8"),
                (Some(7), "  %5 = add i32 1, 2"),
                (Some(9), "  ret i32 0"),
                (None, "}"),
            ]
        );
    }
}
