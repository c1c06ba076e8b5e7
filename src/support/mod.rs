//! Small named things that the rest is built on.

pub mod atomic; // files replaced whole or not at all
pub mod http; // the product's HTTP client
pub mod json; // JSON paths and filters over files of any size
pub mod secret; // values that must not appear in messages
pub mod shell; // words that shells read back byte for byte
