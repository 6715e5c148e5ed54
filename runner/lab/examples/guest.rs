//! `guest AGENT VMLINUX INITRAMFS STATES COMMAND`: runs a command in a guest and says how long each
//! part took.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tutor_agent::client::Incoming;
use tutor_agent::protocol::{Mode, Reply, Request};
use tutor_lab::guests::{Guests, Tell};
use tutor_lab::image::Image;
use tutor_lab::machine::Launcher;
use tutor_lab::qemu::Qemu;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [agent, vmlinux, initramfs, states, command] = words.as_slice() else {
        return Err("guest AGENT VMLINUX INITRAMFS STATES COMMAND".into());
    };
    let launcher = Launcher {
        program: agent.into(),
        arguments: vec!["guarded".into()],
    };
    let image = Image {
        vmlinux: vmlinux.into(),
        initramfs: initramfs.into(),
        kernel: vmlinux.clone(),
        id: vmlinux.clone(),
    };
    let states = Path::new(states);
    let began = Instant::now();
    let guests = Guests::new(Qemu::find(states)?, launcher, image, states);
    let tell: Tell = Arc::new(|progress| eprintln!("{progress:?}"));
    let mut machine = guests.guest(&tell)?;
    eprintln!("ready after {:?}", began.elapsed());
    machine.send(&Request::Start {
        cwd: "/".into(),
        env: vec![(
            "PATH".into(),
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into(),
        )],
        isolate: false,
        confine: None,
        limits: None,
    })?;
    machine.send(&Request::Run {
        id: 1,
        script: command.clone(),
        mode: Mode::Step,
        when: Default::default(),
    })?;
    loop {
        match machine.next(Duration::from_secs(60))? {
            Some(Incoming::Output { bytes, .. }) => print!("{}", String::from_utf8_lossy(&bytes)),
            Some(Incoming::Reply(Reply::Ended { status, .. })) => {
                eprintln!("{status:?} after {:?}", began.elapsed());
                return Ok(());
            }
            Some(other) => eprintln!("{other:?}"),
            None => return Err("nothing came".into()),
        }
    }
}
