//! interim
use crate::ctx::Ctx;
use crate::error::Error;
use clap::Args;
/// interim
#[derive(Debug, Args)]
pub(crate) struct Configure {}
pub(super) fn run(_ctx: &Ctx, _args: &Configure) -> Result<(), Error> {
    Err(Error::failed("not built"))
}
