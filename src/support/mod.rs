//! Small named things that the rest is built on.

pub mod atomic; // files replaced whole or not at all
pub mod json; // JSON paths and filters over files of any size
pub mod oaep; // RSA keys, and what was encrypted for them
pub mod process; // child processes as a shell runs them
pub mod template; // $NAME filled in as envsubst does
