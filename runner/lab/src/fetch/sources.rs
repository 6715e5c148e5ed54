//! Reads where this system's apt gets its packages: sources.list(5), in both formats.
//!
//! `apt-get indextargets` tells neither the keys of a source nor anything of one whose index was never
//! fetched, as in an image of a container. The crate `apt-sources` (0.2) brings bars of progress for a
//! terminal and Unicode's tables for addresses.

use std::fs;
use std::path::{Path, PathBuf};

/// Suites of Debian, by which an archive of Debian is recognized.
const CODENAMES: [&str; 14] = [
    "buster",
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "duke",
    "sid",
    "stable",
    "oldstable",
    "oldoldstable",
    "testing",
    "unstable",
    "experimental",
    "rc-buggy",
];

/// One entry: an archive, and who signs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AptSource {
    /// Where it is: `http:`, `https:`, `mirror+file:`, `file:` …
    pub uri: String,
    /// The suites that are used here.
    pub suites: Vec<String>,
    /// Parts of a suite: `main`.
    pub components: Vec<String>,
    /// The value of `Signed-By`: key files, fingerprints, or a whole key of several lines.
    pub signed_by: Option<String>,
}

impl AptSource {
    /// True for an archive that has a main part of Debian.
    pub fn is_debian(&self) -> bool {
        let is_known = |suite: &String| {
            let name = suite.split(['-', '/']).next().unwrap_or("");
            CODENAMES.contains(&name)
        };
        self.components.iter().any(|part| part == "main") && self.suites.iter().any(is_known)
    }

    /// True where the archive holds security updates, which is one of its own.
    pub fn is_security(&self) -> bool {
        self.suites.iter().any(|suite| suite.ends_with("-security"))
    }
}

/// Returns the entries below this folder, which is `/etc/apt`. Unreadable files are passed over: apt
/// complains of them itself.
pub fn of_system(etc: &Path) -> Vec<AptSource> {
    let mut files = vec![etc.join("sources.list")];
    let entries = fs::read_dir(etc.join("sources.list.d"))
        .into_iter()
        .flatten();
    let mut more: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    more.sort();
    files.extend(more);
    let mut sources = Vec::new();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        match file.extension().and_then(|end| end.to_str()) {
            Some("list") => sources.extend(one_line(&text)),
            Some("sources") => sources.extend(deb822(&text)),
            Some(_) | None => {}
        }
    }
    sources
}

/// Reads lines like `deb [signed-by=FILE] URI SUITE COMPONENT…`.
pub fn one_line(text: &str) -> Vec<AptSource> {
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<AptSource> {
    let line = line.split('#').next()?.trim();
    let mut rest = line.strip_prefix("deb")?.trim_start();
    if !line[3..].starts_with([' ', '\t', '[']) {
        return None;
    }
    let mut signed_by = None;
    if let Some(options) = rest.strip_prefix('[') {
        let (options, after) = options.split_once(']')?;
        let value = |word: &str| word.strip_prefix("signed-by=").map(str::to_owned);
        signed_by = options.split_whitespace().find_map(value);
        rest = after;
    }
    let mut words = rest.split_whitespace().map(str::to_owned);
    let (uri, suite) = (words.next()?, words.next()?);
    Some(AptSource {
        uri,
        suites: vec![suite],
        components: words.collect(),
        // Several are separated by commas in this format, and by blanks in the other.
        signed_by: signed_by.map(|value| value.replace(',', " ")),
    })
}

/// Reads paragraphs of fields.
pub fn deb822(text: &str) -> Vec<AptSource> {
    let mut sources = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    // An empty line ends a paragraph, and so does the end.
    for line in text.lines().chain([""]) {
        if line.trim().is_empty() {
            sources.extend(paragraph(&std::mem::take(&mut fields)));
        } else if line.starts_with('#') {
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    sources
}

fn paragraph(fields: &[(String, String)]) -> Vec<AptSource> {
    let field = |name: &str| {
        let found = fields.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.as_str())
    };
    let words = |name: &str| -> Vec<String> {
        let text = field(name).unwrap_or("");
        text.split_whitespace().map(str::to_owned).collect()
    };
    let is_off = field("enabled").is_some_and(|value| ["no", "false", "0"].contains(&value));
    if is_off || !words("types").iter().any(|kind| kind == "deb") {
        return Vec::new();
    }
    let source = |uri| AptSource {
        uri,
        suites: words("suites"),
        components: words("components"),
        signed_by: field("signed-by").map(str::to_owned),
    };
    words("uris").into_iter().map(source).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sources: &[AptSource]) -> Vec<String> {
        let show = |source: &AptSource| {
            format!(
                "{} {} {} {}",
                source.uri,
                source.suites.join(","),
                source.components.join(","),
                source.signed_by.as_deref().unwrap_or("-")
            )
        };
        sources.iter().map(show).collect()
    }

    #[test]
    fn lines_are_read_with_their_options() {
        let text = "# a comment\n\
            deb http://mirror.test/debian trixie main contrib # behind\n\
            deb [arch=amd64 signed-by=/k/a.gpg,/k/b.gpg] mirror+file:/etc/apt/m.list trixie main\n\
            deb-src http://mirror.test/debian trixie main\n\
            debris\ndeb\n";
        assert_eq!(
            shown(&one_line(text)),
            [
                "http://mirror.test/debian trixie main,contrib -",
                "mirror+file:/etc/apt/m.list trixie main /k/a.gpg /k/b.gpg",
            ]
        );
    }

    #[test]
    fn paragraphs_are_read_with_keys_of_several_lines() {
        let text = "Types: deb deb-src\n# in between\nURIs: http://a.test/d http://b.test/d\n\
            Suites: bookworm bookworm-updates\nComponents: main\nSigned-By:\n -----BEGIN\n .\n AbC\n\n\
            Types: deb\nURIs: http://off.test\nSuites: x\nEnabled: no\n\n\
            Types: deb-src\nURIs: http://src.test\nSuites: x\n";
        let sources = deb822(text);
        assert_eq!(sources.len(), 2);
        assert_eq!(sources[1].uri, "http://b.test/d");
        assert_eq!(sources[0].suites, ["bookworm", "bookworm-updates"]);
        let key = sources[0].signed_by.as_deref();
        assert_eq!(key, Some("\n -----BEGIN\n .\n AbC"));
    }

    #[test]
    fn archives_of_debian_are_told_from_others() {
        let is_debian = |line: &str| one_line(line)[0].is_debian();
        assert!(is_debian(
            "deb http://a.test/debian bookworm-backports main"
        ));
        assert!(is_debian("deb http://a.test/debian sid main"));
        assert!(!is_debian("deb http://a.test/ubuntu noble main"));
        assert!(!is_debian("deb http://a.test/apt cloud-sdk-bookworm main"));
        assert!(!is_debian("deb http://a.test/linux/debian bookworm stable"));
    }
}
