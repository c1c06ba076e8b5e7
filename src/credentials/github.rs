//! Credentials for the later steps of a GitHub Actions job: masked first, then appended to `$GITHUB_ENV`.

use super::Credentials;
use super::text::{Format, cannot_hold};
use super::variables::{assignments, cleared_for};
use crate::error::Error;
use crate::support::github_env;

/// Variables that break the AWS tools when they are empty instead of unset: `The config profile () could not be
/// found`. `$GITHUB_ENV` cannot unset, so they must not be there.
pub const NOT_EMPTIED: [&str; 2] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];

/// The workflow commands that hide the secrets in the job's log.
pub fn masks(credentials: &Credentials) -> Vec<u8> {
    let secrets = std::iter::once(&credentials.secret_access_key).chain(&credentials.session_token);
    secrets.map(|secret| github_env::mask(secret.expose())).collect::<String>().into_bytes()
}

/// What is appended to `$GITHUB_ENV`. It cannot unset a variable, so that stale ones are written empty, which the AWS
/// tools take for unset.
pub fn lines(credentials: &Credentials) -> Result<Vec<u8>, Error> {
    let set = assignments(credentials);
    let assigned = |name: &str| set.iter().any(|(other, _)| *other == name);
    let cleared = cleared_for(credentials);
    let emptied = cleared.iter().filter(|name| !NOT_EMPTIED.contains(name) && !assigned(name));
    let mut out: Vec<String> = emptied.map(|name| format!("{name}=\n")).collect();
    for (name, value) in &set {
        out.push(github_env::assignment(name, value).map_err(|what| cannot_hold(name, Format::Github, what))?);
    }
    Ok(out.concat().into_bytes())
}
