//! interim
use super::Args;
use crate::ctx::Ctx;
use crate::error::Error;

pub(super) fn copy_file_to_state(_ctx: &Ctx, _args: &Args) -> Result<(), Error> {
    Err(Error::failed("not built"))
}

pub(super) fn copy_file_from_prev_state(_ctx: &Ctx, _args: &Args) -> Result<(), Error> {
    Err(Error::failed("not built"))
}

pub(super) fn refresh_file_to_state(_ctx: &Ctx, _args: &Args) -> Result<(), Error> {
    Err(Error::failed("not built"))
}

pub(super) fn copy_file_from_resource_state(_ctx: &Ctx, _args: &Args) -> Result<(), Error> {
    Err(Error::failed("not built"))
}

pub(super) fn copy_file_to_resource_state(_ctx: &Ctx, _args: &Args) -> Result<(), Error> {
    Err(Error::failed("not built"))
}
