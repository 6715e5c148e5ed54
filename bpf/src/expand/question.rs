//! The question to clang's preprocessor.

/// An expression to expand, and with which headers.
#[derive(Debug, Clone)]
pub struct MacroQuestion {
    /// The expression: `BPF_EMIT_CALL(BPF_FUNC_trace_printk)`.
    pub expression: String,
    /// The headers to include, in order: `linux/bpf.h`, or a path.
    pub headers: Vec<String>,
    /// Options for clang, such as `-I` and `-D`.
    pub options: Vec<String>,
    /// Of the names in the result, work out only those with this text in them.
    pub about: Option<String>,
    /// The clang to use.
    pub clang: String,
}
