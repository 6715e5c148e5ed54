//! The lab: a real kernel in a small virtual machine, without root and without KVM.
//!
//! The modules, in reading order:
