//! What a mask is.

use std::borrow::Cow;

/// One kind of thing that changes from run to run, and the token that takes its place.
///
/// Applying a mask twice is the same as applying it once, and ordinary prose is left alone.
pub trait Mask: Send + Sync {
    /// The name by which a step asks for it: `prog-id`.
    fn name(&self) -> &'static str;
    /// What stands in the place of what it hides: `[ID]`.
    fn token(&self) -> &'static str;
    /// The text with every such thing replaced, together with the padding beside it.
    fn apply<'t>(&self, text: &'t str) -> Cow<'t, str>;
}
