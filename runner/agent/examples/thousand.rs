//! Times a thousand trivial runs: `cargo run --release -p tutor-agent --example thousand`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use tutor_agent::client::Client;
use tutor_agent::protocol::{Incoming, Mode, Reply, Request};

fn main() -> std::io::Result<()> {
    let program = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "target/release/tutor-agent".to_owned());
    let mut client = Client::spawn(Path::new(&program), &[])?;
    let env = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
    client.send(&Request::Start {
        cwd: PathBuf::from("/tmp"),
        env,
        isolate: false,
        confine: None,
        limits: None,
    })?;
    let began = Instant::now();
    for id in 1..=1000 {
        client.send(&Request::Run {
            id,
            script: format!("echo hi {id}"),
            mode: Mode::Step,
        })?;
        while !matches!(
            client.recv(None)?,
            Some(Incoming::Reply(Reply::Ended { .. }))
        ) {}
    }
    println!("1000 runs: {:?}", began.elapsed());
    Ok(())
}
