//! One step after another, each written down before it makes something.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, SystemTime};

use super::book::Book;
use super::wait::Shown;
use super::{Run, role};
use crate::aws::ecs::{Request, Service};
use crate::aws::error::Failure;
use crate::ecs::steps::{Step, alarm_actions, revision};
use crate::ecs::tell::Tell;
use crate::error::{Error, Kind};

/// How long after a service was refused to go it is scaled down again.
const RAISED_AGAIN: Duration = Duration::from_secs(2);
/// What tags need.
const TAG: &str = "ecs:TagResource";
/// How long going back may take at least.
const LEAST_TO_GO_BACK: Duration = Duration::from_mins(1);

/// What ends a deployment before its last step.
#[derive(Debug)]
pub(super) enum Stop {
    /// A call was refused, or got no answer that makes sense.
    Call {
        /// What could not be done.
        doing: String,
        failure: Failure,
    },
    /// What is made can no longer be written down, or the turn is lost: nothing more is done.
    Store(Error),
    /// Something that the step needs is not there: why, in one line.
    Lacks(String),
    /// The roll-out will not come to anything: the evidence.
    Failed(String),
    /// ECS has gone back to the version before: why, and whether that runs.
    GoneBack { reason: String, is_whole: bool },
    /// Somebody else has deployed.
    Superseded(String),
    /// It has taken too long.
    TimedOut(String),
    /// A signal has come.
    Interrupted(i32),
}

/// A roll-out of ours.
#[derive(Debug, Clone, Default)]
pub(super) struct Rollout {
    pub deployment: String,
    pub task_definition: String,
    /// Whether no task was asked for, or as many as there were.
    pub may_be_empty: bool,
}

/// What to do next, in words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hints {
    /// Where it was not gone back.
    pub back: &'static str,
    /// Where it was not brought to its end.
    pub again: &'static str,
    /// Where it was not waited for; `{}` is the build.
    pub later: &'static str,
}

impl Hints {
    pub(super) const DEPLOY: Self = Self {
        back: "deploy with --rollback, or run `shipctl ecs rollback`",
        again: "deploy again to go on",
        later: "deploy build {} again to go on with it",
    };
    pub(super) const ROLLBACK: Self = Self {
        back: "deploy again",
        again: "roll back again, with the same --build-number, to go on",
        later: "roll back with --build-number {} again to go on with it",
    };
}

/// The work on one manifest.
pub(super) struct Work<'a> {
    pub run: &'a Run<'a>,
    pub book: &'a Book,
    pub manifest: &'a str,
    pub cluster: &'a str,
    /// The service that is made or changed.
    pub target: String,
    pub began: SystemTime,
    pub limit: Duration,
    pub deadline: SystemTime,
    /// When going back has to be done, once that has begun.
    back_until: Option<SystemTime>,
    /// What the new version is registered with.
    pub definition: Request,
    /// The ARN that serves, where something does.
    pub previous: Option<String>,
    pub is_daemon: bool,
    /// How many tasks what serves has, before it is changed.
    pub count: Option<i32>,
    /// Whether the new version serves.
    pub is_committed: bool,
    /// The ARN that was registered.
    pub registered: Option<String>,
    role: Option<String>,
    policies: BTreeMap<String, String>,
    pub rollouts: BTreeMap<String, Rollout>,
    /// Whether nothing is tagged, since that is denied.
    is_untagged: bool,
    pub(super) known_events: HashSet<String>,
    /// Services as they were seen last.
    pub(super) seen: BTreeMap<String, Service>,
    pub(super) hints: Hints,
    /// What was told of their counts last.
    pub(super) shown: BTreeMap<String, Shown>,
}

impl<'a> Work<'a> {
    pub(super) fn new(run: &'a Run<'a>, book: &'a Book, manifest: &'a str, cluster: &'a str, limit: Duration) -> Self {
        let now = run.api.now();
        run.api.limit_to(now + limit);
        Self {
            run,
            book,
            manifest,
            cluster,
            target: String::new(),
            began: now,
            limit,
            deadline: now + limit,
            back_until: None,
            definition: Request::new(),
            previous: None,
            is_daemon: false,
            count: None,
            is_committed: false,
            registered: None,
            role: None,
            policies: BTreeMap::new(),
            rollouts: BTreeMap::new(),
            is_untagged: false,
            known_events: HashSet::new(),
            seen: BTreeMap::new(),
            hints: Hints::DEPLOY,
            shown: BTreeMap::new(),
        }
    }

    pub(super) fn tell(&self, tell: &Tell) {
        self.run.listener.tell(self.run.api.now(), tell);
    }

    pub(super) fn note(&self, text: impl Into<String>) {
        self.tell(&Tell::Note { manifest: Some(self.manifest.to_owned()), text: text.into() });
    }

    /// The whole time anew: once the new version serves, what was before it has as long to go.
    pub(super) fn begin_anew(&mut self) {
        self.deadline = self.run.api.now() + self.limit;
        self.run.api.go_back_until(self.deadline);
    }

