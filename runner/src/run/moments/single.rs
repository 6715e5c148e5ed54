//! Single steps: each runs in the state from before it, and what other steps made is there again
//! afterwards.

use crate::event::Event;
use crate::lesson::Step;
use crate::run::{Listen, Runner};
use crate::workspace::{ArtifactCache, Artifacts, WorkspaceError};

/// What single steps are to leave as it was.
pub(super) struct Others {
    /// What steps had made before.
    later: Artifacts<Vec<u8>>,
    /// What was there when the single ones began.
    first: Artifacts<Vec<u8>>,
}

impl<'r> Runner<'r> {
    /// Takes all back to the moment before a step that does not follow the last one. If that cannot
    /// be, it runs with what is there. Nothing to do where no moments are kept.
    pub(in crate::run) fn prepare_single(
        &mut self,
        step: &Step,
        listen: Listen<'_, 'r>,
    ) -> Result<(), WorkspaceError> {
        let index = self.index_of(step);
        let follows = self.standing.last.map(|last| last + 1) == index;
        if self.standing.kept.is_none() || follows {
            return Ok(());
        }
        self.look();
        self.put_again()?;
        // What could not be put there again is not taken away.
        let Some(later) = self.made() else {
            self.tell(&Event::TakenBack { step, taken: None }, listen);
            return Ok(());
        };
        let is_empty = later.files.is_empty() && later.home.is_empty();
        let taken = self.rewind(step)?;
        let first = self.made().unwrap_or_default();
        self.standing.others = Some(Others { later, first });
        if taken.is_none() {
            // It may have come as far as the files.
            self.put_again()?;
        }
        if index != Some(0) || !is_empty {
            self.tell(&Event::TakenBack { step, taken }, listen);
        }
        Ok(())
    }

    /// Puts there again what was taken away for single steps, but for what they made anew.
    pub(in crate::run) fn put_again(&mut self) -> Result<(), WorkspaceError> {
        let Some(others) = self.standing.others.take() else {
            return Ok(());
        };
        self.stands_nowhere();
        self.workspace.put_again(&others.later, &others.first)
    }

    fn made(&self) -> Option<Artifacts<Vec<u8>>> {
        let all = &mut |content: &[u8]| Some(content.to_vec());
        let kept = self.workspace.works(&ArtifactCache::default(), all)?;
        Some(kept.works)
    }
}
