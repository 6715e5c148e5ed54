//! What an agent says, in the words of a [`Session`](super::Session).

use super::{BackendError, Happening, Status};
use crate::event::Stream;
use crate::transcript::ShellFate;
use tutor_agent::client::Incoming;
use tutor_agent::protocol::{self, Leftover, Reply, Shell};

/// Returns what an agent told, or nothing where it is no news for a session.
pub fn happening(incoming: Incoming) -> Result<Option<Happening>, BackendError> {
    Ok(match incoming {
        Incoming::Output { id, stream, bytes } => {
            let stream = match stream {
                protocol::Stream::Stdout => Stream::Stdout,
                protocol::Stream::Stderr => Stream::Stderr,
            };
            Some(Happening::Output { id, stream, bytes })
        }
        Incoming::Reply(Reply::Ended {
            id,
            status,
            shell,
            on_request,
        }) => {
            let status = match status {
                protocol::Status::Exited(code) => Status::Exited(code),
                protocol::Status::Signaled(signal) => Status::Signaled(signal),
            };
            let shell = match shell {
                Shell::Kept => ShellFate::Kept,
                Shell::Lost => ShellFate::Lost,
                Shell::New => ShellFate::New,
            };
            Some(Happening::Ended {
                id,
                status,
                shell,
                on_request,
            })
        }
        Incoming::Reply(Reply::Finished { leftovers }) => {
            let named = |left: Leftover| (left.run_id, left.command);
            let leftovers = leftovers.into_iter().map(named).collect();
            Some(Happening::Finished { leftovers })
        }
        Incoming::Reply(Reply::Failed { what }) => return Err(BackendError::Failed(what)),
        Incoming::Reply(Reply::Unconfined { why }) => return Err(BackendError::Unconfined(why)),
        Incoming::HungUp => return Err(BackendError::Gone),
        Incoming::Data { .. }
        | Incoming::Reply(
            Reply::Hello { .. } | Reply::Started { .. } | Reply::Leftovers { .. } | Reply::Guest(_),
        ) => None,
    })
}
