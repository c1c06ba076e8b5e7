//! The environment variables that carry credentials, and those that could win over them.

use super::{Credentials, timestamp};
use crate::ctx::Env;

/// Who the caller is.
pub const KEYS: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// What could win over new keys, or belongs to older ones: cleared whenever an identity is handed over. This is the
/// one list; whatever hands credentials to a shell or a child clears these.
pub const STALE: [&str; 12] = [
    "AWS_SECURITY_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_SESSION_EXPIRATION",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

/// The keys that the environment holds.
pub fn of_environment(env: &Env) -> Option<Credentials> {
    let get = |name: &str| env.get_filled(name).and_then(|value| value.into_string().ok());
    let [id, secret, token] = KEYS;
    Some(Credentials {
        access_key_id: get(id)?,
        secret_access_key: get(secret)?.into(),
        session_token: get(token).map(Into::into),
        expires: None,
        region: None,
        account: None,
        role: None,
    })
}

/// What is cleared before these credentials are set: the old token too, when they have none.
pub fn cleared_for(credentials: &Credentials) -> Vec<&'static str> {
    let [.., token] = KEYS;
    let token = credentials.session_token.is_none().then_some(token);
    token.into_iter().chain(STALE).collect()
}

/// What is cleared when there are no new credentials: nothing of the old identity stays.
pub fn cleared_by_failure() -> Vec<&'static str> {
    KEYS.into_iter().chain(STALE).collect()
}

/// What is set, in order. The values hold secrets.
pub fn assignments(credentials: &Credentials) -> Vec<(&'static str, String)> {
    let [id, secret, token] = KEYS;
    let mut set =
        vec![(id, credentials.access_key_id.clone()), (secret, credentials.secret_access_key.expose().to_owned())];
    set.extend(credentials.session_token.as_ref().map(|value| (token, value.expose().to_owned())));
    set.extend(credentials.expires.map(|at| ("AWS_CREDENTIAL_EXPIRATION", timestamp(at))));
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        set.extend(credentials.region.clone().map(|region| (name, region)));
    }
    set
}
