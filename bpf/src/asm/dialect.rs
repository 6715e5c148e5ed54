//! The notations that are read.

/// Whose notation a text is in. They differ in what a plain constant means, and in little else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// The kernel's and [`crate::disasm`]'s: `r1 = 10` moves 32 bits, `r1 = 0xa` loads 64.
    Kernel,
    /// LLVM's, decimal up to version 15 and hexadecimal since: `r1 = 0xa` moves 32 bits, `r1 = 0xa ll` loads 64.
    Llvm,
}
