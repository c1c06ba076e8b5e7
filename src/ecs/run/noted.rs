//! What is written down before a step and after it, so that whoever comes next knows of it.

use super::work::{Stop, Work, is_refusal};
use crate::ecs::memory::{Deployed, Leftover};
use crate::ecs::steps::{Step, other_fields, scaled_names, scaling_taken};
use crate::error::Error;

impl Work<'_> {
    /// What is about to be made or changed, so that the next deployment knows of it when this one is killed.
    pub(super) fn write_down(&self, step: &Step) -> Result<(), Error> {
        let (book, cluster) = (self.book, self.cluster);
        match step {
            Step::Create { service, request } => {
                let asked = request.get("taskDefinition").and_then(|arn| arn.as_str()).map(ToOwned::to_owned);
                let leftover = Leftover::Service {
                    manifest: self.manifest.to_owned(),
                    name: service.clone(),
                    cluster: Some(cluster.to_owned()),
                    build_number: self.run.options.build_number.clone(),
                    task_definition: asked.or_else(|| self.registered.clone()),
                    scaling: None,
                };
                book.change(|memory| memory.leave(leftover))
            }
            // What serves is changed; not its count by hand.
            Step::Update { service, request, registered } if *registered || request.contains_key("taskDefinition") => {
                let others = |was: &Deployed| other_fields(request, was);
                let sent = book.of(self.manifest).as_ref().map(others).unwrap_or_default();
                book.change(|memory| memory.changes(cluster, service, self.count, sent))
            }
            Step::ScaleToZero { service } => book.change(|memory| memory.stops(cluster, service, self.count)),
            step => self.write_scaling_down(step),
        }
    }

    /// Auto scaling that is about to be made, or taken away. When the new version serves, the old one's is no loss.
    fn write_scaling_down(&self, step: &Step) -> Result<(), Error> {
        let step = std::slice::from_ref(step);
        if let Some(made) = scaled_names(step) {
            return self.book.change(|memory| memory.scales(self.cluster, &self.target, &made));
        }
        match scaling_taken(step).filter(|_| !self.is_committed) {
            Some(taken) => self.book.change(|memory| memory.unscales(&taken, self.count)),
            None => Ok(()),
        }
    }

    /// What has become of it; `before`: what served.
    pub(super) fn cross_off(&self, step: &Step, cause: Option<&Stop>, before: Option<Deployed>) -> Result<(), Error> {
        let (book, cluster) = (self.book, self.cluster);
        match (step, cause) {
            (Step::Register(_), None) => {
                let arn = self.registered.clone().unwrap_or_default();
                let leftover = Leftover::TaskDefinition { manifest: self.manifest.to_owned(), arn };
                book.change(|memory| memory.leave(leftover))
            }
            (Step::Create { service, .. }, Some(Stop::Call { failure, .. })) if is_refusal(failure) => {
                book.change(|memory| memory.service_is_gone(cluster, service))
            }
            // What was refused has changed nothing.
            (_, Some(Stop::Call { failure, .. })) if is_refusal(failure) => book.change(|memory| {
                if let Some(before) = before {
                    memory.has_begun(&before.cluster, &before.service, before.unfinished);
                }
            }),
            (Step::AwaitGone { service }, None) => book.change(|memory| memory.service_is_gone(cluster, service)),
            (Step::Deregister { task_definition }, None) => book.change(|memory| {
                if memory.uses(task_definition) {
                    memory.revision_stays(self.manifest, task_definition);
                } else {
                    memory.revision_is_gone(task_definition);
                }
            }),
            (step, None) if self.is_committed => match scaling_taken(std::slice::from_ref(step)) {
                Some(taken) => book.change(|memory| memory.scales_no_more(&taken)),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}
