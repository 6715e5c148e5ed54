//! Whether a command's answer is yes.

use super::error::CommandError;

/// How a command ended.
pub type CommandResult = Result<CommandVerdict, CommandError>;

/// Whether everything that was asked for is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandVerdict {
    /// It is.
    Works,
    /// Something named does not work, or is refused.
    Refused,
}

impl CommandVerdict {
    /// Returns the exit status for a process: 0 or 1.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Works => 0,
            Self::Refused => 1,
        }
    }
}
