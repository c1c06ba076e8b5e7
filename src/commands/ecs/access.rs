//! Whose credentials a cluster is reached with.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use super::args::Access;
use crate::aws::{Connection, Limit};
use crate::commands::aws::args::{CallArgs, RoleArgs};
use crate::commands::aws::resolve;
use crate::config::integrations::Integrations;
use crate::credentials::Credentials;
use crate::credentials::source::{self, Origin, Source};
use crate::ctx::Ctx;
use crate::ecs::calls::{Calls, Renew};
use crate::ecs::wanted::Cluster;
use crate::error::{Error, Kind};
use crate::job::directory::JobDirectory;
use crate::support::clock::Clock;
use crate::support::interrupt::{Interrupt, status_of};

/// How long each call for the first credentials may take.
const LONGEST: Duration = Duration::from_mins(1);

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
        // A role alone is enough here: what else its type has is for the AWS CLI.
        let found = match integrations.given(name) {
            Ok(found) => found,
            // In a job, its directory has the integration.
            Err(_) if file.is_none() && JobDirectory::of(ctx)?.meta(cluster.resource.as_ref()).is_some() => {
                return Ok(Self { source: Source::Named(cluster.resource.clone().into()), origin: None, region });
            }
            Err(error) => return Err(error),
        };
        let Some(record) = found else {
            return Err(Error::new(Kind::NoCredentials, format_args!("the integration {name} has no values")));
        };
        let origin = source::of_record(name, &record.master_name, &record.fields, region.clone())?;
        Ok(Self { source, origin: Some(origin), region })
    }

    /// That of a cluster that no yml describes, and its own name: a cluster resource of the job directory, or any
    /// cluster together with a source of credentials.
    pub(super) fn to_named(ctx: &Ctx, access: &Access, cluster: &OsStr) -> Result<(String, Self), Error> {
        let job = JobDirectory::of(ctx)?;
        let name = match job.meta(cluster) {
            Some(_) => own_name(&job, cluster)?,
            None => None,
        };
        let shown = cluster.to_string_lossy().into_owned();
        let source = match (access.source(), &name) {
            (Some(source), _) => source,
            (None, Some(_)) => Source::Named(cluster.to_owned()),
            (None, None) => {
                let told = format_args!(
                    "{shown} is no cluster of the job directory: give a source of credentials (--ambient, --profile, \
                     --source or --clouddriver) with the name of a cluster"
                );
                return Err(Error::new(Kind::NoCredentials, told));
            }
        };
        let region = match &access.region {
            Some(region) => Some(region.clone()),
            None if name.is_some() => source::region_of(&job, cluster)?,
            // An ARN says it.
            None => shown.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(2)).map(ToOwned::to_owned),
        };
        Ok((name.unwrap_or(shown), Self { source, origin: None, region }))
    }

    /// The first credentials, in no more than this time; a signal ends the wait for them.
    pub(super) fn first(&self, ctx: &Ctx, interrupt: &Interrupt, time: Option<Duration>) -> Result<Credentials, Error> {
        let time = time.map_or(LONGEST, |time| time.min(LONGEST));
        let limit = Limit { time, leave: Some(interrupt.clone()) };
        limit.during(|| self.credentials(ctx, false)).map_err(|error| match interrupt.signal() {
            Some(signal) => Error::new(
                Kind::Child(status_of(signal)),
                format_args!("interrupted by signal {signal}; nothing was changed"),
            ),
            None => error,
        })
    }

    /// Credentials; kept sessions are passed over when `anew`.
    fn credentials(&self, ctx: &Ctx, anew: bool) -> Result<Credentials, Error> {
        let call = CallArgs { region: self.region.clone(), no_cache: anew, ..CallArgs::default() };
        let credentials = match &self.origin {
            Some(origin) => resolve::credentials_of_origin(ctx, &self.source, origin.clone(), &call)?,
            None => resolve::credentials(ctx, &self.source, &RoleArgs::default(), &call)?,
        };
        resolve::require_region(&self.source, &credentials)?;
        Ok(credentials)
    }
}

/// The name of a cluster in AWS: `sourceName` of its version or of its yml.
fn own_name(job: &JobDirectory, resource: &OsStr) -> Result<Option<String>, Error> {
    let Some(folder) = job.meta(resource) else { return Ok(None) };
    let file = folder.join("version.json");
    let places: [&[&str]; 3] = [
        &["version", "propertyBag", "sourceName"],
        &["propertyBag", "yml", "versionTemplate", "sourceName"],
        &["propertyBag", "yml", "pointer", "sourceName"],
    ];
    source::first_text(&file, &places)
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
        at_hand.map_or_else(|| way.credentials(ctx, true), Ok)
    });
    Calls::new(connection, renew, clock.clone(), interrupt.clone())
}
