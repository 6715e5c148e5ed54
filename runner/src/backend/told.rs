//! Translates what an agent says into the words of a [`Session`](super::Session).

use super::{BackendError, Happening};
use tutor_agent::protocol::{Incoming, LeftoverProcess, Reply};

/// Returns what an agent told, or nothing where it is no news for a session.
pub fn happening(incoming: Incoming) -> Result<Option<Happening>, BackendError> {
    Ok(match incoming {
        Incoming::Output { id, stream, bytes } => Some(Happening::Output { id, stream, bytes }),
        Incoming::Reply(Reply::Ended {
            id,
            status,
            shell,
            on_request,
        }) => Some(Happening::Ended {
            id,
            status,
            shell,
            on_request,
        }),
        Incoming::Reply(Reply::Finished { leftovers }) => {
            let named = |left: LeftoverProcess| (left.run_id, left.command);
            let leftovers = leftovers.into_iter().map(named).collect();
            Some(Happening::Finished { leftovers })
        }
        Incoming::Reply(Reply::Failed { what }) => return Err(BackendError::Failed(what)),
        Incoming::Reply(Reply::Unconfined { why }) => return Err(BackendError::Unconfined(why)),
        Incoming::HungUp => return Err(BackendError::Gone),
        Incoming::Data { .. }
        | Incoming::Reply(Reply::Hello { .. } | Reply::Started { .. } | Reply::Guest(_)) => None,
    })
}
