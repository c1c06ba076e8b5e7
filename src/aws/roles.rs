//! IAM: roles, and whom they trust.

use aws_sdk_iam::Client;
use aws_sdk_iam::config::Builder;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::access::Access;
use super::clock::NothingButTheClock;
use super::error::Failure;

/// A role.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// The name.
    pub name: String,
    /// The ARN.
    pub arn: String,
    /// The path; `/aws-service-role/…` of those that a service made for itself.
    pub path: String,
    /// Who may take it: the trust policy, `null` when it cannot be read.
    pub trust: Value,
}

/// The IAM API.
#[derive(Debug, Clone)]
pub struct Roles<'c> {
    access: Access<'c>,
    client: Client,
}

impl<'c> Roles<'c> {
    /// A client.
    pub fn of(access: &Access<'c>) -> Self {
        let config = Builder::from(access.config()).retry_classifier(NothingButTheClock);
        Self { access: access.clone(), client: Client::from_conf(config.build()) }
    }

    /// All roles of the account.
    pub fn list_roles(&self) -> Result<Vec<Role>, Failure> {
        let mut roles = Vec::new();
        let mut next = None;
        loop {
            let answer = self.access.call(self.client.list_roles().set_marker(next).send())?;
            roles.extend(answer.roles().iter().map(|role| Role {
                name: role.role_name().to_owned(),
                arn: role.arn().to_owned(),
                path: role.path().to_owned(),
                trust: trust(role.assume_role_policy_document().unwrap_or_default()),
            }));
            next = answer.marker().filter(|marker| answer.is_truncated() && !marker.is_empty()).map(ToOwned::to_owned);
            if next.is_none() {
                return Ok(roles);
            }
        }
    }
}

/// The document in the URL encoding that IAM gives it in.
fn trust(document: &str) -> Value {
    let plain = percent_decode_str(document).decode_utf8_lossy();
    serde_json::from_str(&plain).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trust_policy_is_decoded() {
        let document = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D";
        assert_eq!(trust(document), serde_json::json!({"Version": "2012-10-17", "Statement": []}));
        assert_eq!(trust(r#"{"Statement":[]}"#), serde_json::json!({"Statement": []}));
        assert_eq!(trust(""), Value::Null);
    }
}
