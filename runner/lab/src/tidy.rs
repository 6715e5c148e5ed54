//! Keeps files that can be made again within bounds: saved states, and archives that guests boot from.
//!
//! Nothing is removed that was used within the last hour, so no running lab loses what it is about
//! to read; a state is in memory as a whole before a guest resumes from it.

use crate::cache::{Cache, CacheError, entries};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tutor_files::UNFINISHED;
use tutor_files::error::failed_io;

/// The folder of a cache where guests' states between steps are kept, a folder for each lesson.
pub const CHECKPOINTS: &str = "checkpoints";

/// The folder of a cache where it is noted whether KVM works.
pub const TRIALS: &str = "trials";

/// The most that states and archives may take together before the oldest go.
pub const LIMIT_BYTES: u64 = 512 * 1024 * 1024;

/// A file that was not used for so long is removed, however little there is.
pub const LIMIT_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A use within this time of the last one is not noted.
const RECENT: Duration = Duration::from_secs(5 * 60);

/// A file that was used within this time stays, however much there is.
const IN_USE: Duration = Duration::from_secs(60 * 60);

/// The purpose of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CachePurpose {
    /// A guest starts fast with it.
    Start,
    /// A lesson is taken back to a step with it.
    Checkpoint,
}

/// A file that can be made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedFile {
    /// Its purpose.
    pub purpose: CachePurpose,
    /// Where it is.
    pub path: PathBuf,
    /// How large it is.
    pub bytes: u64,
    /// When it was used last.
    pub used: SystemTime,
}

/// Returns the states and archives in a cache, the one used last at the end.
pub fn kept(cache: &Cache) -> Result<Vec<CachedFile>, CacheError> {
    let below = |name: &str| cache.folder().join(name);
    let folders_in = |name: &str| {
        let entries = entries(&below(name)).unwrap_or_default().into_iter();
        entries.filter(|path| path.is_dir())
    };
    let plain = ["states", "initramfs", TRIALS].map(below).into_iter();
    let start = plain.chain(folders_in("guest"));
    let start = start.map(|folder| (folder, CachePurpose::Start));
    let lessons = folders_in(CHECKPOINTS).map(|folder| (folder, CachePurpose::Checkpoint));
    let mut kept = Vec::new();
    for (folder, purpose) in start.chain(lessons) {
        for path in entries(&folder)? {
            let end = path.extension().and_then(|end| end.to_str());
            // They go with the states that they are about.
            if matches!(end, Some("lock" | "answers" | "sha256" | "json")) {
                continue;
            }
            // Another process may tidy at the same time.
            let Ok(there) = fs::metadata(&path) else {
                continue;
            };
            let used = there.modified().map_err(failed_io("read", &path))?;
            kept.push(CachedFile {
                purpose,
                path,
                bytes: there.len(),
                used,
            });
        }
    }
    kept.sort_by_key(|one| one.used);
    Ok(kept)
}

/// Notes that a file is used now. One that was noted shortly before stays the file that it was.
pub fn touch(path: &Path) {
    let used = fs::metadata(path).and_then(|there| there.modified());
    let age = used.ok().and_then(|used| used.elapsed().ok());
    if age.is_some_and(|age| age < RECENT) {
        return;
    }
    // In a cache that cannot be written nothing is removed either.
    let _ = File::options()
        .append(true)
        // A pipe in its place would wait for a reader.
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(path)
        .and_then(|file| file.set_modified(SystemTime::now()));
}

/// Returns the files beyond the bounds, the least used first.
pub fn spare(
    cache: &Cache,
    limit_bytes: u64,
    limit_age: Duration,
) -> Result<Vec<CachedFile>, CacheError> {
    let kept = kept(cache)?;
    let now = SystemTime::now();
    let mut bytes: u64 = kept.iter().map(|one| one.bytes).sum();
    let is_spare = |one: &CachedFile| {
        let age = now.duration_since(one.used).unwrap_or_default();
        let is_beyond = bytes > limit_bytes || age > limit_age || is_unfinished(&one.path);
        let is_spare = is_beyond && age > IN_USE;
        if is_spare {
            bytes -= one.bytes;
        }
        is_spare
    };
    Ok(kept.into_iter().filter(is_spare).collect())
}

/// Removes one of those, unless it was used since, and returns how many bytes that freed.
pub fn remove(one: &CachedFile) -> Result<u64, CacheError> {
    let used = fs::metadata(&one.path).and_then(|there| there.modified());
    if used.ok() != Some(one.used) {
        return Ok(0);
    }
    match fs::remove_file(&one.path) {
        // Another process tidies at the same time.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        done => done.map_err(failed_io("remove", &one.path))?,
    }
    // Answers about a state are of no use without it, and neither is its hash.
    for end in ["answers", "sha256"] {
        let _ = fs::remove_file(one.path.with_extension(end));
    }
    // A folder goes when it is empty.
    if let Some(folder) = one.path.parent() {
        let _ = fs::remove_dir(folder);
    }
    Ok(one.bytes)
}

