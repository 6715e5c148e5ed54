//! What every page of a book shares.

use super::code::Codes;
use crate::course::Course;

/// What the pages of a book are made from.
pub struct Book<'c> {
    pub course: &'c Course,
    pub codes: Codes<'c>,
}
