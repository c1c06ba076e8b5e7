//! What NOTIFY of a job tells people: the platform sent it, now `job run` does.
//!
//! Whatever becomes of a notification is a note: it never changes how the job ended.

use std::ffi::OsString;
use std::path::Path;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::init::Project;
use super::sources::Given;
use crate::config::shippable::{Hook, Named, Step};
use crate::ctx::{Ctx, Env};
use crate::error::Error;
use crate::job::build::sources::Secrets as _;
use crate::job::directory::JobDirectory;
use crate::job::integration::Integration;
use crate::job::outcome::Status;
use crate::notify::message::{self, Build};
use crate::notify::options::Options;
use crate::notify::resource::Resource;
use crate::notify::{self, Notification};

/// Who is told, and from where.
pub(super) struct Notifications<'a> {
    ctx: &'a Ctx,
    project: &'a Project<'a>,
    /// That of the job's scripts, so that a message says what one of theirs would.
    env: Env,
    root: &'a Path,
    /// `--integrations`.
    integrations: Option<&'a Path>,
}

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Began,
    Ended(Status),
}

impl Event {
    const fn words(self) -> &'static str {
        match self {
            Self::Began => "has begun",
            Self::Ended(Status::Success) => "succeeded",
            Self::Ended(Status::Failure) => "failed",
            Self::Ended(Status::Cancelled) => "was cancelled",
        }
    }

    /// Of the bar beside the message.
    const fn color(self) -> &'static str {
        match self {
            Self::Began => "#5183a0",
            Self::Ended(Status::Success) => "#65cea7",
            Self::Ended(Status::Failure) => "#d9534f",
            Self::Ended(Status::Cancelled) => "#f0ad4e",
        }
    }
}

impl<'a> Notifications<'a> {
    pub(super) fn new(
        ctx: &'a Ctx,
        project: &'a Project<'a>,
        env: &[(OsString, OsString)],
        root: &'a Path,
        integrations: Option<&'a Path>,
    ) -> Self {
        Self { ctx, project, env: Env::Fixed(env.iter().cloned().collect()), root, integrations }
    }

    /// Before the first TASK.
    pub(super) fn began(&self) {
        self.tell(&[&self.project.job.hooks.on_start], Event::Began);
    }

    /// When all has been kept, or not. What is among the steps is told how the job ended, however that is.
    pub(super) fn ended(&self, status: Status) {
        let hooks = &self.project.job.hooks;
        let hook = match status {
            Status::Success => &hooks.on_success,
            Status::Failure => &hooks.on_failure,
            Status::Cancelled => &hooks.on_cancel,
        };
        self.tell(&[hook, &hooks.always], Event::Ended(status));
        for step in &self.project.job.steps {
            if let Step::Notify(named) = step {
                self.tell_one(named, Event::Ended(status));
            }
        }
    }

    fn tell(&self, hooks: &[&Hook], event: Event) {
        hooks.iter().flat_map(|hook| &hook.notify).for_each(|named| self.tell_one(named, event));
    }

    fn tell_one(&self, named: &Named, event: Event) {
        let note = |line: &str| self.ctx.note(format_args!("NOTIFY {}: {line}", named.name));
        match self.send(named, event) {
            Ok(outcome) => {
                outcome.done.iter().for_each(|line| note(line));
                outcome.failed.iter().for_each(|line| note(&format!("not sent: {line}")));
            }
            Err(error) => note(&format!("not sent: {error} ({})", named.at)),
        }
    }

    fn send(&self, named: &Named, event: Event) -> Result<notify::Outcome, Error> {
        let job = JobDirectory::at(&self.env, self.root.to_owned());
        let resource = self.resource(&job, named)?;
        let build = Build::from_env(&self.env, Some(self.project.job.name.clone().into()));
        let text = if resource.method == "irc" { build.plain_text() } else { build.linked_text() };
        // What the job has set for its own notifications is meant for these as well.
        let own = [("text", format!("{text} {}", event.words())), ("color", event.color().to_owned())];
        let words: Vec<OsString> = own
            .into_iter()
            .filter(|(name, _)| self.env.get_filled(format!("NOTIFY_{}", name.to_uppercase())).is_none())
            .map(|(name, value)| format!("--{name}={value}").into())
            .collect();
        let (options, _) = Options::read(&words, &self.env)?;
        let date = message::date(self.ctx.now(), TimeZone::try_system().unwrap_or(TimeZone::UTC));
        let notification =
            Notification { resource: &resource, options: &options, build: &build, date: &date, env: &self.env };
        notify::send(&notification)
    }

    /// The resource of the yml: it is no input of the job, so it has no folder.
    fn resource<'b>(&self, job: &'b JobDirectory<'b>, named: &Named) -> Result<Resource<'b>, Error> {
        let Some(resource) = self.project.pipeline.resource(&named.name) else {
            return Err(Error::failed("the yml has no resource of this name"));
        };
        if resource.kind != "notification" {
            return Err(Error::failed(format_args!("it is of type {}, not notification", resource.kind)));
        }
        let integration = resource.integration.as_ref().map(|named| self.integration(&named.name)).transpose()?;
        Ok(Resource::of(job, &resource.name, &resource.section().1, integration))
    }

    fn integration(&self, name: &str) -> Result<Integration, Error> {
        let base = self.project.pipeline.base(&self.ctx.cwd()?);
        let given = Given::load(self.ctx, self.integrations, base)?;
        let found = given.resolve(&[name])?;
        let record = found.get(name).ok_or_else(|| Error::failed(format_args!("no integration {name}")))?;
        match serde_json::from_str(&record.json) {
            Ok(Value::Object(fields)) => Ok(Integration::of(fields)),
            _ => Err(Error::failed(format_args!("integration {name} is no object"))),
        }
    }
}
