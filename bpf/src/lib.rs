//! Loads, probes and inspects BPF programs.
//!
//! [`probe::probe`] finds out by trying what works on a machine: it loads, attaches, runs or opens something, takes it
//! away again, and explains a refusal.
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
//! The modules below stand in reading order; a module uses only those above it.

mod hex;

pub mod insn;

pub mod helper;

pub mod disasm;

pub mod asm;

mod anatomy;

pub mod object;

pub mod assemble;

pub mod errno;

mod quiet;

pub mod probe;

mod sys;

pub mod load;

pub mod kallsyms;

pub mod jit;

pub mod view;

mod trace;

pub mod clang;

pub mod expand;

mod pipeline;

pub mod command;
