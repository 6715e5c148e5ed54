//! The data that all pages of a book share.

use super::code::Codes;
use crate::course::Course;
use crate::snapshot::SnapshotName;
use std::collections::HashMap;

/// Why recorded outputs are not of their steps as they are now.
pub type StaleByName = HashMap<SnapshotName, String>;

/// The course of a book, and its code.
pub struct Book<'c> {
    pub course: &'c Course,
    pub codes: Codes<'c>,
    pub stale: StaleByName,
}
