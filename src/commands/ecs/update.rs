//! `shipctl ecs update CLUSTER SERVICE --image CONTAINER=URI`: new images for a service that no yml describes.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::args::Access;
use super::log::Log;
use super::named::{self, Named, pair};
use crate::aws::ecs::{Request, Service};
use crate::ctx::Ctx;
use crate::ecs::revise::{OfContainer, Revision};
use crate::ecs::run::{Asked, Done, Options, Outcome, Report, Run, update};
use crate::ecs::steps::revision;
use crate::ecs::tell::{Listener, Tell};
use crate::error::{Error, Kind};
use crate::support::secret::SecretText;

/// Arguments of `ecs update`.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools)] // each is an option of its own
pub(crate) struct UpdateArgs {
    /// A cluster of the job directory, or a cluster's own name
    #[arg(value_name = "CLUSTER")]
    cluster: OsString,
    /// The service
    #[arg(value_name = "SERVICE")]
    service: String,
    /// A container's new image; may be repeated. CONTAINER= may be left out where there is one container
    #[arg(long = "image", value_name = "CONTAINER=URI", value_parser = image)]
    images: Vec<OfContainer<String>>,
    /// A variable beside those that there are; may be repeated, the later wins. CONTAINER: may be left out where there is
    /// one container, or one image is given
    #[arg(long = "env", value_name = "[CONTAINER:]NAME=VALUE", value_parser = variable)]
    env: Vec<OfContainer<(String, String)>>,
    /// The same, with a value from Secrets Manager or the Parameter Store
    #[arg(long = "secret", value_name = "[CONTAINER:]NAME=ARN", value_parser = variable)]
    secrets: Vec<OfContainer<(String, String)>>,
    /// Another count of tasks
    #[arg(long, value_name = "N")]
    desired_count: Option<u32>,
    /// Roll out anew what has not changed, too
    #[arg(long)]
    force: bool,
    /// Put the version before and its count back when it fails
    #[arg(long)]
    rollback: bool,
    /// How long it may take
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Do not wait for the roll-out
    #[arg(long)]
    no_wait: bool,
    /// One JSON object per line on standard output, nothing else
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    access: Access,
}

/// `CONTAINER=URI`, or an URI.
fn image(word: &str) -> Result<OfContainer<String>, Error> {
    let (container, uri) = match word.split_once('=') {
        Some((container, uri)) => (Some(container.to_owned()), uri),
        None => (None, word),
    };
    if uri.is_empty() || container.as_ref().is_some_and(String::is_empty) {
        return Err(Error::new(Kind::Usage, format_args!("{word:?} is not CONTAINER=URI")));
    }
    Ok(OfContainer { container, what: uri.to_owned() })
}

/// `NAME=VALUE` or `CONTAINER:NAME=VALUE`.
fn variable(word: &str) -> Result<OfContainer<(String, String)>, Error> {
    let (name, value) = pair(word)?;
    match name.split_once(':') {
        None => Ok(OfContainer { container: None, what: (name, value) }),
        Some((container, name)) if !container.is_empty() && !name.is_empty() => {
            Ok(OfContainer { container: Some(container.to_owned()), what: (name.to_owned(), value) })
        }
        Some(_) => Err(Error::new(Kind::Usage, format_args!("{word:?} is not CONTAINER:NAME=VALUE"))),
    }
}

pub(super) fn run(ctx: &Ctx, args: &UpdateArgs) -> Result<(), Error> {
    let wanted = Revision { images: args.images.clone(), env: args.env.clone(), secrets: args.secrets.clone() };
    if wanted.is_empty() && args.desired_count.is_none() && !args.force {
        let told = "nothing to update: give --image, --env, --secret, --desired-count or --force";
        return Err(Error::new(Kind::Usage, told));
    }
    named::with(ctx, &args.access, &args.cluster, "update", |named| update_in(ctx, args, &wanted, named))
}

fn update_in(ctx: &Ctx, args: &UpdateArgs, wanted: &Revision, named: &Named) -> Result<(), Error> {
    let log = Log::new(ctx, args.json, named.calls.clock(), &secrets(args, named.cluster))?;
    updated(ctx, args, wanted, named, &log).map_err(|error| log.masked_error(error))
}

/// Values of variables, which may be secrets; those that the command names anyway are none.
fn secrets(args: &UpdateArgs, cluster: &str) -> Vec<SecretText> {
    let images = args.images.iter().flat_map(|image| [Some(image.what.as_str()), image.container.as_deref()]);
    let named: Vec<&str> = images.flatten().chain([cluster, args.service.as_str()]).collect();
    let values = args.env.iter().map(|variable| variable.what.1.as_str());
    values.filter(|value| !named.iter().any(|name| name.contains(value))).map(SecretText::from).collect()
}

