//! The programs that go into the lab's guest: the agent, and a `tutor` that knows `tutor bpf` only.
//!
//! The build script builds them with a cargo of its own, small and without debug information, so that
//! every `tutor` has them, and that the guest is the same for every profile of `tutor`.

use std::io;

const AGENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tutor-agent.zst"));

const TUTOR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tutor-bpf.zst"));

/// Returns the agent, which is the guest's `/init`.
pub fn agent() -> io::Result<Vec<u8>> {
    zstd::stream::decode_all(AGENT)
}

/// Returns the program that is called `tutor` in the guest.
pub fn tutor() -> io::Result<Vec<u8>> {
    zstd::stream::decode_all(TUTOR)
}

/// Returns how many bytes the agent has, and how many the `tutor`, without unpacking them.
pub fn sizes() -> Option<(u64, u64)> {
    let size = |packed| zstd::zstd_safe::get_frame_content_size(packed).ok()?;
    Some((size(AGENT)?, size(TUTOR)?))
}

/// Identifies these programs.
pub const ID: &str = env!("TUTOR_GUEST_ID");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_programs_of_this_machines_kind_and_small() {
        for program in [agent().unwrap(), tutor().unwrap()] {
            assert!(program.starts_with(b"\x7fELF"));
            assert!(program.len() < 8 << 20, "{} bytes", program.len());
        }
        let lengths = (agent().unwrap().len(), tutor().unwrap().len());
        assert_eq!(sizes(), Some((lengths.0 as u64, lengths.1 as u64)));
    }
}
