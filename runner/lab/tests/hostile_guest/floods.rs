//! More than was said, more than may be kept, or nothing at all.

use super::*;

cases! {
    fn a_file_that_is_said_to_have_a_byte_brings_no_more() {
        let home = Home::new();
        let entries = [file("own", 13), file("small", 1)];
        let error = shared_with(&home, |guest| {
            guest.obey_but(&entries, |guest, id, path| {
                if path.ends_with("own") {
                    let _ = guest.send(&data(id, b"the learner's")) && guest.done(id);
                    return;
                }
                let frame = data(id, &[7; CHUNK_BYTES]);
                let mut sent = 0;
                while sent < 1_500_000_000 && guest.send(&frame) {
                    sent += frame.len();
                }
                guest.done(id);
            });
        })
        .unwrap_err();
        assert_eq!(error, format!("{BROKE}it sent more of a file than was wanted"));
        assert_eq!(home.shared(), ["own"]);
    }

    fn a_file_as_large_as_a_folder_may_be_is_not_held_in_memory() {
        let home = Home::new();
        let large = 90_000_000;
        let entries = [file("own", 13), file("large", large)];
        shared_with(&home, |guest| {
            guest.obey_but(&entries, |guest, id, path| {
                if path.ends_with("own") {
                    let _ = guest.send(&data(id, b"the learner's")) && guest.done(id);
                    return;
                }
                let mut left = large as usize;
                while left > 0 {
                    let some = left.min(CHUNK_BYTES);
                    guest.send(&data(id, &vec![7; some]));
                    left -= some;
                }
                guest.done(id);
            });
        })
        .unwrap();
        assert_eq!(home.shared(), ["large", "own"]);
        assert_eq!(fs::metadata(home.at("shared/large")).unwrap().len(), large);
    }

    fn what_is_printed_while_a_listing_is_awaited_is_kept_within_bounds() {
        let home = Home::new();
        let (mut kept, mut last) = (0, Vec::new());
        let listed = meet(
            |guest| {
                guest.obey_listing(|guest, id| {
                    guest.flood();
                    guest.listed(id, &[file("own", 5)], false);
                });
            },
            |machine| {
                machine.be_patient_for(Duration::from_secs(60));
                let id = machine.next_id();
                let folder = home.at("shared");
                machine.request(&GuestRequest::List { id, folder }).unwrap();
                let listed = machine.answer(id, "list files", &mut |_| ()).unwrap();
                while let Some(Incoming::Output { bytes, .. }) =
                    machine.next(Duration::ZERO).unwrap()
                {
                    kept += bytes.len();
                    last = bytes;
                }
                listed
            },
        );
        assert_eq!(listed.len(), 1);
        assert!(kept < 5_000_000, "{kept}");
        let last = String::from_utf8_lossy(&last);
        assert!(last.ends_with("bytes left out …\n"), "{last}");
    }

    fn a_guest_that_prints_and_never_answers_is_given_up() {
        let home = Home::new();
        let error = shared_with(&home, |guest| {
            let frame = output(1, Stream::Stdout, &[b'x'; 65536]);
            while guest.send(&frame) {}
        })
        .unwrap_err();
        assert!(error.starts_with("the guest did not answer within 2 seconds"), "{error}");
    }

    fn a_guest_that_says_nothing_is_given_up() {
        let home = Home::new();
        let error = shared_with(&home, |guest| while guest.asked().is_some() {}).unwrap_err();
        assert!(error.starts_with("the guest did not answer within 2 seconds"), "{error}");
    }

    fn a_guest_that_takes_nothing_is_given_up() {
        let home = Home::new();
        fs::write(home.at("shared/large"), vec![7; 3_000_000]).unwrap();
        let mut home = home;
        home.before = there(home.folder.path());
        let error = shared_with(&home, |guest| {
            // By this it hears that nobody is there any more.
            while guest.send(&output(1, Stream::Stdout, b"x")) {
                thread::sleep(Duration::from_millis(5));
            }
        })
        .unwrap_err();
        assert!(error.starts_with("cannot talk to the guest: "), "{error}");
    }

    fn what_is_printed_while_files_are_sent_is_kept_within_bounds() {
        let home = Home::new();
        fs::write(home.at("shared/large"), vec![7; 3_000_000]).unwrap();
        meet(
            |guest| {
                guest.flood();
                guest.obey(&[file("own", 13), file("large", 3_000_000)], b"");
            },
            |machine| {
                machine.be_patient_for(Duration::from_secs(60));
                Shared::new(&home.at("shared")).push(machine).unwrap();
            },
        );
    }

    fn a_listing_without_end_is_refused() {
        let home = Home::new();
        let error = shared_with(&home, |guest| {
            guest.obey_listing(|guest, id| {
                for number in 0.. {
                    let some = (0..32).map(|at| file(&format!("{number}-{at}"), 0));
                    if !guest.listed(id, &some.collect::<Vec<_>>(), true) {
                        break;
                    }
                }
            });
        })
        .unwrap_err();
        let what = format!("{BROKE}it listed more than {LISTED_PATHS} paths");
        assert!(error.starts_with(&what), "{error}");
        assert_eq!(home.shared(), ["own"]);
    }

    fn a_listing_of_nothing_without_end_is_refused() {
        let home = Home::new();
        let error = shared_with(&home, |guest| {
            guest.obey_listing(|guest, id| while guest.listed(id, &[], true) {});
        })
        .unwrap_err();
        assert_eq!(error, format!("{BROKE}it listed nothing, and more to come"));
    }

    fn long_names_count() {
        let home = Home::new();
        let error = shared_with(&home, |guest| {
            guest.obey_listing(|guest, id| {
                let long = "x/".repeat(4_000);
                while guest.listed(id, &[file(&long, 0)], true) {}
            });
        })
        .unwrap_err();
        assert!(error.starts_with(BROKE), "{error}");
        assert_eq!(home.shared(), ["own"]);
    }

    fn as_many_paths_as_a_listing_may_have_stay_within_bounds() {
        let home = Home::new();
        let long = "x".repeat(180);
        let entries = (0..LISTED_PATHS - 1)
            .map(|number| link(&format!("{number}{long}"), Path::new("y")));
        let entries: Vec<Entry> = [file("own", 13)].into_iter().chain(entries).collect();
        shared_with(&home, |guest| guest.obey(&entries, b"the learner's")).unwrap();
        assert_eq!(home.shared().len(), LISTED_PATHS);
    }

    fn sizes_whose_sum_is_more_than_a_number_holds_are_too_much() {
        let home = Home::new();
        let entries = [file("own", u64::MAX), file("b", 14)];
        let error = shared_with(&home, |guest| guest.obey(&entries, b"x")).unwrap_err();
        assert!(error.contains("MB, and the lab takes"), "{error}");
        assert_eq!(home.shared(), ["own"]);
    }
}
