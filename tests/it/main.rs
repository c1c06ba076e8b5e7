//! The shipped binary, run as scripts run it.

mod git_changes; // get_git_changes over real repositories
mod harness; // a sandbox: folders, an environment, real shells
mod jdk; // jdk set under a real shell
mod service; // service and shippable_service
mod shell_init; // sourced calls and older names under real shells
mod split_tests; // shares of tests, patterns against the real find
mod vectors; // recorded runs of the original
