//! Options that this machine and its distribution make necessary.

use std::path::Path;

/// Returns the options that let clang find the C library's headers when it compiles for BPF: on Debian and
/// Ubuntu, `asm/types.h` lies in a folder named after the machine.
pub fn include_options() -> Vec<String> {
    let folder = match std::env::consts::ARCH {
        "x86_64" => "/usr/include/x86_64-linux-gnu",
        "aarch64" => "/usr/include/aarch64-linux-gnu",
        "riscv64" => "/usr/include/riscv64-linux-gnu",
        _ => return Vec::new(),
    };
    match Path::new(folder).is_dir() {
        true => vec![format!("-I{folder}")],
        false => Vec::new(),
    }
}

/// Returns the option that tells libbpf's headers which machine's registers a probe sees.
pub fn target_define() -> Option<String> {
    let name = match std::env::consts::ARCH {
        "x86_64" => "x86",
        "aarch64" => "arm64",
        "riscv64" => "riscv",
        "s390x" => "s390",
        "powerpc64" => "powerpc",
        "loongarch64" => "loongarch",
        _ => return None,
    };
    Some(format!("-D__TARGET_ARCH_{name}"))
}
