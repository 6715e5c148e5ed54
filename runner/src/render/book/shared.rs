//! The data that all pages of a book share.

use super::code::Codes;
use crate::course::Course;

/// The course of a book, and its code.
pub struct Book<'c> {
    pub course: &'c Course,
    pub codes: Codes<'c>,
}
