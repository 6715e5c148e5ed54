//! Why a kernel cannot be used.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::PathBuf;

/// A file whose kernel cannot be used.
#[derive(Debug)]
pub struct KernelError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub flaw: Flaw,
}

/// Why a kernel cannot be used.
#[derive(Debug)]
pub enum Flaw {
    /// The file could not be read.
    Unreadable(io::Error),
    /// The file is of no kind that is known.
    NoKernel,
    /// The file is damaged or cut off.
    Damaged(String),
    /// The kernel is for this architecture, as Rust names it, and this machine has a different one.
    Foreign(&'static str),
    /// The kernel lacks options that the lab needs: a sentence for each.
    Lacking(Vec<String>),
}

impl Flaw {
    /// The file is damaged in this way.
    pub fn damaged(how: impl Into<String>) -> Flaw {
        Flaw::Damaged(how.into())
    }
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Flaw {
        use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
        match error.kind() {
            // Readers of packed data say so when the data is wrong or ends too early.
            InvalidData | InvalidInput | UnexpectedEof | Other => Flaw::Damaged(error.to_string()),
            _ => Flaw::Unreadable(error),
        }
    }
}

impl Error for KernelError {}

impl Display for KernelError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.flaw {
            Flaw::Unreadable(error) => {
                write!(formatter, "cannot read the kernel `{path}`: {error}")
            }
            Flaw::NoKernel => write!(
                formatter,
                "`{path}` is no kernel: it is neither a `.deb` package, nor a bzImage, nor an ELF vmlinux, nor an arm64 image"
            ),
            Flaw::Damaged(how) => write!(formatter, "`{path}` is damaged: {how}"),
            Flaw::Foreign(kernel) => {
                let here = std::env::consts::ARCH;
                write!(
                    formatter,
                    "the kernel `{path}` is for {kernel}, and this machine is {here}"
                )
            }
            Flaw::Lacking(options) => {
                let options = options.join("; ");
                write!(
                    formatter,
                    "the kernel `{path}` cannot run in the lab: {options}"
                )
            }
        }
    }
}
