//! What a deploy job asks for: services and their task definitions, in the words of the API.
//!
//! The options of each step are read on their own (`docker_options`, `params`, `replicas`, `load_balancer`), so
//! that what is wrong with one is said at its own line; `inputs` puts them over the manifests in step order, and
//! `service` unites them.

mod digests; // what is kept of secrets
mod docker_options; // fields of containers
mod field; // values and their places
mod formats; // ports, volumes, hosts, limits
mod image; // image references
mod inputs; // jobs in jobs
mod load_balancer; // where tasks are registered
mod merge; // unions
mod params; // environments
mod ports; // ports that are mapped twice, or not at all
mod replicas; // counts and auto scaling
mod service; // all of it together
mod settings; // what the job itself says
mod shapes; // what AWS takes
mod shown; // masks
mod templates; // placeholders
mod volumes; // mounts and volumes

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use digests::{changed_secrets, is_digest, kept};
pub use shown::{masked, masked_request, shown, shown_again};

use crate::aws::ecs::Request;
use crate::config::shippable::{Job, Pipeline};
use crate::error::{Error, Kind};
use crate::job::build::sources::{Secrets, Versions};
use crate::job::names;
use crate::support::secret::SecretText;
use field::{Findings, Said};
use inputs::Walk;
use settings::Settings;

/// What a person asked for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `--image RESOURCE=TAG`: the version names of images.
    pub images: Vec<(String, String)>,
    /// The number of the build.
    pub build_number: String,
    /// `--timeout`, instead of `maxWaitTime`.
    pub timeout: Option<Duration>,
}

/// Where versions and secrets come from. Nothing is made there.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// Versions of resources.
    pub versions: &'a dyn Versions,
    /// What the references of `secure` stand for.
    pub secrets: &'a dyn Secrets,
}

impl fmt::Debug for Sources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

/// How a new version takes the place of the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Method {
    /// A new service beside the old one, which goes when the new one is steady.
    #[default]
    BlueGreen,
    /// The service is changed in place.
    Upgrade,
    /// The old tasks stop before the new ones start.
    Replace,
}

/// The cluster of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The resource.
    pub resource: String,
    /// The cluster's own name: `sourceName`.
    pub name: String,
    /// The region.
    pub region: Option<String>,
    /// The integration that its credentials come from.
    pub integration: Option<String>,
}

/// What a deploy job asks for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The job.
    pub job: String,
    /// Where to.
    pub cluster: Cluster,
    /// How.
    pub method: Method,
    /// Whether manifests go side by side: `workflow: parallel`.
    pub parallel: bool,
    /// How long one service may take: `maxWaitTime`.
    pub max_wait: Duration,
    /// How long a new service has to stay steady: `stabilityDuration`.
    pub stability: Duration,
    /// One service for each manifest, in the order of the steps.
    pub services: Vec<WantedService>,
    /// What was given and has no meaning here, one line each.
    pub warnings: Vec<String>,
}

/// What a manifest becomes.
#[derive(Clone)]
pub struct WantedService {
    /// The manifest.
    pub manifest: String,
    /// The name without a build number: `<job>-<manifest>`, or `deployName`. Also the task definition's family, unless
    /// `taskDefinition.family` says otherwise.
    pub name: String,
    /// Whether it is deployed even when nothing has changed.
    pub force: bool,
    /// The request of `RegisterTaskDefinition`, complete.
    pub task_definition: Request,
    /// The request of `CreateService`, without `cluster`, `serviceName` and `taskDefinition`. It has a `role` when one
    /// was named.
    pub service: Request,
    /// Whether a load balancer needs a role that was not named: one is looked for.
    pub wants_role: bool,
    /// Auto scaling.
    pub scaling: Option<Scaling>,
    /// The images, `name → source:tag`.
    pub images: Vec<(String, String)>,
    /// Values that must not be shown or kept: those of `secure`.
    pub secrets: Vec<SecretText>,
}

/// Auto scaling of a service, in the words of the API. What the service's name is part of is filled in later:
/// `ResourceId` where it is not given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scaling {
    /// The request of `RegisterScalableTarget`.
    pub target: Option<Request>,
    /// Requests of `PutScalingPolicy`.
    pub policies: Vec<Request>,
    /// Requests of `PutMetricAlarm`; an action that is a policy's name stands for its ARN.
    pub alarms: Vec<Request>,
}

/// Secrets masked.
impl fmt::Debug for WantedService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("WantedService");
        shown.field("manifest", &self.manifest).field("name", &self.name).field("force", &self.force);
        shown.field("wanted", &self::shown(self).to_string()).field("wants_role", &self.wants_role);
        shown.field("images", &self.images).finish_non_exhaustive()
    }
}

/// Works out what a deploy job asks for, from the yml and the store. Nothing is written, and AWS is not asked.
///
/// # Errors
///
/// [`Kind::Configuration`]: everything that is wrong or missing, each with file, line and what was expected.
/// [`Kind::Usage`]: an option that names no image of the job. What the store fails with.
pub fn wanted(pipeline: &Pipeline, job: &str, options: &Options, sources: &Sources) -> Result<Wanted, Error> {
    let job = deploy_job(pipeline, job)?;
    let mut walk = Walk::new(pipeline, options, sources);
    let mut units = walk.units(job, &job.yml.at)?;
    let (mut found, clusters) = (walk.found, walk.clusters);
    let cluster = cluster(job, &clusters, &mut found);
    let settings = Settings::of(job, units.len(), &mut found);
    if units.is_empty() && found.errors.is_empty() {
        let text = format!("{} has nothing to deploy: add `- IN: MANIFEST` to its steps", job.name);
        found.error(&job.yml.at, text);
    }
    // What is wrong with one part makes others look wrong.
    found.check()?;
    for unit in &mut units {
        unit.force |= settings.force;
        if unit.deploy_name.is_none() {
            unit.deploy_name.clone_from(&settings.deploy_name);
        }
    }
    let services: Vec<WantedService> =
        units.iter().map(|unit| service::service(job, unit, &units, &mut found)).collect();
    check_together(job, &services, &mut found);
    check_images(job, options, &services)?;
    found.check()?;
    let Some(cluster) = cluster else { return Err(Error::new(Kind::Configuration, "no cluster")) };
    Ok(Wanted {
        job: job.name.clone(),
        cluster,
        method: settings.method,
        parallel: settings.parallel,
        max_wait: options.timeout.unwrap_or(settings.max_wait),
        stability: settings.stability,
        services,
        warnings: found.warnings,
    })
}

