//! Bytes in hexadecimal.

/// Returns bytes as people read them: `85 00 00 00 06 00 00 00`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}
