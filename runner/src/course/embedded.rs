//! The course that the binary holds, so that `tutor` works from any folder.
//!
//! `build.rs` makes the table: everything below `lessons/` and `snapshots/`, and the C of `bpf/`.

use std::path::Path;

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The content of a file by its path below the course root.
pub(super) fn file(path: &Path) -> Option<&'static [u8]> {
    let path = path.to_str()?;
    let found = FILES.binary_search_by_key(&path, |(name, _)| name).ok()?;
    Some(FILES[found].1)
}

/// The paths of all files, in order.
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(path, _)| *path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_holds_no_pending_snapshots() {
        assert!(FILES.is_sorted_by_key(|(path, _)| *path));
        assert!(paths().all(|path| !path.ends_with(".snap.new")));
    }

    #[test]
    fn every_file_is_found_by_its_path_and_no_other_is() {
        for (path, content) in FILES {
            assert_eq!(file(Path::new(path)), Some(*content));
        }
        assert_eq!(file(Path::new("lessons/none.md")), None);
    }
}
