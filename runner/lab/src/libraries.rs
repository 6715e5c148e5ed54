//! Libraries of programs that were built on the host and run in a guest.

use crate::inputs::Inputs;
use crate::machine::Machine;
use crate::needed::Linker;
use crate::shared::{SharedError, send};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tutor_files::{Below, Kind};

/// The libraries that a guest has.
#[derive(Debug, Default)]
pub struct Libraries {
    there: Option<BTreeSet<PathBuf>>,
}

impl Libraries {
    /// Sends what programs of a shared folder need and the guest does not have, if it is a library
    /// of this system: a program's own words for that are not enough. A program whose libraries are
    /// not on this machine either is left to say so itself.
    pub fn bring(
        &mut self,
        programs: &[PathBuf],
        folder: &Path,
        machine: &mut Machine,
    ) -> Result<(), SharedError> {
        if programs.is_empty() {
            return Ok(());
        }
        let inputs = Inputs::default();
        let Ok(linker) = Linker::of_foreign(&inputs, folder) else {
            return Ok(());
        };
        for program in programs {
            let Ok(needed) = linker.closure(program) else {
                continue;
            };
            let mut asked = Vec::new();
            for library in &needed {
                let path = linker.place(library, &needed);
                if self.there(machine)?.contains(&path) {
                    continue;
                }
                let Some(content) = linker.system_library(library) else {
                    continue;
                };
                self.there(machine)?.insert(path.clone());
                let bytes = content.len() as u64;
                let kind = Kind::File { mode: 0o755, bytes };
                let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
                    continue;
                };
                let name = Below::new(name)?;
                asked.push(send(machine, folder, &name, &kind, Some(&content))?);
            }
            for id in asked {
                machine.done(id, "take a library")?;
            }
        }
        Ok(())
    }

    fn there(&mut self, machine: &mut Machine) -> Result<&mut BTreeSet<PathBuf>, SharedError> {
        let there = match self.there.take() {
            Some(there) => there,
            None => {
                let mut there = BTreeSet::new();
                for folder in ["/usr/lib", "/usr/lib64"].map(Path::new) {
                    let entries = machine.list(folder)?.into_iter();
                    there.extend(entries.map(|found| folder.join(&found.path)));
                }
                there
            }
        };
        Ok(self.there.insert(there))
    }
}
