//! Small named things that the rest is built on.

pub mod atomic; // files replaced whole or not at all
pub mod git; // git as a child process
pub mod http; // one blocking HTTP call at a time
pub mod json; // JSON paths and filters over files of any size
pub mod own_folder; // folders that nobody else can write to
pub mod pattern; // `*`, `?` and `[…]` over names, as find reads them
pub mod proxy; // which proxy an address is reached through
pub mod resolve;
pub mod shell; // words quoted for shells
pub mod uniq; // lines without adjacent repeats // addresses of hosts, without the C library
