//! An instruction as the object has it.

use crate::insn::Instruction;

/// An instruction in the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bytecode {
    /// Its place in the function, in slots of 8 bytes.
    pub slot: usize,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What they mean.
    pub instruction: Instruction,
    /// What they mean, in words.
    pub text: String,
    /// What it refers to: a map, a variable, a function.
    pub relocation: Option<String>,
}