/// Keeps a cache within the usual bounds.
pub fn tidy(cache: &Cache) -> Result<(), CacheError> {
    for one in spare(cache, LIMIT_BYTES, LIMIT_AGE)? {
        remove(&one)?;
    }
    Ok(())
}

/// True for a file of a process that was killed while it wrote it.
fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(UNFINISHED))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(files: &[(&str, usize, u64)]) -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::below(folder.path());
        for (name, bytes, hours) in files {
            let path = cache.folder().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, vec![0; *bytes]).unwrap();
            let used = SystemTime::now() - Duration::from_secs(hours * 3600);
            let file = File::options().append(true).open(&path).unwrap();
            file.set_modified(used).unwrap();
        }
        (folder, cache)
    }

    /// Removes what is beyond the bounds, and returns the names.
    fn removed(cache: &Cache, limit_bytes: u64, limit_age: Duration) -> Vec<String> {
        let spare = spare(cache, limit_bytes, limit_age).unwrap();
        for one in &spare {
            assert_eq!(remove(one).unwrap(), one.bytes);
            assert!(!one.path.exists());
        }
        let names = spare.iter().map(|one| one.path.file_name().unwrap());
        names.map(|name| name.display().to_string()).collect()
    }

    fn tidied(files: &[(&str, usize, u64)], limit_bytes: u64, days: u64) -> Vec<String> {
        let (_folder, cache) = cache(files);
        removed(&cache, limit_bytes, Duration::from_secs(days * 24 * 3600))
    }

    #[test]
    fn the_least_used_go_until_the_rest_fits() {
        let files = [
            ("states/a.base", 40, 5),
            ("initramfs/b.cpio", 40, 9),
            ("states/c.base", 40, 2),
            ("states/c.lock", 40, 99),
        ];
        assert_eq!(tidied(&files, 120, 30), [""; 0]);
        assert_eq!(tidied(&files, 100, 30), ["b.cpio"]);
        assert_eq!(tidied(&files, 50, 30), ["b.cpio", "a.base"]);
    }

    #[test]
    fn what_nobody_used_for_long_goes_and_what_is_in_use_stays() {
        let files = [("states/old.base", 1, 50), ("states/new.base", 99, 0)];
        assert_eq!(tidied(&files, 10, 2), ["old.base"]);
    }

    #[test]
    fn all_that_guests_and_lessons_leave_is_counted_and_goes() {
        let files = [
            ("states/a.base", 9, 3),
            ("states/a.answers", 9, 9),
            ("guest/1/tutor", 1, 8),
            ("guest/1/tutor-agent", 1, 7),
            ("checkpoints/hello/load-5.guest", 1, 6),
            ("checkpoints/hello/load.moment", 1, 5),
            ("checkpoints/hello/0.made", 1, 4),
        ];
        let (_folder, cache) = cache(&files);
        let of_lessons = kept(&cache).unwrap();
        let of_lessons = of_lessons
            .iter()
            .filter(|one| one.purpose == CachePurpose::Checkpoint);
        assert_eq!(of_lessons.count(), 3);
        removed(&cache, 10, LIMIT_AGE);
        let left = |name: &str| cache.folder().join(name).exists();
        assert!(!left("guest/1") && left("checkpoints/hello"));
        removed(&cache, 0, LIMIT_AGE);
        assert!(!left("checkpoints/hello") && !left("states"));
    }

    #[test]
    fn what_was_never_finished_goes_however_little_it_is() {
        let files = [
            ("states/.tutor-writing-x", 1, 2),
            ("checkpoints/hello/.tutor-writing-y", 1, 2),
            ("checkpoints/hello/.tutor-writing-z", 1, 0),
        ];
        assert_eq!(
            tidied(&files, 100, 30),
            [".tutor-writing-x", ".tutor-writing-y"]
        );
    }

    #[test]
    fn what_is_used_after_it_was_found_spare_stays() {
        let (_folder, cache) = cache(&[("states/a.base", 1, 5)]);
        let spare = spare(&cache, 0, LIMIT_AGE).unwrap();
        touch(&spare[0].path);
        assert_eq!(remove(&spare[0]).unwrap(), 0);
        assert!(spare[0].path.exists());
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let (_folder, cache) = cache(&[("states", 1, 0)]);
        let error = kept(&cache).unwrap_err().to_string();
        let states = cache.folder().join("states").display().to_string();
        assert!(
            error.starts_with(&format!("cannot read the folder `{states}`: ")),
            "{error}"
        );
    }

    #[test]
    fn a_file_that_is_touched_is_the_one_used_last() {
        let (_folder, cache) = cache(&[("states/a.base", 1, 5), ("states/b.base", 1, 2)]);
        touch(&cache.folder().join("states/a.base"));
        let last = kept(&cache).unwrap().pop().unwrap();
        assert!(last.path.ends_with("a.base"));
    }
}
