//! `shipctl ecs update CLUSTER SERVICE --image CONTAINER=URI`: new images for a service that no yml describes.

use clap::Args;

use crate::ctx::Ctx;
use crate::error::Error;

/// Arguments of `ecs update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {}

pub(super) fn run(_ctx: &Ctx, _args: &UpdateArgs) -> Result<(), Error> {
    Ok(())
}
