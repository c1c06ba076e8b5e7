//! The job directory: what the platform put on disk and into the environment before a job's script ran.

pub mod build; // a job directory made from the yml
pub mod build_link; // /build, where old scripts look for it
pub mod cli_config; // tools configured for a job alone
pub mod commits; // the commits of a repository resource
pub mod contents; // everything in it, listed strictly
pub mod directory; // where it is, and what lies where in it
pub mod document; // its JSON files, with errors that name file and place
pub mod env_file; // what scripts say of a resource, line by line
pub mod environment; // every variable that a job sees, and where each comes from
pub mod example; // an example of one, embedded in the binary
pub mod integration; // integration.json and integration.env
pub mod integration_types; // types of integrations and their fields
pub mod jdk; // JDKs that the image has
pub mod lint; // what is wrong with a pipeline, with file and line
pub mod managed; // jobs without a script
pub mod match_settings; // whether a commit is one that a repository asks for
pub mod message; // message.json: the job and its steps
pub mod names; // variable prefixes and keys
pub mod outcome; // what a run leaves: new versions and state
pub mod overview; // the job and its resources as a person reads them, secrets masked
pub mod params; // params resources and their `secure` text
pub mod record; // what `job init` remembers for `job finish`
pub mod replicate; // an output, or the job, made a copy of an input
pub mod repository; // gitRepo: a checkout linked in, or a clone
pub mod resource; // version.json, and the look-ups in it
pub mod secret_names; // names that people give to secrets
pub mod secrets; // what logs of a job must not show
pub mod side; // a resource as an input or as an output
pub mod state_file; // what a job says about a resource
pub mod test_reports; // times of tests in JUnit reports
pub mod trace; // which versions others were made from
pub mod wipe; // secrets gone from the job directory
