//! The only place that knows `aws_sdk_*`: one configuration, one thin client per service, error reading.

pub mod ecr; // passwords for Docker
pub mod ecs; // task definitions, services, tasks
pub mod error; // what a failed call means
pub mod sts; // roles and identities

mod ambient; // credentials that are around
mod clock; // calls that were signed under a wrong clock
mod connection; // the configuration that every client shares
mod http; // the SDK's HTTP over the product's client

pub use connection::{Connection, DEADLINE, Settings};

/// `YYYY-MM-DDTHH:MM:SSZ`, as the AWS tools write the end of a session.
pub fn timestamp(at: std::time::SystemTime) -> String {
    let seconds = aws_smithy_types::DateTime::from(at).secs();
    let whole = aws_smithy_types::DateTime::from_secs(seconds);
    whole.fmt(aws_smithy_types::date_time::Format::DateTime).unwrap_or_default()
}
