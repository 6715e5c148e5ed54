//! What no agent of ours would say.

use super::*;

cases! {
    fn frames_that_are_none_are_refused() {
        let nested = [b"[".repeat(1_000_000), b"]".repeat(1_000_000)].concat();
        let deep = [b"{\"Failed\":{\"what\":".to_vec(), nested.clone()].concat();
        let long = vec![b'x'; 3 << 20];
        let frames: [&[u8]; 7] = [
            b"\xff\xff\xff\xff\0",
            b"\0\0\0\0\x09",
            b"\x02\0\0\0\x01xx",
            &framed(0, &nested),
            &framed(0, &deep),
            &framed(0, b"{\"Ended\": 1}"),
            &framed(0, &long),
        ];
        for frame in frames {
            let error = heard(|guest| { guest.send(frame); });
            assert!(error.starts_with(BROKE), "{error}");
        }
    }

    fn what_nobody_asked_for_is_refused() {
        let (id, status) = (5, Status::Exited(0));
        let replies = [
            Reply::Hello { version: 3 },
            Reply::Started { held: Held::default() },
            Reply::Finished { leftovers: Vec::new() },
            Reply::Ended { id, status, shell: ShellFate::Kept, on_request: false },
            Reply::Guest(GuestReply::Done { id, error: None }),
            Reply::Guest(GuestReply::Listed { id, entries: Vec::new(), more: false }),
            Reply::Guest(GuestReply::TerminalEnded { id, status }),
        ];
        for reply in replies {
            let error = heard(|guest| { guest.say(reply); });
            assert!(error.starts_with(&format!("{BROKE}it ")), "{error}");
        }
        let error = heard(|guest| { guest.send(&data(9, b"x")); });
        assert_eq!(error, format!("{BROKE}it sent bytes of a file that was not asked for"));
    }

    fn a_text_that_is_longer_than_any_is_refused() {
        let what = "\u{1b}]0;x\u{7}".repeat(10_000);
        let error = heard(|guest| { guest.say(Reply::Failed { what }); });
        assert_eq!(error, format!("{BROKE}it sent a text of 60000 bytes, and 1003 is the most"));
    }

    fn an_end_that_no_process_has_is_refused() {
        let status = Status::Signaled(i32::MAX);
        let error = meet(
            |guest| {
                guest.asked();
                guest.say(Reply::Ended { id: 1, status, shell: ShellFate::Kept, on_request: false });
            },
            |machine| {
                let (script, mode) = ("x".to_owned(), Mode::Step);
                machine.send(&Request::Run { id: 1, script, mode }).unwrap();
                machine.next(PATIENCE).unwrap_err().to_string()
            },
        );
        assert!(error.starts_with(&format!("{BROKE}it told of an end that no process has")), "{error}");
    }

    fn a_machine_that_broke_the_protocol_is_ended() {
        let errors = meet(
            |guest| {
                guest.send(b"\0\0\0\0\x09");
                let end = guest.channel.read(&mut [0; 10]);
                assert!(matches!(end, Ok(0)), "{end:?}");
            },
            |machine| {
                let first = machine.next(PATIENCE).unwrap_err();
                let then = machine.send(&Request::Finish { grace_ms: 0 }).unwrap_err();
                [first, then]
            },
        );
        let [first, then] = errors;
        assert!(matches!(first, MachineError::Broke { .. }), "{first:?}");
        assert!(matches!(then, MachineError::Ended { .. }), "{then:?}");
    }
}
