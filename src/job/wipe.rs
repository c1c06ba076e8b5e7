//! What a job directory has of secrets, gone: the job is over, and what it left is kept elsewhere.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;

use super::directory::Operation;
use super::params::SECURE;
use super::record::Record;
use crate::error::Error;
use crate::support::atomic;

/// Folders that hold nothing but secrets.
const FOLDERS: [&str; 3] = ["cliConfig", "secrets", "integrations"];

/// Files of an input or output that hold secrets.
const FILES: [&str; 3] = ["integration.json", "integration.env", "params"];

/// Removes every file that holds a secret, and takes secrets out of the rest. What tells that the directory is one of
/// ours, and what a second `job finish` needs to change nothing, stays.
pub fn wipe(root: &Path, record: &Record) -> Result<(), Error> {
    for folder in FOLDERS.map(|folder| root.join(folder)) {
        gone(&folder, fs::remove_dir_all(&folder))?;
    }
    let variables = root.join("scripts/integration_envs.env");
    gone(&variables, fs::remove_file(&variables))?;
    for one in &record.dependencies {
        let side = Operation::from(one.operation).as_str();
        let folder: PathBuf = root.join(side).join(&one.name);
        for file in FILES.map(|file| folder.join(file)) {
            gone(&file, fs::remove_file(&file))?;
        }
        if one.kind == "params" {
            without_secure(&folder.join("version.json"))?;
        }
    }
    let mut record = record.clone();
    record.masks.clear();
    record.cli_variables.clear();
    record.task_secrets.clear();
    record.write(root)
}

/// What was not there is gone as well.
fn gone(path: &Path, removed: io::Result<()>) -> Result<(), Error> {
    match removed {
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Err(Error::io("remove", path, &error))
        }
        _ => Ok(()),
    }
}

/// A file that a script has made into something else is left alone.
fn without_secure(file: &Path) -> Result<(), Error> {
    let Some(mut document) = fs::read(file).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok()) else {
        return Ok(());
    };
    let params = document.pointer_mut("/version/propertyBag/params").and_then(Value::as_object_mut);
    if params.and_then(|params| params.shift_remove(SECURE)).is_none() {
        return Ok(());
    }
    atomic::replace_bytes(file, document.to_string().as_bytes()).map_err(|error| Error::io("write", file, &error))
}
