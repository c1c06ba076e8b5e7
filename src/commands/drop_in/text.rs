//! `sanitize_shippable_string`, `to_uppercase` and `get_resource_name`.

use super::Args;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::job::names;

pub(super) fn sanitize_shippable_string(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    ctx.print_line(names::sanitize(args.bytes(0)))
}

/// Letters of ASCII only, as the awk of the platform's images did: the rest of a name may be any bytes.
pub(super) fn to_uppercase(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    ctx.print_line(args.bytes(0).to_ascii_uppercase())
}

pub(super) fn get_resource_name(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    ctx.print_line(names::prefix(args.bytes(0)))
}
