//! The options that the lab needs of a kernel, and whether a kernel has them.

use std::collections::{BTreeMap, BTreeSet};

/// The value of an option in a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// `=y`
    BuiltIn,
    /// `=m`
    Module,
    /// `is not set`, or not named.
    Off,
}

/// A kernel's configuration, as the kernel's build writes it to `.config`.
#[derive(Clone, Debug, Default)]
pub struct Config {
    settings: BTreeMap<String, Setting>,
}

impl Config {
    /// Reads a configuration. Options with other values than `y` and `m` are left out.
    pub fn parse(text: &[u8]) -> Config {
        let text = String::from_utf8_lossy(text);
        let settings = text.lines().filter_map(|line| {
            let (option, value) = line.split_once('=')?;
            let setting = match value {
                "y" => Setting::BuiltIn,
                "m" => Setting::Module,
                _ => return None,
            };
            Some((option.to_owned(), setting))
        });
        Config {
            settings: settings.collect(),
        }
    }

    /// Returns the value of an option.
    pub fn get(&self, option: &str) -> Setting {
        self.settings.get(option).copied().unwrap_or(Setting::Off)
    }
}

/// Options that have to be built in.
const BUILT_IN: [&str; 7] = [
    "CONFIG_BINFMT_ELF",
    "CONFIG_BLK_DEV_INITRD",
    "CONFIG_BPF_SYSCALL",
    "CONFIG_DEVTMPFS",
    "CONFIG_PCI",
    "CONFIG_PROC_FS",
    "CONFIG_SYSFS",
];

/// Drivers of the channel to the host, which may be modules, and the names of these.
pub const DRIVERS: [(&str, &str); 2] = [
    ("CONFIG_VIRTIO_PCI", "virtio_pci"),
    ("CONFIG_VIRTIO_CONSOLE", "virtio_console"),
];

/// The facts by which a kernel is judged.
pub struct Evidence<'e> {
    /// QEMU finds an entry; where it does not, the image lacks the PVH note.
    pub has_entry: bool,
    /// From the package's `config-*`, or from inside the image.
    pub config: Option<Config>,
    /// The names in the package's `modules.builtin`.
    pub builtin: Option<BTreeSet<String>>,
    /// The file names of the modules that came along.
    pub modules: Vec<&'e str>,
    /// The package has modules at all.
    pub has_modules: bool,
}

impl Evidence<'_> {
    /// Returns the options that could not be looked up, or a sentence for each one that is missing.
    pub fn judge(&self) -> Result<Vec<String>, Vec<String>> {
        let mut lacking = Vec::new();
        let mut unknown = Vec::new();
        if !self.has_entry {
            let note = "there is no PVH note, by which QEMU starts it";
            lacking.push(format!("it was built without `CONFIG_PVH` ({note})"));
        }
        for option in BUILT_IN {
            match self.config.as_ref().map(|config| config.get(option)) {
                Some(Setting::BuiltIn) => {}
                Some(Setting::Module | Setting::Off) => lacking.push(without(option)),
                None => unknown.push(option.to_owned()),
            }
        }
        for (option, module) in DRIVERS {
            match self.driver(option, module) {
                Some(Ok(())) => {}
                Some(Err(sentence)) => lacking.push(sentence),
                None => unknown.push(option.to_owned()),
            }
        }
        match lacking.is_empty() {
            true => Ok(unknown),
            false => Err(lacking),
        }
    }

    /// Returns whether a driver is there, or a sentence; none where that is not known.
    fn driver(&self, option: &str, module: &str) -> Option<Result<(), String>> {
        let file = format!("{module}.ko");
        let built_in = self.builtin.as_ref().map(|names| names.contains(module));
        if built_in == Some(true) || self.modules.contains(&file.as_str()) {
            return Some(Ok(()));
        }
        match self.config.as_ref().map(|config| config.get(option)) {
            Some(Setting::BuiltIn) => Some(Ok(())),
            Some(Setting::Module) => Some(Err(format!(
                "it has `{option}` as a module, which did not come along; a `.deb` brings modules"
            ))),
            Some(Setting::Off) => Some(Err(without(option))),
            None if built_in == Some(false) && self.has_modules => Some(Err(format!(
                "`{option}` is neither built in nor among the package's modules"
            ))),
            None => None,
        }
    }
}

fn without(option: &str) -> String {
    format!("it was built without `{option}`")
}
