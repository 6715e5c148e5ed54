//! The package that brings a need: a row of the list that `tutor` has, or names that the course gives.

use super::keys::{Value, key_help};
use crate::diagnostic::{Findings, nearest};
use crate::packages::{self, Package, is_package_name};
use toml::de::DeValue;

/// The package managers that have a name for it.
const MANAGERS: [&str; 3] = ["apt", "dnf", "pacman"];

const HELP: &str = "write `package = { apt = \"…\", dnf = \"…\", pacman = \"…\" }`, or name a row of tutor's own list, such as `clang`";

/// Reads the key `package` of a need.
pub(super) fn read(need: &str, value: Value<'_>, findings: &mut Findings) -> Option<Package> {
    let span = value.span();
    match value.into_inner() {
        DeValue::String(row) => {
            let package = packages::named(&row);
            if package.is_none() {
                let rows = packages::all();
                let names = rows.iter().map(|package| package.name.as_str());
                let help = match nearest(&row, names) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => HELP.to_owned(),
                };
                let message = format!("`{row}` is no row of tutor's list of packages");
                findings.error(span, message, help);
            }
            package
        }
        DeValue::Table(table) if table.is_empty() => {
            let message = format!("the package of need `{need}` has no name");
            findings.error(span, message, HELP);
            None
        }
        DeValue::Table(table) => {
            let mut names = MANAGERS.map(|_| "-".to_owned());
            for (key, value) in table {
                let manager = key.get_ref();
                let Some(at) = MANAGERS.iter().position(|known| known == manager) else {
                    let message = format!("`{manager}` is no package manager that is known here");
                    findings.error(key.span(), message, key_help(manager, &MANAGERS));
                    continue;
                };
                match value.get_ref() {
                    DeValue::String(name) if is_package_name(name) => names[at] = name.to_string(),
                    _ => {
                        let message = format!("this is no name of a package for {manager}");
                        let help = format!("write one name as a text: `{manager} = \"{need}\"`");
                        findings.error(value.span(), message, help);
                    }
                }
            }
            let [debian, fedora, arch] = names;
            Some(Package {
                name: need.to_owned(),
                test: String::new(),
                debian,
                fedora,
                arch,
            })
        }
        _ => {
            let message = format!("the package of need `{need}` is no name");
            findings.error(span, message, HELP);
            None
        }
    }
}
