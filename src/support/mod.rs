//! Small named things that the rest is built on.

pub mod append; // files that several processes add lines to
pub mod atomic; // files replaced whole or not at all
pub mod copy; // files and folders copied
pub mod json; // JSON paths and filters over files of any size
pub mod paths; // names and places that paths stand for
pub mod pattern; // shell patterns
pub mod swap; // the content of a folder replaced whole
pub mod temporary; // temporary names beside a target
