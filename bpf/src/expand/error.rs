//! Why there is no expansion.

use crate::clang::ToolError;

/// Why there is no expansion.
#[derive(Debug, thiserror::Error)]
pub enum ExpandError {
    /// There is nothing to expand.
    #[error("there is no expression")]
    Empty,
    /// It is no expression.
    #[error("the expression is not balanced: {0}")]
    Unbalanced(String),
    /// It would be more than an expression.
    #[error("the expression must be one line, without a `#` at its start")]
    NoExpression,
    /// A header is not there.
    #[error("there is no header `{header}` where clang looks")]
    NoHeader {
        /// The header.
        header: String,
    },
    /// clang cannot be run, or refuses.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// clang wrote something else than text.
    #[error("clang's answer cannot be read")]
    Answer,
}

impl ExpandError {
    /// Returns what to do next.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Empty | Self::Unbalanced(_) | Self::NoExpression => Some(
                "write it as in C and quote it for the shell: `'BPF_EMIT_CALL(BPF_FUNC_trace_printk)'`"
                    .to_owned(),
            ),
            Self::NoHeader { header } => Some(format!(
                "name the folder that `{header}` is in with `-I`; {}",
                match header.starts_with("bpf/") {
                    true => "libbpf's headers come with the package libbpf-dev",
                    false => "the kernel's own headers come with a package such as linux-headers-amd64",
                }
            )),
            Self::Tool(error) => error.help(),
            Self::Answer => None,
        }
    }
}
