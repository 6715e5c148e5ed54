//! A loaded program, to look at: what the verifier made of it, and the machine code.

mod machine;
mod xlated;

pub use machine::{MachineCode, MachineError, MachineFunction, MachineRow};
pub use xlated::{CALL_BASE, HelperCall, Xlated, XlatedError, XlatedInstruction};
