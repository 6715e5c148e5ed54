//! The release of a kernel, as `uname -r` says it.

use std::cmp::Ordering;

/// Returns the minor series of a release: its first two numbers.
pub fn series(release: &str) -> &str {
    let is_number = |c: char| c.is_ascii_digit();
    let Some(dot) = release.find('.') else {
        return release;
    };
    let minor = &release[dot + 1..];
    let end = minor.find(|c| !is_number(c)).unwrap_or(minor.len());
    &release[..dot + 1 + end]
}

/// Compares releases as versions: runs of digits by their value.
pub fn by_release(a: &str, b: &str) -> Ordering {
    fn parts(text: &str) -> Vec<(String, u64)> {
        let mut parts = vec![(String::new(), 0_u64)];
        let mut was_digit = false;
        for c in text.chars() {
            if was_digit && !c.is_ascii_digit() {
                parts.push((String::new(), 0));
            }
            let (word, number) = parts.last_mut().expect("it begins with one");
            match c.to_digit(10) {
                Some(digit) => *number = number.saturating_mul(10).saturating_add(digit.into()),
                None => word.push(c),
            }
            was_digit = c.is_ascii_digit();
        }
        parts
    }
    parts(a).cmp(&parts(b))
}
