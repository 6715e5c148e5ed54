//! The `tutor` command.
fn main() {}
