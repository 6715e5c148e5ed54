//! Turns what a step printed into text that is the same on every run.
//!
//! Each mask replaces one kind of thing that changes from run to run by a fixed token. Only this
//! module makes a [`StableText`] from bytes. Comparing is left to [`crate::report`].

mod course_mask;
mod folder;
mod helper_offset;
mod kernel_address;
mod mask;
mod object_id;
mod padding;
mod pid;
mod shell_line;
mod source_line;
mod stable_text;
mod tag;
mod time;
mod trace_line;

pub use stable_text::{Sections, StableText, StreamText};

use folder::Folder;
use mask::Mask;
use padding::MOST_ROUNDS;

use crate::course::CourseMask;
use crate::diagnostic::nearest;
use crate::transcript::{Capture, Output};
use crate::visible::exact;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The masks that every step gets. Those of its folders are two more.
const ALWAYS: [Mask; 3] = [kernel_address::MASK, helper_offset::MASK, shell_line::MASK];

/// The masks that a step can ask for, in the order in which they are applied: a trace line's
/// prefix holds a process id and a time, so it goes before those.
const BY_NAME: [Mask; 9] = [
    trace_line::MASK,
    object_id::PROG_ID,
    object_id::MAP_ID,
    object_id::BTF_ID,
    object_id::LINK_ID,
    tag::MASK,
    pid::MASK,
    time::MASK,
    source_line::MASK,
];

/// The names that `mask=` knows, in alphabetical order.
pub fn mask_names() -> Vec<&'static str> {
    let mut names: Vec<_> = BY_NAME.iter().map(|mask| mask.name).collect();
    names.extend(ALWAYS.iter().map(|mask| mask.name));
    names.extend(folder::NAMES);
    names.sort_unstable();
    names
}

/// A name in `mask=` that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown mask `{name}`")]
pub struct UnknownMask {
    /// The name as written.
    pub name: String,
    /// The known name that is nearest, if any is near.
    pub suggestion: Option<&'static str>,
}

/// The folders of a run, as its steps see them. An empty path is none.
#[derive(Clone, Debug, Default)]
pub struct StepFolders {
    /// The one that they run in.
    pub workspace: PathBuf,
    /// Their home.
    pub home: PathBuf,
}

/// The masks of one step.
pub struct Masks {
    folders: [Folder; 2],
    masks: Vec<Mask>,
    of_course: Vec<CourseMask>,
}

impl Masks {
    /// The masks of these names, and those that always are.
    pub fn of(names: &[String], folders: &StepFolders) -> Result<Masks, UnknownMask> {
        Masks::with(names, folders, &BTreeMap::new())
    }

    /// The same in a course that declares these masks of its own.
    pub fn with(
        names: &[String],
        folders: &StepFolders,
        declared: &BTreeMap<String, CourseMask>,
    ) -> Result<Masks, UnknownMask> {
        let mut of_course = Vec::new();
        for name in names {
            match declared.get(name) {
                Some(mask) => of_course.push(mask.clone()),
                None => check_name(name)?,
            }
        }
        let asked = |mask: &Mask| names.iter().any(|name| name == mask.name);
        let masks = ALWAYS.into_iter().chain(BY_NAME.into_iter().filter(asked));
        let mut folders = [
            Folder::workspace(&folders.workspace),
            Folder::home(&folders.home),
        ];
        folders.sort_by_key(|folder| Reverse(folder.length()));
        Ok(Masks {
            folders,
            masks: masks.collect(),
            of_course,
        })
    }

    /// The output, made safe to show and the same on every run.
    pub fn stabilize(&self, output: &Output) -> StableText {
        StableText::of(&self.section(&output.stdout), &self.section(&output.stderr))
    }

    fn section(&self, capture: &Capture) -> String {
        if capture.is_empty() {
            return String::new();
        }
        self.apply(exact(&capture.bytes()))
    }

    /// Until nothing changes: what one mask leaves can be what another looks for.
    fn apply(&self, text: String) -> String {
        let mut text = text;
        for _ in 0..MOST_ROUNDS {
            match self.once(&text) {
                Some(masked) => text = masked,
                None => break,
            }
        }
        text
    }

    fn once(&self, text: &str) -> Option<String> {
        let mut changed: Option<String> = None;
        for folder in &self.folders {
            if let Cow::Owned(masked) = folder.apply(changed.as_deref().unwrap_or(text)) {
                changed = Some(masked);
            }
        }
        for mask in &self.masks {
            if let Cow::Owned(masked) = (mask.apply)(changed.as_deref().unwrap_or(text)) {
                changed = Some(masked);
            }
        }
        for mask in &self.of_course {
            let text = changed.as_deref().unwrap_or(text);
            if let Cow::Owned(masked) = course_mask::apply(mask, text) {
                changed = Some(masked);
            }
        }
        changed.filter(|masked| masked != text)
    }
}

