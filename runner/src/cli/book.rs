//! `tutor book`.

use super::arguments::BookArguments;
use super::context::Context;
use crate::exit::Exit;

pub fn book(_context: &Context, _arguments: &BookArguments) -> anyhow::Result<Exit> {
    anyhow::bail!("to come")
}
