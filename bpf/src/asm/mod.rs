//! From text to instructions: reads the kernel's notation and that of `llvm-objdump`.
//!
//! ```
//! use tutor_bpf::asm::{Dialect, instruction};
//! use tutor_bpf::insn::ByteOrder;
//!
//! let call = instruction("call bpf_trace_printk", Dialect::Kernel)?;
//! assert_eq!(*call.encode(ByteOrder::Little), [0x85, 0, 0, 0, 6, 0, 0, 0]);
//! # Ok::<(), tutor_bpf::asm::AsmError>(())
//! ```

mod arithmetic;
mod control;
mod cursor;
mod dialect;
mod error;
mod listing;
mod memory;
mod statement;
#[cfg(test)]
mod tests;

pub use dialect::Dialect;
pub use error::{AsmError, Problem};
pub use listing::{ListedLine, Readings, is_beside_code};
pub use statement::instruction;
