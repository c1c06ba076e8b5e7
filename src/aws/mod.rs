//! The only place that knows `aws_sdk_*`: one configuration, one thin client per service, error reading.

pub mod alarms; // alarms of CloudWatch
pub mod ecr; // passwords for Docker
pub mod ecs; // task definitions, services, tasks
pub mod error; // what a failed call means
pub mod logs; // the last lines of a log
pub mod roles; // roles and whom they trust
pub mod scaling; // scalable targets and their policies
pub mod sts; // roles and identities
pub mod targets; // the health of what load balancers send to

mod access; // who calls, and when
mod ambient; // credentials that are around
mod clock; // calls that were signed under a wrong clock
mod connection; // the configuration that every client shares
mod http; // the SDK's HTTP over the product's client
mod limit; // how long calls may take
#[cfg(test)]
pub(crate) mod loopback; // a server that tests script
mod signed; // calls of services that have no client of their own

pub use access::Access;
pub use connection::{Connection, DEADLINE, Settings};
pub use limit::Limit;

/// `YYYY-MM-DDTHH:MM:SSZ`, as the AWS tools write the end of a session.
pub fn timestamp(at: std::time::SystemTime) -> String {
    let seconds = aws_smithy_types::DateTime::from(at).secs();
    let whole = aws_smithy_types::DateTime::from_secs(seconds);
    whole.fmt(aws_smithy_types::date_time::Format::DateTime).unwrap_or_default()
}