fn check_name(name: &str) -> Result<(), UnknownMask> {
    let known = mask_names();
    if known.contains(&name) {
        return Ok(());
    }
    Err(UnknownMask {
        name: name.to_owned(),
        suggestion: nearest(name, known),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use proptest::prelude::*;
    use std::path::Path;

    /// The text that a mask leaves, checked to be the same when it is applied once more.
    pub(super) fn masked(mask: &Mask, text: &str) -> String {
        masked_by(&mask.apply, text)
    }

    pub(super) fn masked_by(apply: &dyn for<'t> Fn(&'t str) -> Cow<'t, str>, text: &str) -> String {
        let once = apply(text).into_owned();
        assert_eq!(apply(&once), once, "it is not idempotent");
        once
    }

    fn folders() -> StepFolders {
        StepFolders {
            workspace: "/tmp/w".into(),
            home: "/tmp/h".into(),
        }
    }

    fn stabilized(masks: &str, stdout: &[u8], stderr: &[u8]) -> String {
        let names: Vec<String> = masks.split_terminator(',').map(str::to_owned).collect();
        let output = Output {
            stdout: Capture::from(stdout),
            stderr: Capture::from(stderr),
        };
        let masks = Masks::of(&names, &folders()).expect("these masks exist");
        masks.stabilize(&output).as_str().to_owned()
    }

    #[test]
    fn the_three_that_always_apply_need_no_name() {
        assert_snapshot!(stabilized("", b"/tmp/w/a.c ffffffff814bd860 call bpf_x#-61360 117: kprobe\n", b""),
            @"[WORKSPACE]/a.c [ADDR] call bpf_x#[OFFSET] 117: kprobe");
    }

    #[test]
    fn each_folder_has_a_name_of_its_own_also_inside_of_the_other() {
        assert_snapshot!(stabilized("", b"/tmp/h/.config /tmp/w /tmp/home\n", b""), @"[HOME]/.config [WORKSPACE] /tmp/home");
        for (workspace, home, shown) in [
            ("/a", "/a/h", "[WORKSPACE]/x [HOME]/x"),
            ("/a/h/w", "/a", "[HOME]/x [HOME]/h/x"),
        ] {
            let folders = StepFolders {
                workspace: workspace.into(),
                home: home.into(),
            };
            let masks = Masks::of(&[], &folders).expect("no mask is asked for");
            assert_eq!(masks.apply("/a/x /a/h/x".to_owned()), shown);
        }
    }

    #[test]
    fn a_program_listing_is_the_same_on_every_run() {
        let listing = b"117: kprobe  name bpf_prog  tag 810f503614361878  gpl\n\
            \tloaded_at 2026-11-23T03:51:31+0000  uid 0\n\
            \txlated 104B  jited 75B  memlock 4096B  map_ids 36,37\n\tbtf_id 22\n";
        assert_snapshot!(stabilized("prog-id,map-id,btf-id,tag,time", listing, b""), @r"
        [ID]: kprobe  name bpf_prog  tag [TAG] gpl
        	loaded_at [TIME] uid 0
        	xlated 104B  jited 75B  memlock 4096B  map_ids [ID],[ID]
        	btf_id [ID]
        ");
    }

    #[test]
    fn standard_error_is_a_section_of_its_own() {
        assert_snapshot!(stabilized("", b"out\n", b"bash: x: not found\n"), @r"
        out
        --- stderr ---
        bash: x: not found
        ");
    }

    #[test]
    fn an_unknown_mask_is_named_with_the_nearest_known_one() {
        let error = check_name("prog_id").expect_err("no such mask");
        assert_eq!(error.suggestion, Some("prog-id"));
        assert_eq!(error.to_string(), "unknown mask `prog_id`");
        assert_eq!(check_name("something-else").unwrap_err().suggestion, None);
    }

    const PROSE: &[&str] = &[
        "The kernel keeps a list of programs; each has a name, a type and a licence.",
        "A map with 16 entries, a key of 4 bytes and a value of 8 takes 2320 bytes.",
        "r1 = 0x21646c72, r2 = 14, call 6 and opcode 0x85: 85 00 00 00 06 00 00 00.",
        "*(u32 *)(r10 - 0x4) = r1 and r1 = 0x6f77206f6c6c6568 ll in section 3 of 25.",
        "It is version 6.12 of 1.5 GB, see page 117: the id of a person, or a tag on a coat.",
        "装入不是挂接：id 是编号，pid 也是。",
    ];

    type Apply = Box<dyn for<'t> Fn(&'t str) -> Cow<'t, str>>;

    /// Every mask with its name, those of folders too.
    fn every_mask() -> Vec<(&'static str, Apply)> {
        let folders = [
            Folder::workspace(Path::new("/tmp/w")),
            Folder::home(Path::new("/tmp/h")),
        ];
        let folders = folder::NAMES.into_iter().zip(folders);
        let folders = folders.map(|(name, folder)| {
            let apply: Apply = Box::new(move |text| folder.apply(text));
            (name, apply)
        });
        let named = ALWAYS.into_iter().chain(BY_NAME);
        let named = named.map(|mask| (mask.name, Box::new(mask.apply) as Apply));
        folders.chain(named).collect()
    }

    #[test]
    fn every_mask_leaves_ordinary_prose_alone() {
        for (name, apply) in every_mask() {
            for prose in PROSE {
                assert_eq!(apply(prose), *prose, "{name}");
            }
        }
    }

    #[test]
    fn two_outputs_that_look_alike_are_stored_apart() {
        for (one, other) in [
            (&b"\0"[..], "␀"),
            (b"\x1b[1m", "␛[1m"),
            (b"\r", "␍"),
            (b"\x0c", "␌"),
            (b"\x7f", "␡"),
            (b"\xff", r"\xff"),
            ("\u{202e}".as_bytes(), r"\u{202e}"),
            ("\u{85}".as_bytes(), r"\u{85}"),
            (b"\xc2\x85", "\\xc2\\x85"),
            (b"a", "a\n"),
            (b"a \n", "a\n"),
            (b"a\n\n", "a\n"),
            (b"\na\n", "a\n"),
            (b"a\r\n", "a\n"),
            (b"a\t\n", "a →\n"),
            ("\u{feff}a".as_bytes(), "a"),
        ] {
            assert_ne!(
                stabilized("", one, b""),
                stabilized("", other.as_bytes(), b"")
            );
            assert_ne!(
                stabilized("", b"", one),
                stabilized("", b"", other.as_bytes())
            );
        }
    }

    #[test]
    fn accepted_outputs_are_what_the_masks_leave() {
        let masks = Masks::of(&[], &folders()).expect("no mask is asked for");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
        let lessons = std::fs::read_dir(root).expect("there are accepted outputs");
        let files = lessons
            .map(|lesson| lesson.expect("readable").path())
            .filter(|lesson| lesson.is_dir())
            .flat_map(|lesson| std::fs::read_dir(lesson).expect("readable"));
        let mut seen = 0;
        for file in files.map(|file| file.expect("readable").path()) {
            let text = std::fs::read_to_string(&file).expect("text");
            let (_, body) = text.split_once("\n---\n").expect("a snapshot");
            assert_eq!(masks.apply(body.to_owned()), body, "{}", file.display());
            seen += 1;
        }
        assert!(seen > 100, "{seen}");
    }

    /// Pieces of real output, so that random texts often hold what masks look for.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("117: kprobe  name x  tag 810f503614361878"),
            Just("map_ids 36,37"),
            Just("\"id\": 5"),
            Just("map[id:36]"),
            Just("btf_id 22"),
            Just("(85) call bpf_x#-61360"),
            Just("\n       85 00 00 00 50 10 ff ff"),
            Just("ffffffff814bd860"),
            Just("0x7ffd12345678"),
            Just("/tmp/w"),
            Just("/tmp/h"),
            Just("/"),
            Just("2026-11-23T03:51:31+0000"),
            Just("03:51:31"),
            Just("1.5 ms"),
            Just("real\t0m0.003s"),
            Just("<...>-1234    [001] d..31  1234.567890: "),
            Just("pid 1234"),
            Just("pids a(12),b(3)"),
            Just("bpf_prog_810f503614361878_x"),
            Just("#"),
            Just("prog 14"),
            Just("1: tracing  prog 14  "),
            Just("  "),
            Just("\t"),
            Just("\n"),
            Just(":"),
            Just(","),
            Just("-"),
            Just("a"),
            Just("7"),
            Just("12.5"),
            Just("[ID]"),
            Just("[TIME]"),
            Just("世"),
            Just("s"),
            Just("Nov 23 "),
            Just("line 1: 12345 Killed"),
            Just("bash: "),
            Just("main: line 4:"),
            Just(" here-document at line 3"),
            Just("\nreal 0.01"),
            Just("1046 usec"),
            Just("run_time_ns 12"),
            Just(" at 0x7ffd12345678"),
            Just("ip:55d0c0ffee00"),
            Just("\n==42=="),
            Just("\n[1] 4242"),
            Just("r1 = "),
            Just("smin="),
            Just("\nffff888123456789 T "),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn every_mask_applied_twice_is_the_same_as_once(text in text()) {
            for (_, apply) in every_mask() {
                masked_by(&apply, &text);
            }
        }

        #[test]
        fn all_masks_together_are_idempotent_too(text in text()) {
            let mut names: Vec<String> = mask_names().into_iter().map(str::to_owned).collect();
            let declared = [("a-pid", r"pid (\S+)", "[A]"), ("a-time", r"[A-Z]+|\S+ ms", "[B]"), ("a-tag", "tag.*|:7", "[C-D]")];
            let declared = declared.map(|(name, pattern, token)| {
                let pattern = regex::Regex::new(pattern).expect("a pattern");
                (name.to_owned(), CourseMask::new(pattern, token.to_owned()))
            });
            names.extend(declared.iter().map(|(name, _)| name.clone()));
            let masks = Masks::with(&names, &folders(), &declared.into()).expect("all masks exist");
            let once = masks.apply(text);
            prop_assert_eq!(masks.apply(once.clone()), once);
        }
    }
}
