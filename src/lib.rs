//! `shipctl`: what job scripts called on Shippable, for any CI or laptop.
//!
//! Data flows one way: arguments → [`commands`] → [`job`] → [`support`], and the result comes back as a value that
//! the command writes once. Nothing below `commands` prints, reads the process environment or exits.

// Tests say what they need in the shortest way.
#![cfg_attr(test, allow(clippy::format_push_string, clippy::needless_pass_by_value))]

pub mod aws; // the only place that knows the AWS SDK
pub mod cli; // the clap tree: for help, man pages, completions and our own commands
pub mod commands; // one file per command: validate, call below, write the result
pub mod config; // files that people write: parsed into types, errors with file and line
pub mod credentials; // source → credentials, through roles and the session cache
pub mod ctx; // the process boundary: environment, working directory, clock, streams
pub mod ecs; // deployments: what a deploy job asks for, how it is done, what became of it
pub mod error; // kinds of failure and their exit statuses
pub mod host; // the CI that runs us: build, event, log
pub mod iam; // policy and trust documents
pub mod job; // the job directory: names, resources, integrations, environment
pub mod notify; // notifications: Slack, webhooks, New Relic, Airbrake, Jira, IRC
pub mod run; // the scripts of a job: one bash per TASK, its hooks, its output
pub mod store; // versions and state between runs: a folder or a bucket
pub mod support; // small named things: atomic files, JSON, shell quoting
