//! Logins to registries, as `docker login` leaves them.

use base64::Engine;

use super::CliConfig;
use super::setup::Setup;
use crate::aws::ecr::Login;
use crate::credentials::docker::registry_key;

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
