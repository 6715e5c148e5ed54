//! A row of a stage.

/// A row of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageRow {
    /// The function it belongs to; none in [`super::CompilerStage::Tokens`].
    pub function: Option<String>,
    /// The line of the C file it came from, where the tool says.
    pub line: Option<u32>,
    /// The tool's text.
    pub text: String,
}
