//! Small named things that the rest is built on.

pub mod alive; // whether a process is still there
pub mod append; // files that several processes add lines to
pub mod atomic; // files replaced whole or not at all
pub mod clock; // the time, as a value
pub mod copy; // files and folders copied
pub mod git; // git as a child process
pub mod github_env; // GITHUB_ENV, and masks in the log
pub mod http; // one blocking HTTP call at a time
pub mod interrupt; // signals that ask for an end
pub mod json; // JSON paths and filters over files of any size
pub mod mask; // secrets kept out of what is printed
pub mod oaep; // RSA keys, and what was encrypted for them
pub mod own_folder; // folders that nobody else can write to
pub mod paths; // names and places that paths stand for
pub mod pattern; // shell patterns: `*`, `?`, `[…]`
pub mod process; // child processes as a shell runs them
pub mod proxy; // which proxy an address is reached through
pub mod resolve; // addresses of hosts, without the C library
pub mod secret; // values that must not appear in messages
pub mod shell; // words that shells read back byte for byte
pub mod stop; // a request to stop, from one thread to another
pub mod swap; // the content of a folder replaced whole
pub mod template; // $NAME filled in as envsubst does
pub mod temporary; // temporary names beside a target
pub mod uniq; // lines without adjacent repeats
