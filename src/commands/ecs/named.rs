//! A cluster that no yml describes.

use std::ffi::OsStr;

use super::access::{self, Way};
use super::args::Access;
use crate::commands::aws::resolve;
use crate::ctx::Ctx;
use crate::ecs::calls::Calls;
use crate::error::{Error, Kind};
use crate::host::Host;
use crate::job::directory::JobDirectory;
use crate::support::clock::Clock;
use crate::support::interrupt::Interrupt;

/// A cluster, and the AWS API with its credentials.
pub(super) struct Named<'a, 'c> {
    /// Its own name.
    pub cluster: &'a str,
    /// Where it was looked for, as it is told: `cluster prod in us-east-1`.
    pub place: String,
    /// The API.
    pub calls: &'a Calls<'c>,
}

/// Does something with a cluster, for a purpose of `shipctl iam policy`. Signals are noticed from here on.
pub(super) fn with<T>(
    ctx: &Ctx,
    access: &Access,
    cluster: &OsStr,
    purpose: &'static str,
    work: impl FnOnce(&Named) -> Result<T, Error>,
) -> Result<T, Error> {
    let clock = Clock::from_env(&ctx.env)?;
    let interrupt = Interrupt::install()?;
    let (cluster, way) = Way::to_named(ctx, access, cluster)?;
    let credentials = way.first(ctx, &interrupt, None)?;
    let region = credentials.region.clone().unwrap_or_default();
    let connection = resolve::connection(ctx, &credentials)?;
    let calls = access::calls(ctx, &way, credentials, &connection, &clock, &interrupt).of_purpose(purpose);
    work(&Named { cluster: &cluster, place: format!("cluster {cluster} in {region}"), calls: &calls })
}

/// The job and build that this runs for, as far as they are known: `migrate/12`.
pub(super) fn who(ctx: &Ctx) -> Result<String, Error> {
    let job = JobDirectory::of(ctx)?.job_name().map(|name| name.to_string_lossy().into_owned());
    let number = ctx.env.get_filled("BUILD_NUMBER").map(|number| number.to_string_lossy().into_owned());
    let number = number.or(Host::detect(&ctx.env)?.build_number);
    Ok([job, number].into_iter().flatten().collect::<Vec<_>>().join("/"))
}

/// `NAME=VALUE`; the name of a variable.
pub(super) fn pair(word: &str) -> Result<(String, String), Error> {
    match word.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Error::new(Kind::Usage, format_args!("{word:?} is not NAME=VALUE"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs() {
        assert_eq!(pair("A=b=c").unwrap(), ("A".to_owned(), "b=c".to_owned()));
        assert_eq!(pair("A=").unwrap().1, "");
        assert!(pair("A").is_err() && pair("=b").is_err());
    }
}
