//! Reads the files that commands are about.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::error::{CommandError, FilePlace};
use crate::clang::compile_command;
use crate::insn::ByteOrder;
use crate::object::{BpfObject, ObjectError};

/// More than any program has; a whole kernel is larger, and an endless file is not read for ever.
const LIMIT: u64 = 256 << 20;

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    let cannot = |error: std::io::Error| {
        let place = FilePlace::file(path);
        CommandError::at(place, format!("cannot read the file: {}", plain(&error)))
    };
    let file = File::open(path).map_err(cannot)?;
    let mut data = Vec::new();
    file.take(LIMIT + 1)
        .read_to_end(&mut data)
        .map_err(cannot)?;
    if data.len() as u64 > LIMIT {
        let message = format!(
            "the file has more than {} MiB, and no program or packet has",
            LIMIT >> 20
        );
        return Err(CommandError::at(FilePlace::file(path), message));
    }
    Ok(data)
}

/// The error's words without Rust's number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    words.to_lowercase()
}

/// Reads an object out of what [`read`] returned.
pub fn object<'d>(path: &Path, data: &'d [u8]) -> Result<BpfObject<'d>, CommandError> {
    BpfObject::parse(data).map_err(|error| no_object(path, &error))
}

/// Reads a file that libbpf is to load, and makes sure that it can: libbpf's own words for these cases name a number
/// and no cause.
pub fn loadable(path: &Path) -> Result<Vec<u8>, CommandError> {
    let data = read(path)?;
    match obstacle(path, &data) {
        Some(error) => Err(error),
        None => Ok(data),
    }
}

fn obstacle(path: &Path, data: &[u8]) -> Option<CommandError> {
    let object = match BpfObject::parse(data) {
        Ok(object) => object,
        Err(error) if error.is_foreign() => return Some(no_object(path, &error)),
        // Of what lies within, libbpf may take what we do not.
        Err(_) => return None,
    };
    let refused = |message: String, help: &str| {
        let error = CommandError::at(FilePlace::file(path), message);
        Some(error.with_help(help))
    };
    if object.order() != ByteOrder::NATIVE {
        let message = format!(
            "the object is {}, and this machine is {}",
            order_name(object.order()),
            order_name(ByteOrder::NATIVE)
        );
        return refused(
            message,
            "compile it with `-target bpf`, which takes this machine's order",
        );
    }
    if object.is_untyped() {
        let message = "the object's functions have no type, as clang before 9 wrote them, and libbpf finds none";
        return refused(
            message.to_owned(),
            "compile it with a newer clang; `tutor bpf disasm` reads it as it is",
        );
    }
    let mut names = object.subprograms().map(|function| &*function.name);
    if object.programs().next().is_none()
        && let Some(name) = names.next()
    {
        let message = format!(
            "there is no program in this object: `{name}` is a function without a section of its own"
        );
        return refused(
            message,
            "write `SEC(\"…\")` before the function that is the program, such as `SEC(\"kprobe/do_unlinkat\")`",
        );
    }
    None
}

fn order_name(order: ByteOrder) -> &'static str {
    match order {
        ByteOrder::Little => "little-endian",
        ByteOrder::Big => "big-endian",
    }
}

/// What a file is in place of an object, and how to make one.
fn no_object(path: &Path, error: &ObjectError) -> CommandError {
    let place = FilePlace::file(path).offset(error.offset());
    let is_c = path.extension().is_some_and(|end| end == "c");
    if is_c && matches!(error, ObjectError::NotElf { .. }) {
        let object = path.with_extension("o");
        let command = compile_command(&path.to_string_lossy(), &object.to_string_lossy());
        let message = "this is the C of a program, and not yet an object";
        let help = format!(
            "compile it with `{command}`, and name the object; `tutor bpf pipeline` shows how it becomes one"
        );
        return CommandError::at(place, message).with_help(help);
    }
    let help = match error.is_foreign() {
        true => format!(
            "make a BPF object with `{}`",
            compile_command("prog.bpf.c", "prog.bpf.o")
        ),
        false => "the file is cut off or damaged; compile it again".to_owned(),
    };
    CommandError::at(place, error).with_help(help)
}
