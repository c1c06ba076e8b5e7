//! A deploy job with everything that it is deployed from.

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
    /// The number of the build.
    pub build_number: String,
}

impl Project {
    /// Reads it; nothing is called. A build number that neither the call nor the CI gives is taken from the store when
    /// `takes` says so, once everything else is in order.
    pub(super) fn read(ctx: &Ctx, args: &JobArgs, what: &WhatArgs, takes: bool) -> Result<Self, Error> {
        let cwd = ctx.cwd()?;
        let pipeline = Pipeline::read(&args.files, &cwd)?;
        let secrets = Given::load(ctx, args.integrations.as_deref(), pipeline.base(&cwd))?;
        let store = args.store.open(ctx)?;
        let versions = Stored { store: &store, location: args.store.location(ctx)? };
        let read = |build_number: &str| {
            let options = wanted::Options {
                images: what.images.clone(),
                build_number: build_number.to_owned(),
                timeout: what.timeout(),
            };
            let sources = wanted::Sources { versions: &versions, secrets: &secrets };
            let mut wanted = wanted::wanted(&pipeline, &args.job, &options, &sources)?;
            if let Some(region) = &args.access.region {
                wanted.cluster.region = Some(region.clone());
            }
            Ok::<_, Error>(wanted)
        };
        let given = what.build_number.clone().map_or_else(|| of_ci(ctx), |number| Ok(Some(number)))?;
        let likely = match &given {
            Some(number) => number.clone(),
            None => store.likely_build_number(&args.job)?.to_string(),
        };
        let wanted = read(&likely)?;
        if given.is_some() || !takes {
            return Ok(Self { wanted, store, build_number: likely });
        }
        let build_number = store.next_build_number(&args.job)?.to_string();
        let wanted = if build_number == likely { wanted } else { read(&build_number)? };
        Ok(Self { wanted, store, build_number })
    }
}

/// The CI's build number, as a part of a service's name.
fn of_ci(ctx: &Ctx) -> Result<Option<String>, Error> {
    let number = Host::detect(&ctx.env)?.build_number;
    let part = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' };
    Ok(number.map(|number| number.chars().map(part).collect()))
}

/// The build number of a command that deploys without the yml.
pub(super) fn build_number(ctx: &Ctx, store: &Store, job: &str, given: Option<&str>) -> Result<String, Error> {
    match given.map_or_else(|| of_ci(ctx), |number| Ok(Some(number.to_owned())))? {
        Some(number) => Ok(number),
        None => store.next_build_number(job).map(|number| number.to_string()),
    }
}
