//! Docker's `config.json`, and its credential helpers.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

use super::shared_files::{lock_folder, replace_private};
use crate::aws::ecr::Login;
use crate::ctx::Env;
use crate::error::{Error, Kind};

/// The file that Docker keeps logins in.
#[derive(Debug)]
pub struct Config {
    path: PathBuf,
}

impl Config {
    /// `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`.
    pub fn of(env: &Env) -> Result<Self, Error> {
        let folder = env.get_filled("DOCKER_CONFIG").map(PathBuf::from);
        let folder = folder.or_else(|| env.get_filled("HOME").map(|home| PathBuf::from(home).join(".docker")));
        let folder = folder
            .ok_or_else(|| Error::new(Kind::Configuration, "neither DOCKER_CONFIG nor HOME is set: set one of them"))?;
        Ok(Self { path: folder.join("config.json") })
    }

    /// The file in a folder that `DOCKER_CONFIG` is to name.
    pub fn in_folder(folder: &Path) -> Self {
        Self { path: folder.join("config.json") }
    }

    /// Logs in to registries as `docker login` does: through the store that the file names, else in the file itself.
    pub fn log_in(&self, logins: &[Login]) -> Result<(), Error> {
        let _lock = lock_folder(&self.path)?;
        let mut config = self.read()?;
        let mut changed = false;
        for login in logins {
            let host = if login.endpoint == HUB { HUB } else { host(&login.endpoint) };
            if let Some(store) = store_of(&config, host) {
                store_login(&store, login)?;
                continue;
            }
            let auths = config.entry("auths").or_insert_with(|| json!({}));
            let Some(auths) = auths.as_object_mut() else {
                return Err(self.error("auths is not an object: correct or remove it"));
            };
            auths.insert(host.to_owned(), json!({"auth": login.token.expose()}));
            changed = true;
        }
        if !changed {
            return Ok(());
        }
        let mut text = serde_json::to_vec_pretty(&config).map_err(|error| self.error(&error.to_string()))?;
        text.push(b'\n');
        replace_private(&self.path, &text).map_err(|error| Error::io("write", &self.path, &error))
    }

    fn read(&self) -> Result<Map<String, Value>, Error> {
        let text = match std::fs::read(&self.path) {
            Ok(text) if text.trim_ascii().is_empty() => return Ok(Map::new()),
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Map::new()),
            Err(error) => return Err(Error::io("read", &self.path, &error)),
        };
        match serde_json::from_slice(&text) {
            Ok(Value::Object(config)) => Ok(config),
            Ok(_) => Err(self.error("not a JSON object")),
            Err(error) => Err(self.error(&error.to_string())),
        }
    }

    fn error(&self, cause: &str) -> Error {
        Error::new(Kind::Configuration, format_args!("{}: {cause}", self.path.display()))
    }
}

/// Docker Hub, as the file names it.
pub const HUB: &str = "https://index.docker.io/v1/";

/// The key of a registry in the file, from an address as people write it; an empty one is Docker Hub's.
pub fn registry_key(address: &str) -> &str {
    let bare = address.trim();
    let bare = bare.strip_prefix("https://").or_else(|| bare.strip_prefix("http://")).unwrap_or(bare);
    let name = bare.split('/').next().unwrap_or_default();
    let is_hub = matches!(
        name,
        "" | "docker.io" | "index.docker.io" | "hub.docker.com" | "registry.hub.docker.com" | "registry-1.docker.io"
    );
    if is_hub { HUB } else { name }
}

/// The registry's name without the scheme.
pub fn host(endpoint: &str) -> &str {
    endpoint.strip_prefix("https://").unwrap_or(endpoint).trim_end_matches('/')
}

/// The account, and the region, in the name of an ECR registry.
pub fn ecr_registry(server: &str) -> Option<(&str, &str)> {
    let host = host(server).split('/').next()?;
    let (account, rest) = host.split_once('.')?;
    let rest = rest.strip_prefix("dkr.ecr.").or_else(|| rest.strip_prefix("dkr.ecr-fips."))?;
    let (region, domain) = rest.split_once('.')?;
    let known = ["amazonaws.com", "amazonaws.com.cn", "sc2s.sgov.gov", "c2s.ic.gov", "cloud.adc-e.uk"];
    let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (digits && known.contains(&domain)).then_some((account, region))
}

/// The credential helper that Docker uses for a registry. Our own keeps nothing: it is asked anew each time.
fn store_of(config: &Map<String, Value>, host: &str) -> Option<String> {
    let own = config.get("credHelpers").and_then(|helpers| helpers.get(host)).and_then(Value::as_str);
    let store = own.or_else(|| config.get("credsStore").and_then(Value::as_str));
    store.filter(|store| !store.is_empty()).map(ToOwned::to_owned)
}

/// Hands a login to a credential helper, over its standard input.
fn store_login(store: &str, login: &Login) -> Result<(), Error> {
    let program = format!("docker-credential-{store}");
    let failed = |cause: String| Error::failed(format_args!("{program} did not take the login: {cause}"));
    let (username, secret) = split_token(login)?;
    // Docker asks for the name without the scheme, and stores compare names as they are.
    let entry = json!({"ServerURL": host(&login.endpoint), "Username": username, "Secret": secret}).to_string();
    let mut child = Command::new(Path::new(&program))
        .arg("store")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(format!("{error}; is it on the path?")))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(entry.as_bytes()).map_err(|error| failed(error.to_string()))?;
    }
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
}

/// User name and password of a login.
pub fn split_token(login: &Login) -> Result<(String, String), Error> {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.decode(login.token.expose()).ok();
    let text = text.and_then(|text| String::from_utf8(text).ok());
    let pair = text.and_then(|text| text.split_once(':').map(|(user, word)| (user.to_owned(), word.to_owned())));
    pair.ok_or_else(|| Error::new(Kind::Network, format_args!("the login of {} makes no sense", login.endpoint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_registries() {
        for (address, want) in [
            ("", HUB),
            ("https://index.docker.io/v1/", HUB),
            ("docker.io", HUB),
            ("https://registry.example.com:5000/v2/", "registry.example.com:5000"),
            ("http://localhost:5000", "localhost:5000"),
            (" quay.io ", "quay.io"),
        ] {
            assert_eq!(registry_key(address), want, "{address}");
        }
    }

    #[test]
    fn registries_by_name() {
        for (server, want) in [
            ("https://123456789012.dkr.ecr.us-east-1.amazonaws.com", Some(("123456789012", "us-east-1"))),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/", Some(("123456789012", "cn-north-1"))),
            ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", Some(("123456789012", "us-gov-west-1"))),
            ("https://index.docker.io/v1/", None),
            ("123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.test", None),
            ("12.dkr.ecr.us-east-1.amazonaws.com", None),
        ] {
            assert_eq!(ecr_registry(server), want, "{server}");
        }
    }
}
