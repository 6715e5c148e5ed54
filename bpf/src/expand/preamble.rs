//! The text before the expression in all that clang is given, and clang with the options for it.

use super::error::ExpandError;
use super::question::MacroQuestion;
use crate::clang::{Tool, ToolError, include_options};

/// Where the expression begins in what clang is given, and comes back.
pub(super) const MARK: &str = "tutor_bpf_expression_begins_here";

/// A question, with the macros that its expression names and the headers took back.
pub(super) struct ClangPreamble<'q> {
    pub(super) question: &'q MacroQuestion,
    pub(super) revived: String,
    pub(super) more_options: Vec<String>,
}

impl ClangPreamble<'_> {
    /// Returns clang with what all its runs have in common.
    pub(super) fn tool(&self) -> Tool {
        Tool::clang(self.question.clang.clone())
            .args(["-target", "bpf", "-O2", "-x", "c"])
            .args(self.question.options.clone())
            .args(self.more_options.clone())
            .args(include_options())
    }

    /// Returns the lines that include the headers.
    pub(super) fn includes(&self) -> String {
        let mut lines = String::new();
        for header in &self.question.headers {
            // A path that exists is meant as it is; anything else is looked for as the compiler does.
            lines += &match header.starts_with(['/', '.']) {
                true => format!("#include \"{header}\"\n"),
                false => format!("#include <{header}>\n"),
            };
        }
        lines + &self.revived
    }

    /// Has clang preprocess the headers and the expression. Returns what it wrote, and the headers that
    /// another one wanted and that are not there: clang goes on without them, and so do we.
    pub(super) fn read(&self) -> Result<(String, Vec<String>), ExpandError> {
        let expression = &self.question.expression;
        let input = format!("{}{MARK}\n{expression}\n", self.includes());
        let tool = self.tool().args(["-E", "-dD", "-ferror-limit=0", "-"]);
        let said = tool.run(input.as_bytes())?;
        let missing = missing_headers(&said.stderr);
        for header in &self.question.headers {
            if missing.iter().any(|missing| missing == header) {
                return Err(ExpandError::NoHeader {
                    header: header.clone(),
                });
            }
        }
        if !said.is_ok && missing.is_empty() {
            let stderr = said.stderr;
            let tool = self.question.clang.clone();
            return Err(ToolError::Refused { tool, stderr }.into());
        }
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        Ok((text, missing))
    }
}

/// Reads `fatal error: 'linux/missing.h' file not found`.
fn missing_headers(stderr: &str) -> Vec<String> {
    let missing = stderr.lines().filter_map(|line| {
        let (before, _) = line.split_once("' file not found")?;
        Some(before.rsplit_once('\'')?.1.to_owned())
    });
    let mut missing: Vec<String> = missing.collect();
    missing.sort();
    missing.dedup();
    missing
}
