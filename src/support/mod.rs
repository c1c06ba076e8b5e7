//! Small named things that the rest is built on.

pub mod atomic; // files replaced whole or not at all
pub mod json; // JSON paths and filters over files of any size
pub mod secret; // values that nothing shows by accident
pub mod shell; // words that shells read back byte for byte
