//! interim
use crate::ctx::Ctx;
use crate::error::Error;
use clap::Args;
/// interim
#[derive(Debug, Args)]
pub(crate) struct Exec {}
pub(super) fn run(_ctx: &Ctx, _args: &Exec) -> Result<(), Error> {
    Err(Error::failed("not built"))
}
