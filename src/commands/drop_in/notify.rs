//! `notify`: a message to the service that a notification resource names.

use jiff::tz::TimeZone;

use super::Args;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::job::directory::JobDirectory;
use crate::notify::message::{self, Build};
use crate::notify::options::Options;
use crate::notify::resource::Resource;
use crate::notify::{self, Notification, Outcome};

/// Whatever fails, the status is the original's one.
pub(super) fn notify(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    send(ctx, args).map_err(|error| error.with_kind(Kind::DropIn))
}

fn send(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let (options, warnings) = Options::read(&args.words[1..], &ctx.env)?;
    for warning in warnings {
        ctx.note(format_args!("notify: {warning}"));
    }
    let job = JobDirectory::of(ctx)?;
    let resource = Resource::read(&job, args.get(0))?;
    let build = Build::from_env(&ctx.env, job.job_name());
    // A zone that the machine does not know is UTC, as it is for date.
    let date = message::date(ctx.now(), TimeZone::try_system().unwrap_or(TimeZone::UTC));
    let notification =
        Notification { resource: &resource, options: &options, build: &build, date: &date, env: &ctx.env };
    report(ctx, &resource.name, notify::send(&notification)?)
}

/// Standard output is for data, and there is none: what was sent is said on standard error.
fn report(ctx: &Ctx, resource: &str, outcome: Outcome) -> Result<(), Error> {
    for line in outcome.done {
        ctx.note(format_args!("notify {resource}: {line}"));
    }
    match (outcome.failed.len(), outcome.total) {
        (0, _) => Ok(()),
        (1, 1) => Err(Error::drop_in(format_args!("notify {resource}: {}", outcome.failed[0]))),
        (failed, total) => Err(Error::drop_in(format_args!(
            "notify {resource}: {failed} of {total} recipients were not notified: {}",
            outcome.failed.join("; ")
        ))),
    }
}
