//! The type of masks.

use std::borrow::Cow;

/// One kind of thing that changes from run to run, and the token that takes its place.
///
/// Applying a mask twice is the same as applying it once, and ordinary prose is left alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mask {
    /// The name by which a step asks for it: `prog-id`.
    pub(super) name: &'static str,
    /// Returns the text with a token such as `[ID]` in place of every such thing, which takes the
    /// padding beside it too.
    pub(super) apply: fn(&str) -> Cow<'_, str>,
}
