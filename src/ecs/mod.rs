//! Deployments to ECS, as the platform's managed `deploy` jobs did them.
//!
//! ```text
//! yml ─ wanted ─┐
//!               ├─ steps ── carry out (calls, watch) ── verdict, explanation
//! store ─ memory┘
//! ```
//!
//! What a job asks for ([`wanted`]) and what it left last time ([`memory`]) make a list of [`steps`]. A plan prints
//! that list; a deployment carries it out, call by call, and [`watch`] decides from what ECS shows what became of it.

pub mod api; // the calls that a deployment makes, as a trait
pub mod calls; // the AWS API, with patience: every call of a deployment goes through here
pub mod explain; // why a roll-out failed
pub mod memory; // what was deployed before, in the store
pub mod once; // one-off tasks
pub mod plan; // what a deployment would do
pub mod ports; // ports that two versions cannot have at once
pub mod revise; // a task definition with other images
pub mod run; // the steps, carried out
pub mod steps; // what a deployment does, in order
pub mod tell; // what people and programs are told while it goes on
pub mod wanted; // what a deploy job asks for
pub mod watch; // what a roll-out has come to
