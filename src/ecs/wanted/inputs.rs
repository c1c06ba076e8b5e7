//! What a deploy job takes in: a cluster, manifests, and what overrides them, one job in another.

use std::rc::Rc;

use super::docker_options::{DockerOptions, docker_options};
use super::field::{Findings, Said};
use super::image::{Image, image};
use super::load_balancer::{Balancer, balancer};
use super::params::{self, Variable};
use super::replicas::{Replicas, replicas};
use super::settings::slips;
use super::templates::Values;
use super::{Options, Sources};
use crate::config::shippable::{Dependency, Job, Named, Pipeline, Resource};
use crate::config::yaml::{Node, Place, Value as Yaml, refused};
use crate::error::Error;
use crate::job::build::select;
use crate::job::directory::Operation;
use crate::job::names;

/// A manifest, and everything that is put over it, in order.
#[derive(Debug)]
pub(super) struct Unit<'a> {
    pub manifest: &'a Job,
    pub images: Vec<Image>,
    pub layers: Vec<Rc<Layer>>,
    pub force: bool,
    pub deploy_name: Option<Named>,
}

/// What one step asks for.
#[derive(Debug)]
pub(super) struct Layer {
    pub body: Body,
    /// `applyTo`: names of images or manifests; none for all.
    only: Option<Vec<Named>>,
    /// Whether it is a manifest's own, which a deploy job overrides.
    pub in_manifest: bool,
}

/// The kinds of options.
#[derive(Debug)]
pub(super) enum Body {
    Docker(DockerOptions),
    Params(Vec<Variable>),
    Replicas(Replicas),
    Balancer(Balancer),
}

impl Layer {
    /// Whether it is for a container of a manifest.
    pub fn is_for(&self, manifest: &str, image: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|one| one.name == manifest || one.name == image))
    }

    /// Whether it is for a manifest, or for one of its containers.
    pub fn concerns(&self, unit: &Unit) -> bool {
        unit.images.iter().any(|image| self.is_for(&unit.manifest.name, &image.name))
    }
}

/// What steps may say.
const STEP: [&str; 6] = ["IN", "applyTo", "force", "deployName", "versionName", "versionNumber"];

/// The way through the jobs.
pub(super) struct Walk<'a, 's> {
    pub pipeline: &'a Pipeline,
    pub options: &'s Options,
    pub sources: &'s Sources<'s>,
    pub found: Findings,
    /// Clusters of the outermost job, and where its steps name them.
    pub clusters: Vec<Said<'a>>,
    /// The jobs that one is in, the outermost first.
    trail: Vec<&'a str>,
}

impl<'a, 's> Walk<'a, 's> {
    pub fn new(pipeline: &'a Pipeline, options: &'s Options, sources: &'s Sources<'s>) -> Self {
        Self { pipeline, options, sources, found: Findings::default(), clusters: Vec::new(), trail: Vec::new() }
    }

