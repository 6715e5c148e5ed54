//! The files of a course that its lessons show and link to: what the book can have, and why not the rest.

use super::files::CourseFiles;
use super::model::Course;
use crate::lesson::NotIncluded;
use crate::say;
use std::path::Path;

/// The endings of images that browsers show.
const IMAGE_ENDINGS: [&str; 6] = ["gif", "jpeg", "jpg", "png", "svg", "webp"];
/// A drawing. As the source of an image it runs nothing; opened by itself it would, so none is linked to.
const DRAWING: &str = "svg";

const MIB: usize = 1 << 20;
/// No image of a page is longer.
const MOST_IMAGE_MIB: usize = 16;

/// An image of a course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourseImage {
    /// The ending of its name, in lower case.
    pub ending: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// A file of a course that a link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkedFile {
    /// One that browsers show.
    Image(CourseImage),
    /// One to read.
    Text(String),
}

impl Course {
    /// The image at a path below the course root, or why the book cannot have it.
    pub fn image(&self, path: &Path) -> Result<CourseImage, String> {
        CourseFiles::of(&self.origin).image(path)
    }

    /// The file, which is no lesson, that a link leads to, or why the book cannot have it.
    pub fn linked(&self, path: &Path) -> Result<LinkedFile, String> {
        CourseFiles::of(&self.origin).linked(path)
    }
}

impl CourseFiles {
    /// The image at this path, or why the book cannot have it.
    pub fn image(&self, path: &Path) -> Result<CourseImage, String> {
        let ending = ending(path);
        if !IMAGE_ENDINGS.contains(&ending.as_str()) {
            return Err(say!("book-no-image", endings = IMAGE_ENDINGS.join("`, `")));
        }
        let bytes = self.shown(path)?;
        match bytes.len() > MOST_IMAGE_MIB * MIB {
            true => Err(say!("longer-than", size = MOST_IMAGE_MIB)),
            false => Ok(CourseImage { ending, bytes }),
        }
    }

    /// The file, which is no lesson, that a link leads to, or why the book cannot have it.
    pub fn linked(&self, path: &Path) -> Result<LinkedFile, String> {
        match ending(path).as_str() {
            // A page that the course does not list is nothing that a reader should see.
            "md" => Err(say!("book-no-page")),
            one if one != DRAWING && IMAGE_ENDINGS.contains(&one) => {
                self.image(path).map(LinkedFile::Image)
            }
            _ => {
                let text = String::from_utf8(self.shown(path)?);
                text.map(LinkedFile::Text).map_err(|_| say!("book-no-text"))
            }
        }
    }

    fn shown(&self, path: &Path) -> Result<Vec<u8>, String> {
        self.named(path).map_err(|error| match error {
            NotIncluded::Missing => say!("book-missing"),
            NotIncluded::Outside => say!("book-outside"),
            NotIncluded::Unreadable(reason) => reason,
            NotIncluded::TooMuch => say!("longer-than", size = MOST_IMAGE_MIB),
        })
    }
}

/// The ending of a file's name, in lower case.
fn ending(path: &Path) -> String {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.unwrap_or_default().to_lowercase()
}
