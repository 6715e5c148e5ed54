//! Files and folders that cannot be, and what is the learner's.

use super::*;

cases! {
    fn an_honest_guest_brings_what_a_step_made() {
        let home = Home::new();
        let made = [folder("d"), file("d/made", 4), file("own", 13)];
        shared_with(&home, |guest| {
            guest.obey_but(&made, |guest, id, path| {
                let own = path.ends_with("own");
                let content: &[u8] = if own { b"the learner's" } else { b"made" };
                let _ = guest.send(&data(id, content)) && guest.done(id);
            });
        })
        .unwrap();
        assert_eq!(home.shared(), ["d", "d/made", "own"]);
        assert_eq!(fs::read(home.at("shared/d/made")).unwrap(), b"made");
    }

    fn what_the_learner_wrote_meanwhile_stays_and_the_labs_lies_beside() {
        let home = Home::new();
        let write = |name: &str, text: &str| fs::write(home.at("shared").join(name), text).unwrap();
        for folder in ["d", "e", "f"] {
            fs::create_dir(home.at("shared").join(folder)).unwrap();
        }
        for name in ["d/step", "e/gone", "f/step", "edited", "removed", "same"] {
            write(name, "before");
        }
        // A step removes `d` and writes a file there, removes `e`, and edits and writes this and that.
        let entries = [
            file("own", 13),
            file("d", 3),
            folder("f"),
            file("f/step", 3),
            file("f/new", 3),
            file("edited", 3),
            file("same", 3),
            file("new", 3),
            link("link", Path::new("lab")),
        ];
        let conflicts = meet(
            |guest| {
                guest.obey_but(&entries, |guest, id, path| {
                    let own = path.ends_with("own");
                    let content: &[u8] = if own { b"the learner's" } else { b"lab" };
                    let _ = guest.send(&data(id, content)) && guest.done(id);
                });
            },
            |machine| {
                let mut shared = Shared::new(&home.at("shared"));
                shared.push(machine).unwrap();
                let odd = OsStr::from_bytes(b"e/r\xe9sum\xe9");
                for name in ["d/notes.txt", "new", "removed", "edited", "edited.from-lab"] {
                    write(name, "the learner's");
                }
                fs::write(home.at("shared").join(odd), "the learner's").unwrap();
                write("same", "lab");
                symlink("learner", home.at("shared/link")).unwrap();
                fs::remove_dir_all(home.at("shared/f")).unwrap();
                write("f", "a file now");
                shared.pull(machine).unwrap();
                let conflicts = shared.take_conflicts();
                // Nothing is kept twice, or told.
                shared.pull(machine).unwrap();
                assert_eq!(shared.take_conflicts(), []);
                conflicts
            },
        );
        let now = there(&home.at("shared"));
        let text = |name: &str| now.get(Path::new(name)).map(String::as_str);
        for (name, expected) in [
            ("d/notes.txt", Some("the learner's")),
            ("d/step", None),
            ("d.from-lab", Some("lab")),
            ("e/gone", None),
            ("edited", Some("the learner's")),
            ("edited.from-lab", Some("the learner's")),
            ("edited.from-lab-2", Some("lab")),
            ("removed", Some("the learner's")),
            ("same", Some("lab")),
            ("same.from-lab", None),
            ("new", Some("the learner's")),
            ("new.from-lab", Some("lab")),
            ("link", Some("learner")),
            ("link.from-lab", Some("lab")),
            ("f", Some("a file now")),
            ("f.from-lab/new", Some("lab")),
            ("f.from-lab/step", Some("lab")),
        ] {
            assert_eq!(text(name), expected, "{name}");
        }
        let odd = Path::new(OsStr::from_bytes(b"e/r\xe9sum\xe9"));
        assert_eq!(now.get(odd).map(String::as_str), Some("the learner's"));
        let told: BTreeSet<String> = conflicts
            .iter()
            .map(|conflict| match &conflict.of_lab {
                LabVersion::Kept(beside) => {
                    let beside = beside.path().display();
                    format!("{} {beside}", conflict.path.path().display())
                }
                what => format!("{} {what:?}", conflict.path.path().display()),
            })
            .collect();
        let expected = [
            "d d.from-lab",
            "e Removed",
            "edited edited.from-lab-2",
            "f f.from-lab",
            "link link.from-lab",
            "new new.from-lab",
            "removed Removed",
        ];
        assert_eq!(told, expected.map(str::to_owned).into());
    }

    fn names_of_any_bytes_come_back() {
        let home = Home::new();
        // `r\xe9sum\xe9`
        let odd = "\u{0}72e973756de9";
        let entries = [file("own", 13), file(odd, 13)];
        shared_with(&home, |guest| guest.obey(&entries, b"the learner's")).unwrap();
        let name = OsStr::from_bytes(b"r\xe9sum\xe9");
        let read = fs::read(home.at("shared").join(name)).unwrap();
        assert_eq!(read, b"the learner's");
    }

    fn what_nobody_may_enter_there_comes_back_and_is_no_other_then() {
        let home = Home::new();
        let entries = [
            file("own", 13),
            entry("z", &Kind::Folder { mode: 0 }),
            entry("z/f", &Kind::File { mode: 0, bytes: 13 }),
            entry("z/s", &Kind::File { mode: 0o4755, bytes: 13 }),
        ];
        let mut puts = 0;
        let sent = &mut puts;
        meet(
            move |guest| {
                while let Some(request) = guest.asked() {
                    let Request::Guest(request) = request else { continue };
                    match request {
                        GuestRequest::List { id, .. } => drop(guest.listed(id, &entries, false)),
                        GuestRequest::Get { id, .. } => {
                            let _ = guest.send(&data(id, b"the learner's")) && guest.done(id);
                        }
                        GuestRequest::Put { id, .. } => {
                            *sent += 1;
                            guest.done(id);
                        }
                        GuestRequest::Make { id, .. } => drop(guest.done(id)),
                        _ => {}
                    }
                }
            },
            |machine| {
                let mut shared = Shared::new(&home.at("shared"));
                for _ in 0..3 {
                    shared.push(machine).unwrap();
                    shared.pull(machine).unwrap();
                }
            },
        );
        // The file that was there, and nothing that came from the guest.
        assert_eq!(puts, 1);
        let mode = |name: &str| fs::metadata(home.at(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode("shared/z"), 0o700);
        assert_eq!(mode("shared/z/f"), 0o400);
        assert_eq!(mode("shared/z/s"), 0o755);
    }

    fn a_folder_that_was_replaced_is_not_written_to() {
        let mut home = Home::new();
        let entries = [file("own", 13), file("made", 13)];
        let error = meet(
            |guest| guest.obey(&entries, b"the learner's"),
            |machine| {
                let mut shared = Shared::new(&home.at("shared"));
                shared.push(machine).unwrap();
                fs::rename(home.at("shared"), home.at("moved")).unwrap();
                symlink(home.at("Documents"), home.at("shared")).unwrap();
                shared.pull(machine).unwrap_err().to_string()
            },
        );
        assert!(error.contains("is not the folder that it was"), "{error}");
        assert_eq!(there(&home.at("Documents")).len(), 2);
        assert_eq!(there(&home.at("moved")).len(), 1);
        home.before.clear();
    }

    fn a_path_that_leads_out_is_refused() {
        let hexadecimal = "\u{0}2e2e2f78";
        for path in ["../x", "d/../../x", "/x", "..", ".", "", "d/\u{0}", hexadecimal] {
            let home = Home::new();
            let entries = [file("own", 13), folder("d"), file(path, 1)];
            let error = shared_with(&home, |guest| guest.obey(&entries, b"x")).unwrap_err();
            assert!(error.starts_with(BROKE), "{path:?}: {error}");
            assert_eq!(home.shared(), ["own"]);
        }
    }

    fn a_listing_that_contradicts_itself_is_refused_before_anything_is_made() {
        let home = Home::new();
        let out = home.folder.path();
        let lies: [&[Entry]; 4] = [
            &[folder("l"), folder("l/Documents"), link("l", out), file("l/Documents", 1)],
            &[link("l", out), file("l/.bashrc", 1)],
            &[link("l", out), folder("l/Documents"), file("l/Documents/letters", 1)],
            &[file("x", 1), file("x/y", 1)],
        ];
        for lie in lies {
            let entries = [&[folder("first"), file("own", 13)], lie].concat();
            let error = shared_with(&home, |guest| guest.obey(&entries, b"x")).unwrap_err();
            assert!(error.starts_with(&format!("{BROKE}a listing has `")), "{error}");
            assert_eq!(home.shared(), ["own"]);
        }
    }

    fn what_leads_out_in_the_folder_leads_nobody_out() {
        let mut home = Home::new();
        // The learner's own links, and one that a guest makes first.
        symlink(home.at("Documents"), home.at("shared/documents")).unwrap();
        symlink(home.at(".bashrc"), home.at("shared/bashrc")).unwrap();
        home.before = there(home.folder.path());
        let first = [
            file("own", 13),
            link("documents", &home.at("Documents")),
            link("bashrc", &home.at(".bashrc")),
            link("made", home.folder.path()),
        ];
        let second = [
            file("own", 13),
            folder("documents"),
            folder("documents/letters"),
            file("documents/letters/mother", 13),
            file("documents/new", 13),
            file("bashrc", 13),
            folder("made"),
            file("made/.bashrc", 13),
        ];
        meet(
            |guest| {
                guest.obey_in_turn(&[&first, &first, &second], |guest, id, _| {
                    let _ = guest.send(&data(id, b"the learner's")) && guest.done(id);
                });
            },
            |machine| {
                let mut shared = Shared::new(&home.at("shared"));
                for _ in 0..2 {
                    shared.push(machine).unwrap();
                    shared.pull(machine).unwrap();
                }
            },
        );
        // What the guest has now is in the shared folder.
        assert!(!home.at("shared/made").is_symlink());
        for name in ["shared/made/.bashrc", "shared/documents/new", "shared/bashrc"] {
            assert_eq!(fs::read(home.at(name)).unwrap(), b"the learner's");
        }
        for name in ["shared/documents", "shared/bashrc"] {
            home.before.remove(Path::new(name));
        }
        home.is_as_it_was();
    }

    fn a_folder_that_became_a_link_meanwhile_leads_nobody_out() {
        let home = Home::new();
        fs::create_dir(home.at("shared/d")).unwrap();
        fs::write(home.at("shared/d/mother"), "the learner's").unwrap();
        // The guest removes one file and makes another one.
        let entries = [file("own", 13), folder("d"), file("d/new", 13)];
        meet(
            |guest| {
                guest.obey(&entries, b"the learner's");
            },
            |machine| {
                let mut shared = Shared::new(&home.at("shared"));
                shared.push(machine).unwrap();
                fs::remove_dir_all(home.at("shared/d")).unwrap();
                symlink(home.at("Documents/letters"), home.at("shared/d")).unwrap();
                shared.pull(machine).unwrap();
            },
        );
        assert_eq!(there(&home.at("Documents/letters")).len(), 1);
        assert_eq!(fs::read(home.at("Documents/letters/mother")).unwrap(), b"the learner's");
        assert_eq!(home.shared(), ["d", "d.from-lab", "d.from-lab/new", "own"]);
    }

    fn what_cannot_be_made_is_left_out() {
        let home = Home::new();
        let entries = [file("own", 13), entry("pipe", &Kind::Other), file(&"n".repeat(300), 13)];
        shared_with(&home, |guest| guest.obey(&entries, b"the learner's")).unwrap();
        assert_eq!(home.shared(), ["own"]);
    }
}
