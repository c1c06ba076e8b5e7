//! interim
use super::Args;
use crate::ctx::Ctx;
use crate::error::Error;

pub(super) fn put_resource_state(_ctx: &Ctx, _args: &Args) -> Result<(), Error> {
    Err(Error::failed("not built"))
}

pub(super) fn post_resource_state(_ctx: &Ctx, _args: &Args) -> Result<(), Error> {
    Err(Error::failed("not built"))
}

pub(super) fn put_resource_state_multi(_ctx: &Ctx, _args: &Args) -> Result<(), Error> {
    Err(Error::failed("not built"))
}

pub(super) fn post_resource_state_multi(_ctx: &Ctx, _args: &Args) -> Result<(), Error> {
    Err(Error::failed("not built"))
}
