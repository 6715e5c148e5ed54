//! Everything that starts a machine of the lab, or that is said where there is none.

#[path = "../support/mod.rs"]
mod support;

mod accelerator;
mod bpf;
mod doctor;
mod faults;
mod guests;
mod lacks;
mod matrix;
mod own;
mod ready;
mod rewind;
mod run;
mod setup;
mod sharing;
mod shell;
mod states;
mod study;
mod trying;
