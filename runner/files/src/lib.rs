//! One safe idea of a folder that others write into: learners, steps, guests.
//!
//! A [`Root`] is a folder that was opened once. Whatever is read, made, moved or removed in it is
//! named by a [`Below`], a path that cannot lead out, and is reached without following a symbolic
//! link. Nothing is removed across a mount, and what somebody changed meanwhile is not overwritten.
//! Which file belongs to whom is for others to know.
//!
//! The modules stand in reading order; a module uses only those above it:
//!
//! - [`mod@hash`]: SHA-256, and bytes in hexadecimal.
//! - [`text`]: paths as text, for JSON.
//! - [`error`]: errors of reading, writing and listing.
//! - [`below`]: a path that cannot lead out of its folder.
//! - [`stamp`]: tells a file from others, and from itself after a change.
//! - `way`: opening what is below a folder, and nowhere else.
//! - [`found`]: descriptions of files, folders and links.
//! - [`root`]: a folder that was opened once.
//! - `walk`: listing all that is below a folder.
//! - [`place`]: putting something where it belongs.
//! - [`remove`]: removing what is known, or a whole tree.
//! - [`own`]: files of `tutor`'s own, at paths of its own.

pub mod hash;

pub mod text;

pub mod error;

pub mod below;

pub mod stamp;

mod way;

pub mod found;

pub mod root;

mod walk;

pub mod place;

pub mod remove;

pub mod own;

pub use below::Below;
pub use error::{FilesError, Limit};
pub use found::{Closed, Found, Kind, Limits, Listing, Mounts};
pub use hash::{Hash, Hasher, hash, hex};
pub use own::write;
pub use place::{Beside, Over, UNFINISHED};
pub use remove::remove_tree;
pub use root::Root;
pub use stamp::{Identity, Stamp};
