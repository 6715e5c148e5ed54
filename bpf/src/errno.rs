//! The kernel's error numbers, by name and meaning.

use std::fmt;

/// The number that the kernel's own headers call `ENOTSUPP`; it was never meant to reach a program, but BPF sends it.
const ENOTSUPP: i32 = 524;

/// libbpf's own numbers begin here: `enum libbpf_errno` of its `libbpf.h`.
const FIRST_OF_LIBBPF: i32 = 4000;
const LIBBPF: [(&str, &str); 14] = [
    ("LIBELF", "libelf cannot read the file"),
    ("FORMAT", "the object is not as it should be"),
    (
        "KVERSION",
        "the object names no kernel version, or a wrong one",
    ),
    (
        "ENDIAN",
        "the object's byte order is not that of this machine",
    ),
    ("INTERNAL", "libbpf contradicts itself"),
    ("RELOC", "a relocation cannot be made"),
    ("LOAD", "the program cannot be loaded, for whatever reason"),
    ("VERIFY", "the verifier refuses the program"),
    ("PROG2BIG", "the program is too big"),
    ("KVER", "the kernel version is not the running one"),
    ("PROGTYPE", "the kernel does not know the program's type"),
    ("WRNGPID", "an answer is for another process"),
    ("INVSEQ", "an answer has the wrong number"),
    ("NLPARSE", "an answer of netlink cannot be read"),
];

/// An error number as the kernel answered it, or libbpf.
///
/// ```
/// use tutor_bpf::errno::Errno;
///
/// assert_eq!(Errno(1).to_string(), "EPERM (operation not permitted)");
/// assert_eq!(Errno(524).name(), "ENOTSUPP");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

impl Errno {
    /// `EPERM`: a capability, lockdown or another policy of the kernel says no.
    pub const EPERM: Self = Self(1);
    /// `ENOENT`: the thing named is not there.
    pub const ENOENT: Self = Self(2);
    /// `EACCES`: file permissions, perf's paranoia, or the verifier.
    pub const EACCES: Self = Self(13);
    /// `EBUSY`: another process holds it.
    pub const EBUSY: Self = Self(16);
    /// `EINVAL`: the kernel does not know what was asked for.
    pub const EINVAL: Self = Self(22);
    /// `ENOSYS`: this kernel has no such system call.
    pub const ENOSYS: Self = Self(38);
    /// `EOPNOTSUPP`: the kernel has no such operation for this.
    pub const EOPNOTSUPP: Self = Self(95);
    /// `ENOTSUPP`: the kernel knows the operation and cannot do it here.
    pub const ENOTSUPP: Self = Self(ENOTSUPP);

    /// Returns the symbolic name, or `errno N` for a number without one.
    pub fn name(self) -> String {
        if let Some((name, _)) = self.of_libbpf() {
            return format!("LIBBPF_ERRNO__{name}");
        }
        match (self.0, self.known()) {
            (ENOTSUPP, _) => "ENOTSUPP".to_owned(),
            (_, Some(known)) => format!("{known:?}"),
            (number, None) => format!("errno {number}"),
        }
    }

    /// Returns what the number means, in lower case.
    pub fn meaning(self) -> String {
        if let Some((_, meaning)) = self.of_libbpf() {
            return (*meaning).to_owned();
        }
        match (self.0, self.known()) {
            (ENOTSUPP, _) => "operation not supported by this kernel".to_owned(),
            (_, Some(known)) => lowered(known.desc()),
            (_, None) => "a number without a name".to_owned(),
        }
    }

    /// Finds the number in the text of an error that Rust's standard library printed.
    // libbpf-rs keeps the number inside its error and gives out only a rough kind, in which EPERM and
    // EACCES are one; the text is what remains.
    pub(crate) fn in_text(text: &str) -> Option<Self> {
        let (_, number) = text.rsplit_once("(os error ")?;
        let (number, _) = number.split_once(')')?;
        number.parse().ok().map(Self)
    }

    fn of_libbpf(self) -> Option<&'static (&'static str, &'static str)> {
        LIBBPF.get(usize::try_from(self.0.checked_sub(FIRST_OF_LIBBPF)?).ok()?)
    }

    fn known(self) -> Option<nix::errno::Errno> {
        let known = nix::errno::Errno::from_raw(self.0);
        (known != nix::errno::Errno::UnknownErrno).then_some(known)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.meaning())
    }
}

/// "Operation not permitted" becomes "operation not permitted", and "RPC struct is bad" stays.
fn lowered(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            format!("{}{}", first.to_lowercase(), &text[first.len_utf8()..])
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_shown_with_its_name_and_meaning() {
        assert_eq!(Errno(2).to_string(), "ENOENT (no such file or directory)");
        assert_eq!(
            Errno::ENOTSUPP.to_string(),
            "ENOTSUPP (operation not supported by this kernel)"
        );
        assert_eq!(
            Errno(4003).to_string(),
            "LIBBPF_ERRNO__ENDIAN (the object's byte order is not that of this machine)"
        );
        assert_eq!(
            Errno(999).to_string(),
            "errno 999 (a number without a name)"
        );
    }

    #[test]
    fn the_number_is_read_from_the_end_of_an_error_chain() {
        let text = "failed to attach (os error 7): Unknown error 524 (os error 524)";
        assert_eq!(Errno::in_text(text), Some(Errno::ENOTSUPP));
        assert_eq!(Errno::in_text("invalid data"), None);
    }
}
