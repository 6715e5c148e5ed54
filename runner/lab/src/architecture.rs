//! The machine of each processor architecture: the one place that names it.
//!
//! A guest has the architecture of the host, since programs that were built on the host run in it.

/// The arguments of QEMU and of the kernel for a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Architecture {
    /// Its name, as Rust and `uname -m` have it: `x86_64`.
    pub name: &'static str,
    /// The program that emulates it.
    pub program: &'static str,
    /// The type of the machine.
    pub machine: &'static str,
    /// The model of its processor, translated or not. All guests have the same one: the kernel's
    /// JIT picks instructions by what the processor has (`BMI2` in `arch/x86/net/bpf_jit_comp.c`), and
    /// machine code shall look as it was recorded.
    pub processor: &'static str,
    /// The device of the kernel's console.
    pub console: &'static str,
    /// Further arguments of its kernel, behind a blank.
    pub kernel_arguments: &'static str,
}

/// The architectures that the lab knows a machine for.
const KNOWN: [Architecture; 2] = [
    Architecture {
        name: "x86_64",
        program: "qemu-system-x86_64",
        machine: "q35",
        // QEMU 7.2 translates `cmpxchg16b` wrongly where a kernel needs it. With `rdrand` the kernel
        // has its random numbers at once (`random.trust_cpu`); without it, the first program that
        // asks for some waits until the kernel has gathered them from its own timing, which is a
        // third of a boot (`try_to_generate_entropy` in its `drivers/char/random.c`).
        processor: "qemu64,-cx16,+rdrand",
        console: "ttyS0",
        // Both spare time that translation makes long.
        kernel_arguments: " tsc=reliable no_timer_check",
    },
    // Not tried but for this: QEMU 7.2 starts Debian's 6.12 with these devices, up to where the kernel
    // looks for its `/init`. No agent has run there.
    Architecture {
        name: "aarch64",
        program: "qemu-system-aarch64",
        machine: "virt",
        processor: "cortex-a57",
        console: "ttyAMA0",
        kernel_arguments: "",
    },
];

impl Architecture {
    /// Returns the architecture of this program, if the lab knows a machine for it.
    pub fn here() -> Option<&'static Architecture> {
        Architecture::named(std::env::consts::ARCH)
    }

    /// Returns the architecture of that name.
    pub fn named(name: &str) -> Option<&'static Architecture> {
        KNOWN.iter().find(|known| known.name == name)
    }

    /// The kernel's command line. `nokaslr` makes the kernel's addresses the same in every guest, and
    /// `norandmaps` those of programs. QEMU 7.2 finds what it has translated by virtual address, so
    /// that without it each start of a program is translated anew, which takes four times as long.
    /// `cryptomgr.notests` spares time that translation makes long. They are explained in the kernel's
    /// `Documentation/admin-guide/kernel-parameters.txt`.
    pub fn command_line(&self) -> String {
        let Architecture {
            console,
            kernel_arguments,
            ..
        } = self;
        format!(
            "quiet panic=-1 nokaslr norandmaps mitigations=off cryptomgr.notests{kernel_arguments} \
             random.trust_cpu=on nr_cpus=1 console={console}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_told_the_console_that_its_machine_has() {
        let line = Architecture::named("x86_64").unwrap().command_line();
        assert_eq!(
            line,
            "quiet panic=-1 nokaslr norandmaps mitigations=off cryptomgr.notests tsc=reliable no_timer_check \
             random.trust_cpu=on nr_cpus=1 console=ttyS0"
        );
        let line = Architecture::named("aarch64").unwrap().command_line();
        assert_eq!(
            line,
            "quiet panic=-1 nokaslr norandmaps mitigations=off cryptomgr.notests random.trust_cpu=on nr_cpus=1 \
             console=ttyAMA0"
        );
    }

    #[test]
    fn an_architecture_without_a_row_has_no_machine() {
        assert_eq!(Architecture::named("riscv64"), None);
    }
}
