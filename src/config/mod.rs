//! Files that people write, parsed into types; errors name file and line.

pub mod clouddriver; // Spinnaker's accounts
