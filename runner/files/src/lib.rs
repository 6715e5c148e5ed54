//! One safe idea of a folder that others write into: learners, steps, guests.
//!
//! A [`Root`] is a folder that was opened once. Whatever is read, made, moved or removed in it is
//! named by a [`Below`], a path that cannot lead out, and is reached without following a symbolic
//! link. Nothing is removed across a mount, and what somebody changed meanwhile is not overwritten.
//! What belongs to whom is for others to know.
//!
//! Modules, in reading order:
//! - [`hash`](mod@hash): SHA-256, and bytes in hexadecimal
//! - [`text`][]: paths as text, those that are not UTF-8 too
//! - [`below`][]: [`Below`], a path below a folder
//! - [`error`][]: [`FilesError`]
//! - [`stamp`][]: [`Stamp`] and [`Identity`], what tells a file from another one
//! - [`found`][]: [`Found`] and its [`Kind`], what is at a path; [`Limits`], and listings held to them
//! - `way`: opening what is below a folder
//! - [`root`][]: [`Root`]: looking, reading, listing
//! - [`place`][]: [`Beside`]: writing beside and renaming; folders, links and modes
//! - [`remove`][]: removing one thing, or a whole tree that is ours
//! - [`own`][]: files of our own: caches, states

pub mod below;
pub mod error;
pub mod found;
pub mod hash;
pub mod own;
pub mod place;
pub mod remove;
pub mod root;
pub mod stamp;
pub mod text;
mod walk;
mod way;

pub use below::Below;
pub use error::{FilesError, Limit};
pub use found::{Closed, Found, Kind, Limits, Listing, Mounts};
pub use hash::{Hash, Hasher, hash, hex};
pub use own::write;
pub use place::{Beside, Over, UNFINISHED};
pub use remove::remove_tree;
pub use root::Root;
pub use stamp::{Identity, Stamp};
