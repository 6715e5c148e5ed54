//! BPF object files: what the compiler put into one, read without a kernel and without loading anything.
//!
//! ```
//! use tutor_bpf::assemble::TinyObject;
//! use tutor_bpf::object::BpfObject;
//!
//! let elf = TinyObject::new("kprobe/vfs_mkdir").named("on_mkdir").to_elf()?;
//! let object = BpfObject::parse(&elf)?;
//! assert_eq!(object.functions()[0].name, "on_mkdir");
//! assert_eq!(object.license().as_deref(), Some("GPL"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ELF is read by the `object` crate. `.BTF.ext` of a file that is not loaded is read by no crate that is kept
//! well, so the part of BTF that maps and lines need is read here, in `btf` and `lines`.

mod bpf_object;
pub(crate) mod btf;
mod elf;
mod error;
mod function;
mod lines;
mod map;
#[cfg(test)]
mod old_clang;
mod referent;
mod section;
mod symbol;
mod target;
#[cfg(test)]
mod tests;

pub use bpf_object::{BpfObject, SourcePosition};
pub use error::ObjectError;
pub use function::{FunctionRole, ObjectFunction};
pub use map::{Map, MapDefinition};
pub use referent::Referent;
pub(crate) use section::range;
pub use section::{Relocation, Section};
pub use symbol::{Binding, Home, Symbol, SymbolKind};