    /// The manifests of a job, in the order of the steps.
    pub fn units(&mut self, job: &'a Job, at: &Place) -> Result<Vec<Unit<'a>>, Error> {
        if self.trail.contains(&job.name.as_str()) {
            let way = self.trail.join(" → ");
            return Err(refused(at, format_args!("{way} → {}: jobs that take each other in", job.name)));
        }
        self.pipeline.require_job(&job.name)?;
        for step in inputs(job) {
            slips(&step.step, &format!("IN: {}", step.name), &STEP, &mut self.found);
        }
        self.trail.push(&job.name);
        let units = match job.kind.as_str() {
            "manifest" => vec![self.manifest(job)?],
            "release" => self.collected(job)?,
            _ => self.deploy(job)?,
        };
        self.trail.pop();
        Ok(units)
    }

    fn manifest(&mut self, job: &'a Job) -> Result<Unit<'a>, Error> {
        let mut unit = Unit { manifest: job, images: Vec::new(), layers: Vec::new(), force: false, deploy_name: None };
        let mut has_files = None;
        let mut values = self.values(job);
        for step in inputs(job) {
            let Some(resource) = self.pipeline.resource(&step.name) else { continue };
            match resource.kind.as_str() {
                "image" => {
                    let said = self.said(step, resource, &mut values)?;
                    unit.images.extend(image(&said, &mut self.found));
                }
                "file" => has_files = Some(step),
                _ => unit.layers.extend(self.layer(step, resource, true, &mut values)?.map(Rc::new)),
            }
        }
        if let Some(step) = has_files {
            let text = format!("{} takes in the file {}: ECS runs images only", job.name, step.name);
            self.found.error(&step.at, text);
        } else if unit.images.is_empty() && self.found.errors.is_empty() {
            let text = format!("the manifest {} has no image: add `- IN: IMAGE` to its steps", job.name);
            self.found.error(&job.yml.at, text);
        }
        let own: Vec<&str> = unit.images.iter().map(|image| image.name.as_str()).collect();
        for layer in &unit.layers {
            check_only(layer, &own, &[&job.name], &mut self.found);
            if let Body::Balancer(balancer) = &layer.body {
                check_targets(balancer, &[&unit], &mut self.found);
            }
        }
        Ok(unit)
    }

    /// The manifests of the jobs that a release or deploy job takes in. What is said of their deployment elsewhere
    /// (`force`, `deployName`) does not come along.
    fn collected(&mut self, job: &'a Job) -> Result<Vec<Unit<'a>>, Error> {
        let mut units: Vec<Unit<'a>> = Vec::new();
        for step in inputs(job) {
            let Some(inner) = self.pipeline.job(&step.name) else { continue };
            if !matches!(inner.kind.as_str(), "manifest" | "release" | "deploy") {
                continue;
            }
            if let Some(node) = step.option("versionNumber").or_else(|| step.option("versionName")) {
                let text =
                    format!("{} is taken as the yml has it: pin the versions of its resources instead", inner.name);
                self.found.warn(&node.at, text);
            }
            let mut inner_units = self.units(inner, &step.at)?;
            let name = deploy_name(step.option("deployName"), inner_units.len(), &mut self.found);
            for unit in &mut inner_units {
                (unit.force, unit.deploy_name) = (step.is_set("force"), name.clone());
            }
            for unit in inner_units {
                match units.iter_mut().find(|known| known.manifest.name == unit.manifest.name) {
                    Some(known) => {
                        let text = format!("the manifest {} is there twice: the later counts", unit.manifest.name);
                        self.found.warn(&step.at, text);
                        *known = unit;
                    }
                    None => units.push(unit),
                }
            }
        }
        Ok(units)
    }

    fn deploy(&mut self, job: &'a Job) -> Result<Vec<Unit<'a>>, Error> {
        let is_outermost = self.trail.len() == 1;
        let mut units = self.collected(job)?;
        let mut values = self.values(job);
        let mut layers = Vec::new();
        for step in inputs(job) {
            let Some(resource) = self.pipeline.resource(&step.name) else { continue };
            if resource.kind == "cluster" {
                if is_outermost {
                    let said = self.said(step, resource, &mut values)?;
                    self.clusters.push(said);
                }
                continue;
            }
            if resource.kind == "loadBalancer" && !is_outermost {
                let text = format!("the loadBalancer {} stays with {}: name it in this job, too", step.name, job.name);
                self.found.warn(&step.at, text);
                continue;
            }
            layers.extend(self.layer(step, resource, false, &mut values)?.map(Rc::new));
        }
        let manifests: Vec<&str> = units.iter().map(|unit| unit.manifest.name.as_str()).collect();
        let images: Vec<&str> = units.iter().flat_map(|unit| &unit.images).map(|image| image.name.as_str()).collect();
        for layer in &layers {
            check_only(layer, &images, &manifests, &mut self.found);
            if let Body::Balancer(balancer) = &layer.body {
                check_targets(balancer, &units.iter().collect::<Vec<_>>(), &mut self.found);
            }
        }
        for unit in &mut units {
            unit.layers.extend(layers.iter().cloned());
        }
        Ok(units)
    }

    /// Numbers that are read as others than were written: 1.10 is 1.1, and so another tag.
    fn remarks(&mut self, resource: &Resource) {
        for remark in self.pipeline.remarks.iter().filter(|remark| resource.yml.holds(&remark.at)) {
            self.found.warn(&remark.at, format_args!("{}: {}", resource.name, remark.text));
        }
    }

    fn values(&self, job: &Job) -> Values {
        Values::of_job(&job.name, &job.kind, &self.options.build_number)
    }

    /// A resource as its version has it, placeholders filled in.
    fn said(&mut self, step: &'a Dependency, resource: &'a Resource, values: &mut Values) -> Result<Said<'a>, Error> {
        if resource.kind == "image" {
            self.remarks(resource);
        }
        let image = self.options.images.iter().rev().find(|(name, _)| *name == resource.name);
        let called = image.filter(|_| resource.kind == "image").map(|(_, tag)| tag.as_str());
        let chosen = select::input(step, resource, called, self.sources.versions)?;
        let mut said = Said::of(&chosen, resource);
        values.fill(&mut said, &mut self.found);
        Ok(said)
    }

    /// What a step asks for; nothing for resources that only start the job.
    fn layer(
        &mut self,
        step: &'a Dependency,
        resource: &'a Resource,
        in_manifest: bool,
        values: &mut Values,
    ) -> Result<Option<Layer>, Error> {
        let body = match resource.kind.as_str() {
            "params" => {
                self.remarks(resource);
                let chosen = select::input(step, resource, None, self.sources.versions)?;
                let said = Said::of(&chosen, resource);
                let variables = params::params(&chosen, &said, self.sources.secrets, &mut self.found)?;
                values.add(&variables);
                Body::Params(variables)
            }
            "dockerOptions" => {
                let said = self.said(step, resource, values)?;
                Body::Docker(docker_options(&said, &mut self.found))
            }
            "replicas" => {
                let said = self.said(step, resource, values)?;
                Body::Replicas(replicas(&said, &mut self.found))
            }
            "loadBalancer" => {
                let said = self.said(step, resource, values)?;
                let Some(balancer) = balancer(&said, in_manifest, &mut self.found) else { return Ok(None) };
                return Ok(Some(Layer { body: Body::Balancer(balancer), only: None, in_manifest }));
            }
            _ => return Ok(None),
        };
        let only = step.option("applyTo").map(|node| only(step, node, &mut self.found));
        Ok(Some(Layer { body, only, in_manifest }))
    }
}

/// The inputs of a job, in order.
fn inputs(job: &Job) -> impl Iterator<Item = &Dependency> {
    job.dependencies().filter(|step| step.operation == Operation::In)
}

/// `deployName` of a step or a job; it is one service's.
pub(super) fn deploy_name(node: Option<&Node>, services: usize, found: &mut Findings) -> Option<Named> {
    let node = node?;
    let Some(name) = node.scalar().filter(|name| !name.is_empty()) else {
        found.error(&node.at, format_args!("deployName is {}: a name was expected", node.kind()));
        return None;
    };
    if services > 1 {
        let text =
            format!("deployName {name} would be the name of {services} services: name each at its manifest's step");
        found.error(&node.at, text);
        return None;
    }
    Some(Named { name, at: node.at.clone() })
}

fn only(step: &Dependency, node: &Node, found: &mut Findings) -> Vec<Named> {
    let elements = match &node.value {
        Yaml::List(elements) => elements.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if elements.is_empty() {
        found.warn(&node.at, format_args!("applyTo of {} is empty: {} is left out", step.name, step.name));
    }
    let mut names = Vec::new();
    for element in elements {
        let Some(name) = element.scalar() else {
            let text = format!(
                "applyTo of {} has {}: the name of an image or a manifest was expected",
                step.name,
                element.kind()
            );
            found.error(&element.at, text);
            continue;
        };
        names.push(Named { name, at: element.at.clone() });
    }
    names
}

fn check_only(layer: &Layer, images: &[&str], manifests: &[&str], found: &mut Findings) {
    for one in layer.only.iter().flatten() {
        if !images.contains(&one.name.as_str()) && !manifests.contains(&one.name.as_str()) {
            let near = names::did_you_mean(&one.name, images.iter().chain(manifests).copied());
            found.error(&one.at, format_args!("applyTo: no image or manifest {} in this job{near}", one.name));
        }
    }
}

fn check_targets(balancer: &Balancer, units: &[&Unit], found: &mut Findings) {
    for target in &balancer.targets {
        let own = |unit: &&&Unit| target.manifest.as_ref().is_none_or(|name| *name == unit.manifest.name);
        let Some(unit) = units.iter().find(own) else {
            let name = target.manifest.as_deref().unwrap_or_default();
            let near = names::did_you_mean(name, units.iter().map(|unit| unit.manifest.name.as_str()));
            found.error(&target.at, format_args!("applyTo of {}: no manifest {name} in this job{near}", balancer.name));
            continue;
        };
        if !unit.images.iter().any(|image| image.name == target.image) {
            let near = names::did_you_mean(&target.image, unit.images.iter().map(|image| image.name.as_str()));
            let text = format!(
                "applyTo of {}: no image {} in the manifest {}{near}",
                balancer.name, target.image, unit.manifest.name
            );
            found.error(&target.at, text);
        }
    }
}
