//! A loaded program, to look at: what the verifier made of it, and the machine code.

mod change;
mod compare;
mod machine;
mod xlated;

pub use change::Change;
pub use compare::{Bytecode, CompareError, Comparison, NoMachine, Row, SourceLine};
pub use machine::{MachineCode, MachineError, MachineFunction, MachineRow, Search};
pub use xlated::{CALL_BASE, HelperCall, Xlated, XlatedError, XlatedInstruction};