    /// The time to go back in, from the first that is done for it: some, however little there was, and once.
    pub(super) fn begin_to_go_back(&mut self) {
        let (now, limit) = (self.run.api.now(), self.limit.max(LEAST_TO_GO_BACK));
        let end = *self.back_until.get_or_insert(now + limit);
        self.limit = limit;
        self.deadline = end;
        self.run.api.go_back_until(end);
    }

    /// Does something that may take half of what is left.
    pub(super) fn in_half_the_time<T>(&mut self, what: impl FnOnce(&mut Self) -> T) -> T {
        let (now, limit, end) = (self.run.api.now(), self.limit, self.deadline);
        self.limit = end.duration_since(now).unwrap_or_default() / 2;
        self.deadline = now + self.limit;
        let done = what(self);
        (self.limit, self.deadline) = (limit, end);
        done
    }

    /// Does a step.
    pub(super) fn carry_out(&mut self, step: &Step) -> Result<(), Stop> {
        self.go_on()?;
        let (manifest, text) = (self.manifest.to_owned(), step.text());
        self.tell(&Tell::Step { manifest, text, action: step.action() });
        let before = self.book.of(self.manifest);
        self.write_down(step).map_err(Stop::Store)?;
        let done = self.done(step);
        self.cross_off(step, done.as_ref().err(), before).map_err(Stop::Store)?;
        done
    }

    /// Whether there is a reason not to begin anything.
    pub(super) fn go_on(&self) -> Result<(), Stop> {
        if let Some(signal) = self.run.api.signal() {
            return Err(Stop::Interrupted(signal));
        }
        self.book.hold().map_err(Stop::Store)
    }

    fn done(&mut self, step: &Step) -> Result<(), Stop> {
        let api = self.run.api;
        match step {
            Step::Look { services } => {
                let names: Vec<&str> = services.iter().map(String::as_str).collect();
                self.look(&names)
            }
            Step::FindRole => self.find_role(step),
            Step::Register(request) => {
                self.registered = Some(self.tagged(step, request, |request| api.register_task_definition(request))?);
                for note in api.take_notes() {
                    self.note(note);
                }
                Ok(())
            }
            Step::Create { service, request } => self.create(step, service, request),
            Step::Update { service, request, registered } => self.update(step, service, request, *registered),
            Step::AwaitRollout { service, stability } => self.await_rollout(service, *stability),
            Step::RegisterTarget(request) => self.called(step, api.register_scalable_target(request)),
            Step::PutPolicy(request) => {
                let arn = self.called(step, api.put_scaling_policy(request))?;
                let name = request.get("PolicyName").and_then(|name| name.as_str()).unwrap_or_default();
                self.policies.insert(name.to_owned(), arn);
                Ok(())
            }
            Step::PutAlarm(alarm) => self.called(step, api.put_metric_alarm(&alarm_actions(alarm, &self.policies))),
            Step::DeleteAlarms(names) => self.called(step, api.delete_alarms(names)),
            Step::DeletePolicy { name, resource_id } => self.called(step, api.delete_scaling_policy(name, resource_id)),
            Step::DeregisterTarget { resource_id } => self.called(step, api.deregister_scalable_target(resource_id)),
            Step::ScaleToZero { service } => self.scale_to_zero(service),
            Step::AwaitStopped { service } => self.await_stopped(service),
            Step::Delete { service, force } => self.delete(step, service, *force),
            Step::AwaitGone { service } => self.await_gone(service),
            Step::Deregister { task_definition } => self.deregister(step, task_definition),
        }
    }

    /// A call's answer, or what ends the work.
    pub(super) fn called<T>(&self, step: &Step, answer: Result<T, Failure>) -> Result<T, Stop> {
        answer.map_err(|failure| match self.run.api.signal() {
            // Tries of a call that a signal has cut short say nothing of what was asked.
            Some(signal) if !is_refusal(&failure) || failure.kind == Kind::Throttled => Stop::Interrupted(signal),
            _ => Stop::Call { doing: step.text(), failure },
        })
    }

    /// Looks at services once; a look that fails is repeated, and never taken for their absence.
    pub(super) fn look(&mut self, names: &[&str]) -> Result<(), Stop> {
        let step = Step::Look { services: names.iter().map(|&name| name.to_owned()).collect() };
        let found = self.called(&step, self.run.api.describe_services(self.cluster, names))?;
        for service in found {
            self.known_events.extend(service.events.iter().map(|event| event.id.clone()));
            self.seen.insert(service.name.clone(), service);
        }
        Ok(())
    }

    fn find_role(&mut self, step: &Step) -> Result<(), Stop> {
        let roles = self.called(step, self.run.api.list_roles())?;
        self.role = role::choose(&roles).map_err(Stop::Lacks)?.map(ToOwned::to_owned);
        if self.role.is_none() {
            self.note(format!("no role is named for the load balancer: ECS takes its own, {}", role::LINKED));
        }
        Ok(())
    }

