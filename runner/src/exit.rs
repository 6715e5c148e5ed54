//! The exit codes of `tutor`, here and nowhere else.

use std::process::ExitCode;

/// The exit code of a `tutor` process.
///
/// Where several hold, [`Exit::worst`] picks the one that a script should act on:
/// 130, 2, 4, 1, 3, 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All as expected (0).
    Success,
    /// A step differs or failed (1).
    Different,
    /// The command line is wrong (2); clap ends with the same number.
    Usage,
    /// This machine lacks something, so nothing ran, or `--no-skip` was given (3).
    Lacking,
    /// A lesson or a translation is invalid (4).
    Invalid,
    /// Interrupted by Ctrl-C (130).
    Interrupted,
    /// A command was run on the user's behalf and ended with this (`tutor lab run`).
    OfCommand(u8),
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Different => 1,
            Exit::Usage => 2,
            Exit::Lacking => 3,
            Exit::Invalid => 4,
            Exit::Interrupted => 130,
            Exit::OfCommand(code) => code,
        }
    }

    /// The one of two that wins where both hold.
    pub fn worst(self, other: Exit) -> Exit {
        if self.rank() >= other.rank() {
            self
        } else {
            other
        }
    }

    fn rank(self) -> u8 {
        match self {
            Exit::Success | Exit::OfCommand(0) => 0,
            Exit::Lacking => 1,
            Exit::Different | Exit::OfCommand(_) => 2,
            Exit::Invalid => 3,
            Exit::Usage => 4,
            Exit::Interrupted => 5,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_wins_over_everything_and_a_lack_over_success_only() {
        assert_eq!(Exit::Different.worst(Exit::Interrupted), Exit::Interrupted);
        assert_eq!(Exit::Invalid.worst(Exit::Different), Exit::Invalid);
        assert_eq!(Exit::Lacking.worst(Exit::Different), Exit::Different);
        assert_eq!(Exit::Success.worst(Exit::Lacking), Exit::Lacking);
    }
}
