//! Loads, probes and inspects BPF programs.
