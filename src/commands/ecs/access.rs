//! Whose credentials a cluster is reached with.

use std::path::Path;

use super::args::Access;
use crate::aws::{Connection, Settings};
use crate::commands::aws::resolve;
use crate::config::integrations::Integrations;
use crate::credentials::Credentials;
use crate::credentials::source::{self, Origin, Source};
use crate::ctx::Ctx;
use crate::ecs::calls::{Calls, Renew};
use crate::ecs::wanted::Cluster;
use crate::error::{Error, Kind};
use crate::support::clock::Clock;
use crate::support::interrupt::Interrupt;

/// The way to a cluster.
pub(super) struct Way {
    source: Source,
    /// Where the source is an integration of a file.
    origin: Option<Origin>,
    region: Option<String>,
}

impl Way {
    /// That of a cluster of the yml: what the options name, else the cluster's integration.
    pub(super) fn to(ctx: &Ctx, access: &Access, cluster: &Cluster, file: Option<&Path>) -> Result<Self, Error> {
        let region = access.region.clone().or_else(|| cluster.region.clone());
        if let Some(source) = access.source() {
            return Ok(Self { source, origin: None, region });
        }
        let Some(name) = &cluster.integration else {
            let told = format_args!(
                "the cluster {} has no integration: add `integration:` to it, or give --ambient, --profile, --source or \
                 --clouddriver",
                cluster.resource
            );
            return Err(Error::new(Kind::NoCredentials, told));
        };
        let source = Source::Named(name.into());
        let integrations = Integrations::load(&ctx.env, file)?;
        let mut found = integrations.resolve(&[name.as_str()]).map_err(|error| error.with_kind(Kind::NoCredentials))?;
        let Some(record) = found.remove(name) else {
            return Err(Error::new(Kind::NoCredentials, format_args!("the integration {name} has no values")));
        };
        let origin = source::of_record(name, &record.master_name, &record.fields, region.clone())?;
        Ok(Self { source, origin: Some(origin), region })
    }

    /// That of a source of its own, for a cluster that no yml describes.
    pub(super) fn of_source(source: Source, region: Option<String>) -> Self {
        Self { source, origin: None, region }
    }

    /// Credentials, asked for anew.
    pub(super) fn credentials(&self, ctx: &Ctx) -> Result<Credentials, Error> {
        let region = self.region.as_deref();
        let credentials = match &self.origin {
            Some(origin) => resolve::credentials_of_origin(ctx, &self.source, origin.clone(), region)?,
            None => resolve::credentials_in(ctx, &self.source, region)?,
        };
        resolve::require_region(&self.source, &credentials)?;
        Ok(credentials)
    }
}

/// A connection for the calls of a deployment, whose single tries are short: the whole may well take an hour.
pub(super) fn connection(ctx: &Ctx, credentials: &Credentials) -> Result<Connection, Error> {
    let settings = Settings { region: credentials.region.clone(), ..Settings::default() };
    Connection::open(&ctx.env, settings)
}

/// The AWS API over a way to it.
pub(super) fn calls<'a>(
    ctx: &'a Ctx,
    way: &'a Way,
    first: Credentials,
    connection: &'a Connection,
    clock: &Clock,
    interrupt: &Interrupt,
) -> Calls<'a> {
    let first = std::sync::Mutex::new(Some(first));
    let renew: Box<Renew<'a>> = Box::new(move || {
        let at_hand = first.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        at_hand.map_or_else(|| way.credentials(ctx), Ok)
    });
    Calls::new(connection, renew, clock.clone(), interrupt.clone())
}
