//! Small named things that the rest is built on.

pub mod atomic; // files replaced whole or not at all
pub mod http; // one blocking HTTP call at a time
pub mod json; // JSON paths and filters over files of any size
pub mod proxy; // which proxy an address is reached through
pub mod resolve; // addresses of hosts, without the C library
