//! A deploy job with everything that it is deployed from.

use std::path::PathBuf;

use super::args::{JobArgs, WhatArgs};
use crate::commands::job::sources::{Given, Stored};
use crate::config::shippable::Pipeline;
use crate::ctx::Ctx;
use crate::ecs::wanted::{self, Wanted};
use crate::error::Error;
use crate::host::Host;
use crate::store::Store;

/// What the yml, the store and the integrations say.
pub(super) struct Project {
    /// What is asked for.
    pub wanted: Wanted,
    /// Versions, and what was deployed before.
    pub store: Store,
}

impl Project {
    /// Reads it; nothing is called.
    pub(super) fn read(ctx: &Ctx, args: &JobArgs, what: &WhatArgs) -> Result<Self, Error> {
        let cwd = ctx.cwd()?;
        let pipeline = Pipeline::read(&args.files, &cwd)?;
        let store = args.store.open(ctx)?;
        let base: PathBuf =
            pipeline.files.first().and_then(|file| Some(cwd.join(file.parent()?))).unwrap_or_else(|| cwd.clone());
        let secrets = Given::load(ctx, args.integrations.as_deref(), base)?;
        let options = wanted::Options { images: what.images.clone(), timeout: what.timeout() };
        let sources = wanted::Sources { versions: &Stored(&store), secrets: &secrets };
        let wanted = wanted::wanted(&pipeline, &args.job, &options, &sources)?;
        Ok(Self { wanted, store })
    }
}

/// The build number: that of the call, else that of the CI, else the next of the store, which is given out when
/// `takes` says so.
pub(super) fn build_number(ctx: &Ctx, store: &Store, job: &str, what: &WhatArgs, takes: bool) -> Result<String, Error> {
    if let Some(number) = &what.build_number {
        return Ok(number.clone());
    }
    if let Some(number) = Host::detect(&ctx.env)?.build_number {
        // It becomes part of a service's name.
        return Ok(number.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect());
    }
    let number = if takes { store.next_build_number(job)? } else { store.likely_build_number(job)? };
    Ok(number.to_string())
}
