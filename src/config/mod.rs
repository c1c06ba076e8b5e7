//! Files that people write, parsed into types; errors name file and line.

pub mod clouddriver; // Spinnaker's accounts
pub mod integrations; // values of integrations, from files and variables
pub mod shippable; // a pipeline: shippable.yml and its sibling files
pub mod yaml; // values with their places