fn updated(ctx: &Ctx, args: &UpdateArgs, wanted: &Revision, named: &Named, log: &Log) -> Result<(), Error> {
    let calls = named.calls;
    calls.limit_to(calls.clock().now() + Duration::from_secs(args.timeout));
    let (service, settings) = look(named, &args.service)?;
    check(args, &service, &settings)?;
    let name = revision(&service.task_definition);
    let definition = definition(args, wanted, named, &service)?;
    let new = wanted.of(&definition, name)?;
    let is_other = new != definition;
    let count = args.desired_count.filter(|count| i64::from(*count) != i64::from(service.desired));
    let asked = Asked { cluster: named.cluster, service: &service, definition: &new, is_other, count };
    if asked.is_done() && !args.force {
        let text = format!("nothing has changed: {} is on {name}", service.name);
        let done = Done {
            manifest: service.name.clone(),
            outcome: Outcome::Unchanged,
            service: Some(service.name.clone()),
            task_definition: Some(service.task_definition.clone()),
            text,
        };
        log.tell(calls.clock().now(), &outcome(&done));
        return ended(ctx, args, log, done);
    }
    let options = Options {
        force: args.force,
        no_wait: args.no_wait,
        prune: false,
        keep: 0,
        rollback: args.rollback,
        build_number: String::new(),
        timeout: Some(Duration::from_secs(args.timeout)),
    };
    let run = Run { api: calls, store: None, listener: log, holder: "", options: &options };
    let done = update(&run, &asked)?;
    ended(ctx, args, log, done)
}

/// The service, which has to be there.
fn look(named: &Named, name: &str) -> Result<(Service, Request), Error> {
    let found = named.calls.service_settings(named.cluster, name);
    let found = found.map_err(|failure| named.calls.error(&format!("look at the service {name}"), &failure))?;
    match found {
        Some(found) if found.0.status == "ACTIVE" => Ok(found),
        other => {
            let how = other.map(|(service, _)| format!(": it is {}", service.status)).unwrap_or_default();
            let told = format_args!(
                "there is no service {name} in the {}{how}; correct the name, the cluster or the region",
                named.place
            );
            Err(Error::new(Kind::Configuration, told))
        }
    }
}

/// What cannot be done with a service is told before anything is called.
fn check(args: &UpdateArgs, service: &Service, settings: &Request) -> Result<(), Error> {
    let controller = settings.get("deploymentController").and_then(|controller| controller.get("type"));
    if let Some(other @ ("CODE_DEPLOY" | "EXTERNAL")) = controller.and_then(Value::as_str) {
        let told = format_args!(
            "{} is deployed by its deployment controller {other}, not by ECS: update it there, or make it a service with \
             the controller ECS",
            service.name
        );
        return Err(Error::new(Kind::Configuration, told));
    }
    if args.desired_count.is_some() && service.scheduling == "DAEMON" {
        let told = format_args!(
            "{} runs one task on each instance (DAEMON): it has no count; leave --desired-count out",
            service.name
        );
        return Err(Error::new(Kind::Usage, told));
    }
    Ok(())
}

/// Its task definition: needed where it is to be another one, else only to find the logs of what fails.
fn definition(args: &UpdateArgs, wanted: &Revision, named: &Named, service: &Service) -> Result<Request, Error> {
    let read = || named.calls.describe_task_definition(&service.task_definition);
    if wanted.is_empty() {
        let is_of_use = args.force && !args.no_wait;
        return Ok(is_of_use
            .then(|| named.calls.extra("ecs:DescribeTaskDefinition", read))
            .flatten()
            .unwrap_or_default());
    }
    let name = revision(&service.task_definition);
    read().map_err(|failure| named.calls.error(&format!("read the task definition {name}"), &failure))
}

fn outcome(done: &Done) -> Tell {
    Tell::Outcome {
        manifest: done.manifest.clone(),
        outcome: done.outcome.word(),
        service: done.service.clone(),
        task_definition: done.task_definition.clone(),
        text: done.text.clone(),
    }
}

/// How it ended has been told.
fn ended(ctx: &Ctx, args: &UpdateArgs, log: &Log, done: Done) -> Result<(), Error> {
    let report = Report { done: vec![done] };
    if let Some(error) = log.error_of(&report) {
        return Err(error);
    }
    let done = &report.done[0];
    if args.json {
        return Ok(());
    }
    let (service, arn) = (done.service.as_deref().unwrap_or_default(), done.task_definition.as_deref());
    ctx.print_line(format!("{service}\t{}", arn.unwrap_or_default()))
}

#[cfg(test)]
mod tests {

    #[test]
    fn words() {
        let image = |word: &str| super::image(word).map(|it| (it.container, it.what)).ok();
        assert_eq!(image("app=reg/app:2"), Some((Some("app".into()), "reg/app:2".into())));
        assert_eq!(image("reg/app@sha256:00"), Some((None, "reg/app@sha256:00".into())));
        assert_eq!((image("=x"), image("app="), image("")), (None, None, None));
        let variable = |word: &str| super::variable(word).map(|it| (it.container, it.what.0, it.what.1)).ok();
        assert_eq!(variable("A=b:c=d"), Some((None, "A".into(), "b:c=d".into())));
        assert_eq!(variable("app:A=arn:aws:x"), Some((Some("app".into()), "A".into(), "arn:aws:x".into())));
        assert_eq!((variable(":A=b"), variable("app:=b"), variable("A")), (None, None, None));
    }
}
