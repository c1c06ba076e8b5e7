//! interim
use crate::cli;
use crate::ctx::Ctx;
use crate::error::Error;
pub(super) fn run(_ctx: &Ctx, _args: cli::JobExample) -> Result<(), Error> {
    Err(Error::failed("not built"))
}
