//! A loaded program, to look at: what the verifier made of it, and the machine code.

mod bytecode;
mod change;
mod compare;
mod machine;
mod xlated;

pub use bytecode::Bytecode;
pub use change::Change;
pub use compare::{CLine, CompareError, Comparison, ComparisonRow, NoMachine};
pub use machine::{MachineCode, MachineCodeError, MachineFunction, MachineRow, Search};
pub use xlated::{HelperCall, Xlated, XlatedError, XlatedInstruction};
