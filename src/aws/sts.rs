//! STS: roles and identities.

use std::time::SystemTime;

use aws_sdk_sts::types::{Credentials as Session, PolicyDescriptorType, Tag};

use super::Connection;
use super::clock::ClockClassifier;
use super::error::{Failure, NO_ANSWER, read};
use super::limit;
use crate::credentials::{Credentials, RoleRequest};
use crate::error::Kind;

/// Who credentials belong to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Identity {
    /// The account's twelve digits.
    pub account: String,
    /// The caller's ARN.
    pub arn: String,
    /// The caller's unique id.
    pub user_id: String,
}

fn client(connection: &Connection, with: &Credentials) -> aws_sdk_sts::Client {
    let config = aws_sdk_sts::config::Builder::from(&connection.config(with)).retry_classifier(ClockClassifier);
    aws_sdk_sts::Client::from_conf(config.build())
}

/// Assumes a role.
pub fn assume_role(connection: &Connection, with: &Credentials, role: &RoleRequest) -> Result<Credentials, Failure> {
    let client = client(connection, with);
    let policy_arns = role.policy_arns.iter().map(|arn| PolicyDescriptorType::builder().arn(arn).build());
    let tags: Vec<Tag> =
        role.tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect();
    let call = client
        .assume_role()
        .role_arn(&role.arn)
        .role_session_name(&role.session_name)
        .set_duration_seconds(role.duration_seconds)
        .set_external_id(role.external_id.clone())
        .set_policy(role.policy.clone())
        .set_policy_arns((!role.policy_arns.is_empty()).then(|| policy_arns.collect()))
        .set_tags((!tags.is_empty()).then_some(tags))
        .set_transitive_tag_keys((!role.transitive_tag_keys.is_empty()).then(|| role.transitive_tag_keys.clone()))
        .set_serial_number(role.serial_number.clone())
        .set_token_code(role.token_code.clone())
        .set_source_identity(role.source_identity.clone())
        .send();
    let Some(answer) = connection.wait(limit::within(call)) else {
        return Err(Failure::plain(Kind::Network, NO_ANSWER));
    };
    let answer = answer.map_err(|error| read(&error).without_secrets_of(with))?;
    let whole = |session: &&Session| {
        [session.access_key_id(), session.secret_access_key(), session.session_token()].iter().all(|it| !it.is_empty())
    };
    let session = answer
        .credentials()
        .filter(whole)
        .ok_or_else(|| Failure::plain(Kind::Network, "an answer that makes no sense: it is without credentials"))?;
    Ok(Credentials {
        access_key_id: session.access_key_id().to_owned(),
        secret_access_key: session.secret_access_key().into(),
        session_token: Some(session.session_token().into()),
        expires: SystemTime::try_from(*session.expiration()).ok(),
        region: with.region.clone(),
        account: crate::credentials::arn_account(&role.arn).map(ToOwned::to_owned),
        role: Some(role.arn.clone()),
    })
}

/// Asks who credentials belong to.
pub fn caller_identity(connection: &Connection, credentials: &Credentials) -> Result<Identity, Failure> {
    let client = client(connection, credentials);
    let answer = connection
        .wait(client.get_caller_identity().send())
        .map_err(|error| read(&error).without_secrets_of(credentials))?;
    Ok(Identity {
        account: answer.account().unwrap_or_default().to_owned(),
        arn: answer.arn().unwrap_or_default().to_owned(),
        user_id: answer.user_id().unwrap_or_default().to_owned(),
    })
}
