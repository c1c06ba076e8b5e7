//! cliConfig inputs of a job directory in the making: their tools are configured, in files private to it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::commands::aws::ForJob;
use crate::config::integrations::Record as Integration;
use crate::config::shippable::{Job, Pipeline};
use crate::ctx::Ctx;
use crate::error::Error;
use crate::job::build::Staged;
use crate::job::cli_config::{self, CliConfig, Place};
use crate::job::directory::Operation;
use crate::job::record::{Record, Side};
use crate::support::{atomic, shell};

/// The folder of their files, below the job directory.
const FOLDER: &str = "cliConfig";

/// Configures them; the notes say what was not done. What they need of the environment is in the record, and in
/// `scripts/integration_envs.env` for whoever sources that.
pub(super) fn configure(
    ctx: &Ctx,
    pipeline: &Pipeline,
    job: &Job,
    staged: &mut Staged,
    integrations: &BTreeMap<String, Integration>,
) -> Result<Vec<String>, Error> {
    let root = &staged.path().to_owned();
    let dir = &staged.dir().to_owned();
    let record = staged.record_mut();
    let entries = entries(pipeline, job, root, integrations, record);
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let ctx = Ctx { job_dir: Some(root.to_owned()), ..ctx.clone() };
    let folder = root.join(FOLDER);
    let place = Place { folder: &folder, moves: Some((root, dir)) };
    let configured = cli_config::configure(&entries, place, &ctx.env, &ForJob(&ctx))?;
    let mut exports = Vec::new();
    for (name, value) in configured.variables {
        exports.extend_from_slice(format!("export {name}=").as_bytes());
        exports.extend_from_slice(&shell::posix_quote(value.expose()));
        exports.push(b'\n');
        record.cli_variables.push((name, String::from_utf8_lossy(value.expose()).into_owned()));
    }
    record.cli_removed = configured.removed.into_iter().map(ToOwned::to_owned).collect();
    let masks = configured.secrets.iter().map(|secret| String::from_utf8_lossy(secret.expose()).into_owned());
    record.masks = masks.collect();
    let file = root.join("scripts/integration_envs.env");
    atomic::replace_bytes(&file, &exports).map_err(|error| Error::io("write", &file, &error))?;
    record.write(root)?;
    Ok(configured.notes)
}

fn entries(
    pipeline: &Pipeline,
    job: &Job,
    root: &Path,
    integrations: &BTreeMap<String, Integration>,
    record: &Record,
) -> Vec<CliConfig> {
    let inputs = job.dependencies().filter(|dependency| dependency.operation == Operation::In);
    let entry = |dependency: &crate::config::shippable::Dependency| {
        let resource = pipeline.resource(&dependency.name).filter(|resource| resource.kind == "cliConfig")?;
        let integration = integrations.get(&resource.integration.as_ref()?.name)?;
        let same = |one: &&crate::job::record::Recorded| one.operation == Side::In && one.name == dependency.name;
        let recorded = record.dependencies.iter().find(same);
        let bag = recorded.and_then(|one| one.version.as_ref()?.get("propertyBag")?.as_object().cloned());
        Some(CliConfig {
            resource: dependency.name.clone(),
            record: integration.clone(),
            property_bag: bag.unwrap_or_default(),
            scopes: dependency.scopes(),
            meta: root.join("IN").join(&dependency.name),
        })
    };
    inputs.filter_map(entry).collect()
}
