//! Loads, probes and inspects BPF programs.
//!
//! What works on a machine is found out by trying: [`probe::probe`] loads, attaches, runs or opens
//! the thing itself, takes it away again, and explains a refusal.
//!
//! ```
//! use tutor_bpf::probe::{Feature, probe};
//!
//! match probe(Feature::Kprobe) {
//!     Ok(finding) => println!("kprobes work: {finding}"),
//!     Err(refusal) => println!("{refusal}; {}", refusal.remedy()),
//! }
//! ```
//!
//! The modules, in reading order:
pub mod anatomy;
pub mod asm;
pub mod assemble;
pub mod clang;
#[cfg(feature = "command")]
pub mod command;
pub mod disasm;
pub mod errno;
pub mod expand;
pub mod helper;
mod hex;
pub mod insn;
pub mod jit;
pub mod kallsyms;
pub mod load;
pub mod object;
pub mod pipeline;
pub mod probe;
mod quiet;
mod sys;
pub mod trace;
pub mod view;
