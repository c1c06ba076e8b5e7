//! Logins to registries, as `docker login` leaves them.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use base64::Engine;
use serde_json::{Map, Value};

use super::CliConfig;
use super::setup::Setup;
use crate::aws::ecr::Login;
use crate::credentials::docker::{Config, registry_key};
use crate::ctx::Env;
use crate::error::Error;

/// The login of an integration; without an address it is Docker Hub's, or Quay's.
pub(super) fn registry(setup: &mut Setup, entry: &CliConfig, quay: bool) {
    let address = match entry.record.text("url") {
        Some(url) => url,
        None if quay => "quay.io",
        None => "",
    };
    setup.logins.push(login(registry_key(address), entry.field("username"), entry.field("password")));
}

/// A login of this user.
pub(super) fn login(registry: &str, user: &str, password: &str) -> Login {
    let token = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    Login { endpoint: registry.to_owned(), token: token.into(), expires: None }
}

/// What Docker keeps beside its logins: plugins, and the contexts without which it may not find its daemon.
const KEPT_FOLDERS: [&str; 2] = ["cli-plugins", "contexts"];

/// The settings that go with them.
const KEPT_SETTINGS: [&str; 3] = ["currentContext", "proxies", "cliPluginsExtraDirs"];

/// Logs in, in a folder that stands in for the user's own: its logins stay where they are.
pub(super) fn finish(setup: &mut Setup, env: &Env) -> Result<(), Error> {
    let folder = setup.tool_folder("docker")?;
    let home = || env.get_filled("HOME").map(|home| PathBuf::from(home).join(".docker"));
    if let Some(own) = env.get_filled("DOCKER_CONFIG").map(PathBuf::from).or_else(home) {
        keep(setup, &own, &folder)?;
    }
    Config::in_folder(&folder).log_in(&setup.logins)?;
    setup.set_path("DOCKER_CONFIG", &folder);
    Ok(())
}

fn keep(setup: &Setup, own: &Path, folder: &Path) -> Result<(), Error> {
    let file = folder.join("config.json");
    if file.exists() {
        return Ok(());
    }
    for name in KEPT_FOLDERS {
        let (there, here) = (own.join(name), folder.join(name));
        if there.is_dir() && !here.exists() {
            symlink(&there, &here).map_err(|error| Error::io("link", &here, &error))?;
        }
    }
    // A file that cannot be read has nothing to give; Docker itself would say so.
    let text = std::fs::read(own.join("config.json")).unwrap_or_default();
    let settings: Map<String, Value> = serde_json::from_slice(&text).unwrap_or_default();
    let kept: Map<String, Value> =
        settings.into_iter().filter(|(name, _)| KEPT_SETTINGS.contains(&name.as_str())).collect();
    if kept.is_empty() { Ok(()) } else { setup.write(&file, Value::Object(kept).to_string().as_bytes()) }
}