    fn create(&mut self, step: &Step, service: &str, request: &Request) -> Result<(), Stop> {
        let mut request = request.clone();
        if !request.contains_key("taskDefinition") {
            request.insert("taskDefinition".to_owned(), self.registered.clone().unwrap_or_default().into());
        }
        if let Some(role) = &self.role {
            request.insert("role".to_owned(), role.clone().into());
        }
        let (api, deadline) = (self.run.api, self.deadline);
        let created = self.tagged(step, &request, |request| api.create_service(request, deadline))?;
        self.rolls_out(service, &request, &created);
        Ok(())
    }

    fn update(&mut self, step: &Step, service: &str, request: &Request, registered: bool) -> Result<(), Stop> {
        let mut request = request.clone();
        if registered {
            request.insert("taskDefinition".to_owned(), self.registered.clone().unwrap_or_default().into());
        }
        let updated = self.called(step, self.run.api.update_service(&request))?;
        self.rolls_out(service, &request, &updated);
        Ok(())
    }

    /// Keeps the id of the roll-out that a call has begun.
    fn rolls_out(&mut self, service: &str, request: &Request, answer: &Service) {
        let asked = request.get("taskDefinition").and_then(|arn| arn.as_str()).map(ToOwned::to_owned);
        let primary = answer.deployments.iter().find(|one| one.status == "PRIMARY").or(answer.deployments.first());
        let rollout = Rollout {
            deployment: primary.map(|one| one.id.clone()).unwrap_or_default(),
            task_definition: asked.unwrap_or_else(|| answer.task_definition.clone()),
            may_be_empty: request
                .get("desiredCount")
                .and_then(serde_json::Value::as_i64)
                .is_none_or(|count| count <= 0),
        };
        self.rollouts.insert(service.to_owned(), rollout);
        self.seen.insert(service.to_owned(), answer.clone());
    }

    pub(super) fn scale_to_zero(&mut self, service: &str) -> Result<(), Stop> {
        let step = Step::ScaleToZero { service: service.to_owned() };
        let answer = self.run.api.update_service(&step.request(self.cluster)).map(drop);
        self.called(&step, none_is_as_good(answer))
    }

    /// Never a revision in use, whatever was planned.
    fn deregister(&mut self, step: &Step, arn: &str) -> Result<(), Stop> {
        if self.book.memory().uses(arn) {
            self.note(format!("{} is in use: it is not deregistered", revision(arn)));
            return Ok(());
        }
        match self.run.api.deregister_task_definition(arn) {
            Err(failure) if is_gone(&failure) => Ok(()),
            answer => self.called(step, answer),
        }
    }

    /// Deletes a service. Whoever raises its count once its tasks have stopped does not keep it.
    fn delete(&mut self, step: &Step, service: &str, force: bool) -> Result<(), Stop> {
        loop {
            match none_is_as_good(self.run.api.delete_service(self.cluster, service, force)) {
                Err(failure)
                    if !force
                        && failure.message.contains("while it is scaled above 0")
                        && self.run.api.now() < self.deadline =>
                {
                    self.run.api.wait(RAISED_AGAIN);
                    self.go_on()?;
                    self.scale_to_zero(service)?;
                    self.await_stopped(service)?;
                }
                answer => return self.called(step, answer),
            }
        }
    }

    /// Does a call whose request may have tags; where these are denied, it goes without them.
    fn tagged<T>(
        &mut self,
        step: &Step,
        request: &Request,
        call: impl Fn(&Request) -> Result<T, Failure>,
    ) -> Result<T, Stop> {
        let mut request = request.clone();
        if self.is_untagged {
            request.shift_remove("tags");
        }
        match call(&request) {
            Err(failure)
                if failure.kind == Kind::Denied
                    && failure.message.contains(TAG)
                    && request.shift_remove("tags").is_some() =>
            {
                self.is_untagged = true;
                let print = "shipctl iam policy --for deploy,extras";
                self.note(format!("made without its tags: {TAG} is not allowed; add it to the policy ({print})"));
                self.called(step, call(&request))
            }
            answer => self.called(step, answer),
        }
    }
}

/// Whether a revision cannot be deregistered because that is done, or it has been deleted.
fn is_gone(failure: &Failure) -> bool {
    let message = failure.message.to_ascii_lowercase();
    let words =
        ["inactive", "unable to describe task definition", "does not exist", "delete_in_progress", "being deleted"];
    failure.kind != Kind::Denied && words.iter().any(|word| message.contains(word))
}

/// Whether a failure is an answer: what was asked has not been done.
pub(super) fn is_refusal(failure: &Failure) -> bool {
    failure.kind != Kind::Network
}

/// To take something away that is not there is no failure.
fn none_is_as_good(answer: Result<(), Failure>) -> Result<(), Failure> {
    match answer {
        Err(failure)
            if matches!(failure.code.as_deref(), Some("ServiceNotFoundException" | "ServiceNotActiveException")) =>
        {
            Ok(())
        }
        other => other,
    }
}
