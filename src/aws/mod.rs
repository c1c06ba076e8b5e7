//! The only place that knows `aws_sdk_*`: one configuration, one thin client per service, error reading.

pub mod ecr; // passwords for Docker
pub mod error; // what a failed call means
pub mod sts; // roles and identities

mod connection; // the configuration that every client shares
mod http; // the SDK's HTTP over the product's client

pub use connection::{Connection, Settings};
