//! An instruction as the object has it.

use crate::insn::Instruction;

/// An instruction in the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bytecode {
    /// Its place in the function, in slots of 8 bytes.
    pub slot: usize,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Their meaning.
    pub instruction: Instruction,
    /// Their meaning, in words.
    pub text: String,
    /// The map, variable or function that it refers to.
    pub relocation: Option<String>,
}
