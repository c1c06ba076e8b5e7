//! An example job directory, embedded in the binary.
//!
//! Its AWS keys are the ones of AWS's own documentation; the commits of its repository have fixed dates, so that it
//! is the same everywhere.

mod repository; // IN/app_repo/gitRepo, made by the git on the machine

use std::ffi::OsStr;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind};

macro_rules! embedded {
    ($($path:literal)*) => { &[$(($path, include_bytes!(concat!("example/files/", $path)))),*] };
}

/// Files, by their place in the job directory.
const FILES: &[(&str, &[u8])] = embedded! {
    "IN/settings/version.json"
    "IN/settings/params"
    "IN/app_repo/version.json"
    "IN/app_img/version.json"
    "IN/app_img/integration.json"
    "IN/app_img/integration.env"
    "IN/prod_cluster/version.json"
    "IN/prod_cluster/integration.json"
    "IN/prod_cluster/integration.env"
    "IN/staging_cluster/version.json"
    "IN/staging_cluster/integration.json"
    "IN/staging_cluster/integration.env"
    "IN/aws_cli/version.json"
    "IN/aws_cli/integration.json"
    "IN/aws_cli/integration.env"
    "IN/old_aws_cli/version.json"
    "IN/old_aws_cli/integration.json"
    "IN/old_aws_cli/integration.env"
    "IN/aws_env/version.json"
    "IN/aws_env/integration.json"
    "IN/aws_env/integration.env"
    "IN/deploy_news/version.json"
    "IN/deploy_news/integration.json"
    "IN/deploy_news/integration.env"
    "IN/infra_state/version.json"
    "IN/infra_state/state/terraform.tfstate"
    "OUT/released_img/version.json"
    "OUT/release_repo/version.json"
    "OUT/infra_state/version.json"
    "integrations/audit_keys/integration.json"
    "integrations/audit_keys/integration.env"
    "previousState/deploy_web.env"
    "previousState/release.json"
    "scripts/integration_envs.env"
    "secrets/app_repo_key.pem"
    "templates/service.json"
    "message.json"
    "script.sh"
};

/// A pipeline, to build job directories from.
const PIPELINE: &[(&str, &[u8])] = &[
    ("shippable.yml", include_bytes!("example/pipeline/shippable.yml")),
    ("integrations.yml", include_bytes!("example/pipeline/integrations.yml")),
    ("db_password", include_bytes!("example/pipeline/db_password")),
];

/// Folders that hold no file at the start.
const FOLDERS: [&str; 13] = [
    "IN/app_repo/gitRepo",
    "IN/app_img/image",
    "IN/prod_cluster/cluster",
    "IN/staging_cluster/cluster",
    "IN/aws_cli/cliConfig",
    "IN/old_aws_cli/cliConfig",
    "IN/aws_env/integration",
    "IN/deploy_news/notification",
    "OUT/released_img/image",
    "OUT/release_repo/gitRepo",
    "OUT/infra_state/state",
    "shared",
    "state",
];

/// The job, which has a `state/<name>.env` as each resource has.
const JOB: &str = "deploy_web";

/// What was made.
#[derive(Debug)]
pub struct Example {
    /// False when there is no git on the machine, so that the repository's folder is empty.
    pub has_repository: bool,
}

/// Makes the example at `target`, an absolute path: whole or not at all. `path` is where programs are looked for.
///
/// # Errors
///
/// A target that is there and is no empty folder, or a folder that cannot be written.
pub fn write(target: &Path, path: Option<&OsStr>) -> Result<Example, Error> {
    let mut has_repository = false;
    make(target, |root| {
        fill(root)?;
        has_repository = repository::make(&root.join("IN/app_repo/gitRepo"), path)?;
        Ok(())
    })?;
    Ok(Example { has_repository })
}

/// Makes a folder with the example of a pipeline: its `shippable.yml`, and its integrations.
///
/// # Errors
///
/// As [`write()`].
pub fn write_pipeline(target: &Path) -> Result<(), Error> {
    make(target, |root| PIPELINE.iter().try_for_each(|(below, content)| write_file(&root.join(below), content, 0o600)))
}

fn make(target: &Path, fill: impl FnOnce(&Path) -> Result<(), Error>) -> Result<(), Error> {
    let taken = |what: &str| {
        let message = format!("{}: {what}: name a folder that is empty or not there yet", target.display());
        Err(Error::new(Kind::Usage, message))
    };
    if target.is_symlink() {
        return taken("a link");
    }
    match std::fs::read_dir(target).map(|mut entries| entries.next().is_none()) {
        Ok(true) => {}
        Ok(false) => return taken("not empty"),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return taken("not a folder"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io("read", target, &error)),
    }
    let Some(parent) = target.parent().filter(|_| target.file_name().is_some()) else { return taken("no name") };
    std::fs::create_dir_all(parent).map_err(|error| Error::io("make", parent, &error))?;
    // Beside the target, private from the start, gone again unless it gets the target's name.
    let staged = tempfile::Builder::new()
        .prefix(".shipctl-example-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)
        .map_err(|error| Error::io("make a folder in", parent, &error))?;
    fill(staged.path())?;
    std::fs::rename(staged.path(), target).map_err(|error| Error::io("make", target, &error))?;
    // It has another name now: there is nothing left to remove.
    let _ = staged.keep();
    Ok(())
}

fn fill(root: &Path) -> Result<(), Error> {
    for below in FOLDERS {
        make_folder(&root.join(below))?;
    }
    for (below, content) in FILES {
        let mode = if *below == "script.sh" { 0o700 } else { 0o600 };
        write_file(&root.join(below), content, mode)?;
    }
    for name in resource_names() {
        write_file(&root.join("state").join(format!("{name}.env")), b"", 0o600)?;
    }
    Ok(())
}

/// The job, and every input and output once.
fn resource_names() -> std::collections::BTreeSet<&'static str> {
    let parts = FILES.iter().map(|(below, _)| below.split('/').collect::<Vec<_>>());
    let resources = parts.filter_map(|parts| match parts.as_slice() {
        ["IN" | "OUT", name, ..] => Some(*name),
        _ => None,
    });
    resources.chain([JOB]).collect()
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| Error::io("make", folder, &error))
}

fn write_file(file: &Path, content: &[u8], mode: u32) -> Result<(), Error> {
    make_folder(file.parent().map_or_else(PathBuf::new, Path::to_owned).as_path())?;
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(file)
        .and_then(|mut opened| opened.write_all(content));
    written.map_err(|error| Error::io("write", file, &error))
}
