//! ECR: passwords for Docker.

use std::time::SystemTime;

use super::Connection;
use super::clock::ClockClassifier;
use super::error::{Failure, read};
use crate::credentials::Credentials;
use crate::error::Kind;
use crate::support::secret::SecretText;

/// What Docker needs for one registry.
#[derive(Debug, Clone)]
pub struct Login {
    /// `https://<account>.dkr.ecr.<region>.amazonaws.com`.
    pub endpoint: String,
    /// `user:password` in base64, as Docker keeps it.
    pub token: SecretText,
    /// When it ends.
    pub expires: Option<SystemTime>,
}

/// Asks for the login of the account's own registry, or of those named.
pub fn logins(connection: &Connection, with: &Credentials, registries: &[String]) -> Result<Vec<Login>, Failure> {
    let config = aws_sdk_ecr::config::Builder::from(&connection.config(with)).retry_classifier(ClockClassifier);
    let client = aws_sdk_ecr::Client::from_conf(config.build());
    #[allow(deprecated)] // AWS gives one token for all registries, but only this names their endpoints
    let call = client.get_authorization_token().set_registry_ids((!registries.is_empty()).then(|| registries.to_vec()));
    let answer = connection.wait(call.send()).map_err(|error| read(&error).without_secrets_of(with))?;
    let logins: Vec<Login> = answer
        .authorization_data()
        .iter()
        .filter_map(|data| {
            Some(Login {
                endpoint: data.proxy_endpoint()?.to_owned(),
                token: data.authorization_token()?.into(),
                expires: data.expires_at().and_then(|at| SystemTime::try_from(*at).ok()),
            })
        })
        .collect();
    if logins.is_empty() {
        let message = "an answer without authorization data".to_owned();
        return Err(Failure { kind: Kind::Network, code: None, message, request_id: None, retry_after: None });
    }
    Ok(logins)
}
