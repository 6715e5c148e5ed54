//! The options that the lab needs of a kernel, and whether a kernel has them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How an option stands in a configuration.
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

    /// Returns how an option stands.
    pub fn get(&self, option: &str) -> Setting {
        self.settings.get(option).copied().unwrap_or(Setting::Off)
    }
}

/// An option that a kernel lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingOption {
    /// Its name: `CONFIG_PVH`.
    pub option: &'static str,
    /// MissingReason that is so, as the rest of a sentence.
    pub why: MissingReason,
}

/// MissingReason an option is taken for missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingReason {
    /// The ELF image has no such note.
    NoNote,
    /// The configuration says so.
    Off,
    /// It is a module, and the module did not come along.
    NoModule,
    /// Neither the list of what is built in nor the modules have it.
    Nowhere,
}

impl fmt::Display for MissingOption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let option = self.option;
        match self.why {
            MissingReason::NoNote => write!(
                formatter,
                "it was built without `{option}` (there is no PVH note, by which QEMU starts it)"
            ),
            MissingReason::Off => write!(formatter, "it was built without `{option}`"),
            MissingReason::NoModule => write!(
                formatter,
                "it has `{option}` as a module, which did not come along; a `.deb` brings modules"
            ),
            MissingReason::Nowhere => write!(
                formatter,
                "`{option}` is neither built in nor among the package's modules"
            ),
        }
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
    /// Returns the options that could not be looked up, or those that are missing.
    pub fn judge(&self) -> Result<Vec<String>, Vec<MissingOption>> {
        let mut lacking = Vec::new();
        let mut unknown = Vec::new();
        if !self.has_entry {
            lacking.push(MissingOption {
                option: "CONFIG_PVH",
                why: MissingReason::NoNote,
            });
        }
        for option in BUILT_IN {
            match self.config.as_ref().map(|config| config.get(option)) {
                Some(Setting::BuiltIn) => {}
                Some(Setting::Module | Setting::Off) => lacking.push(MissingOption {
                    option,
                    why: MissingReason::Off,
                }),
                None => unknown.push(option.to_owned()),
            }
        }
        for (option, module) in DRIVERS {
            match self.driver(option, module) {
                Some(Ok(())) => {}
                Some(Err(why)) => lacking.push(MissingOption { option, why }),
                None => unknown.push(option.to_owned()),
            }
        }
        match lacking.is_empty() {
            true => Ok(unknown),
            false => Err(lacking),
        }
    }

    /// Returns whether a driver is there; none where that is not known.
    fn driver(&self, option: &str, module: &str) -> Option<Result<(), MissingReason>> {
        let file = format!("{module}.ko");
        let built_in = self.builtin.as_ref().map(|names| names.contains(module));
        if built_in == Some(true) || self.modules.contains(&file.as_str()) {
            return Some(Ok(()));
        }
        match self.config.as_ref().map(|config| config.get(option)) {
            Some(Setting::BuiltIn) => Some(Ok(())),
            Some(Setting::Module) => Some(Err(MissingReason::NoModule)),
            Some(Setting::Off) => Some(Err(MissingReason::Off)),
            None if built_in == Some(false) && self.has_modules => {
                Some(Err(MissingReason::Nowhere))
            }
            None => None,
        }
    }
}
