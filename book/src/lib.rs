//! Renders the emitted mdBook source tree.
