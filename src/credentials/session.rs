//! A source, then roles assumed in turn.

use std::time::SystemTime;

use super::cache::Cache;
use super::{Credentials, RoleRequest};
use crate::aws::{Connection, error::Failure, sts};
use crate::error::{Error, Kind};

/// The longest session of a role that was assumed with a role's session, in seconds.
const LONGEST_CHAINED: i32 = 3600;

/// What a chain of roles needs besides the credentials it starts from.
pub struct Chain<'a> {
    /// Connects when the first call is made, so that a cached session costs no connection.
    pub connect: &'a dyn Fn() -> Result<&'a Connection, Error>,
    /// Sessions kept between processes.
    pub cache: Option<&'a Cache>,
    /// Which STS is asked, as far as it is configured: part of the cache's key.
    pub endpoint: &'a str,
    /// The time now.
    pub now: SystemTime,
    /// Where notes go.
    pub note: &'a dyn Fn(&str),
    /// The source, for messages.
    pub source: &'a str,
}

impl Chain<'_> {
    /// Assumes the roles one after the other.
    pub fn walk(&self, start: Credentials, roles: &[RoleRequest]) -> Result<Credentials, Error> {
        let mut credentials = start;
        for (hop, role) in roles.iter().enumerate() {
            credentials = self.step(&credentials, role, hop, roles.len())?;
        }
        Ok(credentials)
    }

    fn step(&self, with: &Credentials, role: &RoleRequest, hop: usize, hops: usize) -> Result<Credentials, Error> {
        let mut role = role.clone();
        let chained = with.session_token.is_some();
        if chained && role.duration_seconds.is_some_and(|seconds| seconds > LONGEST_CHAINED) {
            (self.note)(&format!(
                "{}: a session of a chained role lasts {LONGEST_CHAINED} s at most; asking for that",
                role.arn
            ));
            role.duration_seconds = Some(LONGEST_CHAINED);
        }
        let slot = self.cache.and_then(|cache| cache.slot(with, &role, self.endpoint));
        if let (Some(cache), Some(slot)) = (self.cache, &slot)
            && let Some(mut session) = cache.get(slot, &role, self.now)
        {
            session.region.clone_from(&with.region);
            return Ok(session);
        }
        let connection = (self.connect)()?;
        let session = sts::assume_role(connection, with, &role);
        if hop == 0
            && let Some(note) = connection.clock_note()
        {
            (self.note)(&note);
        }
        let session = session.map_err(|failure| self.error(&failure, with, &role, hop, hops))?;
        if let (Some(cache), Some(slot)) = (self.cache, &slot) {
            cache.put(slot, &session);
        }
        Ok(session)
    }

    fn error(&self, failure: &Failure, with: &Credentials, role: &RoleRequest, hop: usize, hops: usize) -> Error {
        let mut which = if hops > 1 { format!(" (role {} of {hops})", hop + 1) } else { String::new() };
        // STS names the caller in most denials; where it does not, the role or the key says who asked.
        if failure.kind == Kind::Denied && !failure.message.contains("arn:") {
            which.push_str(" as ");
            which.push_str(with.role.as_ref().unwrap_or(&with.access_key_id));
        }
        let cure = match failure.kind {
            Kind::Denied => format!(
                "allow the caller sts:AssumeRole on {} and name it in the role's trust policy, with the external id if one is required",
                role.arn
            ),
            Kind::Expired => format!("renew the credentials of {}", self.source),
            Kind::Throttled => "try again later, or ask less often".to_owned(),
            Kind::Network => "check the network, the proxy and the endpoint".to_owned(),
            Kind::NoCredentials => format!("give {} credentials", self.source),
            Kind::Failed if failure.cure().is_some() => failure.cure().unwrap_or_default().to_owned(),
            _ => "correct the request".to_owned(),
        };
        Error::new(failure.kind, format_args!("{}: cannot assume {}{which}: {failure}; {cure}", self.source, role.arn))
    }
}
