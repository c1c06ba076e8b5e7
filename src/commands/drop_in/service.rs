//! interim
use super::Args;
use crate::ctx::Ctx;
use crate::error::Error;

pub(super) fn service(_ctx: &Ctx, _args: &Args) -> Result<(), Error> {
    Err(Error::failed("not built"))
}
