//! The value of an expression. clang compiles it into an object, and the object is read: no arithmetic of ours.

use object::{Object as _, ObjectSection as _};

use super::preamble::ClangPreamble;
use super::token::{is_identifier, tokens};
use crate::clang::ToolError;

/// Enough names for what people expand; each costs a run of clang.
const MOST_NAMES: usize = 6;

/// The value of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConstantValue {
    /// An integer.
    Integer(i128),
    /// Something else that is constant: its bytes, as they would stand in an object.
    Bytes(Vec<u8>),
}

/// Compiles an expression; none if it is no constant, or names something that the headers do not declare.
pub(super) fn value(preamble: &ClangPreamble<'_>) -> Result<Option<ConstantValue>, ToolError> {
    if let Some(number) = integer(preamble, &preamble.question.expression)? {
        return Ok(Some(ConstantValue::Integer(number)));
    }
    let expression = &preamble.question.expression;
    let declaration = format!(
        "const __typeof__({expression}) tutor_value __attribute__((section(\"tutor\"), used)) = {expression};"
    );
    let bytes = section(preamble, &declaration)?;
    Ok(bytes
        .filter(|bytes| !bytes.is_empty())
        .map(ConstantValue::Bytes))
}

/// Returns the names in a text that are integer constants without being macros, and what they are worth.
pub(super) fn constants(
    preamble: &ClangPreamble<'_>,
    text: &str,
) -> Result<Vec<(String, i128)>, ToolError> {
    let tokens = tokens(text);
    let mut names: Vec<&str> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        // After a dot or an arrow stands a member, after a keyword a tag.
        let before = at.checked_sub(1).map(|at| tokens[at]);
        let is_member = matches!(before, Some("." | ">" | "struct" | "union" | "enum"));
        if is_identifier(token) && !is_member && !names.contains(token) {
            names.push(token);
        }
    }
    match &preamble.question.about {
        Some(about) => names.retain(|name| name.contains(about.as_str())),
        None if names.len() > MOST_NAMES => names.clear(),
        None => {}
    }
    let mut constants = Vec::new();
    for name in names.into_iter().take(MOST_NAMES) {
        if name != text
            && let Some(number) = integer(preamble, name)?
        {
            constants.push((name.to_owned(), number));
        }
    }
    Ok(constants)
}

/// Returns whether the headers declare a name: a function, or a variable.
pub(super) fn is_declared(preamble: &ClangPreamble<'_>, name: &str) -> Result<bool, ToolError> {
    let declaration = format!(
        "const char tutor_value[sizeof(__typeof__(&{name}))] __attribute__((section(\"tutor\"), used)) = {{ 0 }};"
    );
    Ok(section(preamble, &declaration)?.is_some())
}

fn integer(preamble: &ClangPreamble<'_>, expression: &str) -> Result<Option<i128>, ToolError> {
    // The second number says whether the first is negative: 64 bits alone cannot.
    let declaration = format!(
        "const long long tutor_value[2] __attribute__((section(\"tutor\"), used)) = {{ (long long)({expression}), ({expression}) < 0 }};"
    );
    let Some(bytes) = section(preamble, &declaration)? else {
        return Ok(None);
    };
    let words: Vec<u64> = bytes
        .chunks_exact(8)
        .map(|word| u64::from_ne_bytes(word.try_into().expect("it has eight bytes")))
        .collect();
    Ok(match words.as_slice() {
        [word, 0] => Some(i128::from(*word)),
        [word, _] => Some(i128::from(*word as i64)),
        _ => None,
    })
}

/// Compiles a declaration after the headers, and returns what stands in its section.
fn section(preamble: &ClangPreamble<'_>, declaration: &str) -> Result<Option<Vec<u8>>, ToolError> {
    let input = format!("{}{declaration}\n", preamble.includes());
    // Pointers are no integers, even where C accepts them.
    let tool = preamble.tool().args([
        "-w",
        "-Werror=pointer-integer-compare",
        "-Werror=int-conversion",
        "-c",
        "-o",
        "-",
        "-",
    ]);
    let said = tool.run(input.as_bytes())?;
    if !said.is_ok {
        return Ok(None);
    }
    let Ok(file) = object::File::parse(&*said.stdout) else {
        return Ok(None);
    };
    // An address would be filled in later, so it is no value.
    let section = file.section_by_name("tutor");
    let section = section.filter(|section| section.relocations().next().is_none());
    Ok(section.and_then(|section| section.data().ok().map(<[u8]>::to_vec)))
}