/// A job that is there, in order, and a deploy job.
fn deploy_job<'a>(pipeline: &'a Pipeline, job: &str) -> Result<&'a Job, Error> {
    let job = pipeline.require_job(job)?;
    if job.kind != "deploy" {
        let at = job.yml.get("type").map_or(&job.yml.at, |node| &node.at);
        let deploys = pipeline.jobs.iter().filter(|one| one.kind == "deploy").map(|one| one.name.as_str());
        let there = match deploys.collect::<Vec<_>>().as_slice() {
            [] => "there are none here".to_owned(),
            some => format!("here: {}", some.join(", ")),
        };
        let message = format!("{at}: {} is a {} job: a deploy job was expected ({there})", job.name, job.kind);
        return Err(Error::new(Kind::Configuration, message));
    }
    Ok(job)
}

/// The cluster of a deploy job, as the yml has it, without the rest.
///
/// # Errors
///
/// [`Kind::Configuration`]: no such job, no deploy job, or none or several clusters.
pub fn cluster_of(pipeline: &Pipeline, job: &str) -> Result<Cluster, Error> {
    let job = deploy_job(pipeline, job)?;
    let mut clusters = job
        .dependencies()
        .filter_map(|step| pipeline.resource(&step.name).filter(|resource| resource.kind == "cluster"));
    let (Some(resource), None) = (clusters.next(), clusters.next()) else {
        let message = format!("{}: {} has to have one cluster: `- IN: CLUSTER` in its steps", job.yml.at, job.name);
        return Err(Error::new(Kind::Configuration, message));
    };
    let (_, section) = resource.section();
    let text = |key: &str| section.get(key).and_then(serde_json::Value::as_str).map(ToOwned::to_owned);
    Ok(Cluster {
        resource: resource.name.clone(),
        name: text("sourceName").unwrap_or_else(|| resource.name.clone()),
        region: text("region"),
        integration: resource.integration.as_ref().map(|integration| integration.name.clone()),
    })
}

/// The one cluster of a job.
fn cluster(job: &Job, clusters: &[Said], found: &mut Findings) -> Option<Cluster> {
    let said = match clusters {
        [said] => said,
        [] => {
            let text = format!("{} has no cluster: add `- IN: CLUSTER` to its steps", job.name);
            found.error(&job.yml.at, text);
            return None;
        }
        [first, second, ..] => {
            let text =
                format!("{} has the clusters {} and {}: one was expected", job.name, first.name(), second.name());
            found.error(&second.step.at, text);
            return None;
        }
    };
    said.left_out(&["sourceName", "region"], found);
    let name = said.required("sourceName", "CLUSTER", found)?;
    let region = said.get("region").and_then(|field| field.text(found)).filter(|region| !region.is_empty());
    let integration = said.resource.integration.as_ref().map(|named| named.name.clone());
    Some(Cluster { resource: said.name().to_owned(), name, region, integration })
}

/// What one service has to know of the others.
fn check_together(job: &Job, services: &[WantedService], found: &mut Findings) {
    for (at, service) in services.iter().enumerate() {
        if let Some(other) = services[..at].iter().find(|other| other.name == service.name) {
            let text = format!("{} and {} would both be called {}", other.manifest, service.manifest, service.name);
            found.error(&job.yml.at, text);
        }
    }
    let scalings = || services.iter().filter_map(|service| service.scaling.as_ref());
    let mut alarms: Vec<&str> = Vec::new();
    for scaling in scalings() {
        for name in scaling.alarms.iter().filter_map(|alarm| alarm.get("AlarmName")?.as_str()) {
            if alarms.contains(&name) {
                found.warn(
                    &job.yml.at,
                    format_args!("the alarm {name} is that of several services: the last one counts"),
                );
            }
            alarms.push(name);
        }
    }
}

/// `--image` has to name an image of the job.
fn check_images(job: &Job, options: &Options, services: &[WantedService]) -> Result<(), Error> {
    let known = || services.iter().flat_map(|service| &service.images).map(|(name, _)| name.as_str());
    for (name, _) in &options.images {
        if !known().any(|image| image == name) {
            let near = names::did_you_mean(name, known());
            let message = format!("--image {name}: {} deploys no image of this name{near}", job.name);
            return Err(Error::new(Kind::Usage, message));
        }
    }
    Ok(())
}

impl WantedService {
    /// Whether ECS runs one task on each instance.
    pub fn is_daemon(&self) -> bool {
        self.service.get("schedulingStrategy").and_then(serde_json::Value::as_str) == Some("DAEMON")
    }

    /// The family of its task definition.
    pub fn family(&self) -> &str {
        self.task_definition.get("family").and_then(serde_json::Value::as_str).unwrap_or(&self.name)
    }
}
