//! interim
use crate::ctx::Ctx;
use crate::error::Error;
use clap::Args;
/// interim
#[derive(Debug, Args)]
pub(crate) struct EcrLogin {}
pub(super) fn run(_ctx: &Ctx, _args: &EcrLogin) -> Result<(), Error> {
    Err(Error::failed("not built"))
}
