//! The shipped binary, run as scripts run it.

// A test that cannot go on stops at the spot.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]
// Tables are long, and their rows are built from values.
#![allow(clippy::too_many_lines, clippy::needless_pass_by_value, clippy::format_collect, clippy::format_push_string)]

mod aws_cache; // sessions kept between processes
mod aws_configure; // profiles that real AWS clients use
mod aws_docker; // logins, and the credential helper
mod aws_exec; // commands with credentials, renewed beside them
mod aws_formats; // credentials as text, evaluated by real shells
mod aws_moto; // signatures, policies and trust, against moto
mod aws_network; // TLS, proxies and names below the SDK
mod aws_sts; // sources and roles, against a scripted STS
mod bad_input; // broken files, wrong types, huge arguments
mod bump_version; // versions raised
mod cli_config; // tools of a job, and what they make of their files
mod copy; // files into and out of states
mod decrypt; // files encrypted by the real openssl
mod durability; // kill -9, full disks, read-only folders
mod ecs_after; // scale, rollback, status
mod ecs_again; // after commands that were killed, refused or not waited for
mod ecs_clients; // the clients of a deployment, against moto
mod ecs_delete; // deletion, and what is left over
mod ecs_denied; // callers who may not do everything
mod ecs_ends; // what is live, said and left when it ends
mod ecs_failures; // deployments that do not come to anything, and why
mod ecs_faults; // an AWS that is slow, out of reach, strict
mod ecs_jobs; // deploy jobs, and what becomes of them
mod ecs_json; // what --json prints, and its page
mod ecs_kills; // killed and interrupted at each call
mod ecs_limits; // how long calls are tried
mod ecs_manifests; // several of them
mod ecs_mended; // what is done about refusals
mod ecs_methods; // blueGreen, upgrade, replace
mod ecs_model; // every request beside what AWS publishes
mod ecs_moto; // the documented permissions, enforced by moto
mod ecs_options; // ports, load balancers, counts, names
mod ecs_plan; // plans, beside what deployments do
mod ecs_remembered; // what is kept of a deployment, and said of it
mod ecs_run; // tasks that are run once
mod ecs_scaling; // targets, policies, alarms
mod ecs_server; // an ECS that plays what a test tells it to
mod ecs_serving; // what goes on serving, and what it goes back to
mod ecs_state; // two at once, no disk, damage
mod ecs_terminal; // a live line, or none
mod ecs_update; // services that no yml describes
mod ecs_verdicts; // when a roll-out is done, and when it is not
mod git_changes; // get_git_changes over real repositories
mod guards; // what must hold for every command and every file
mod harness; // a sandbox: folders, an environment, real shells
mod host_ci; // what each CI says, and what becomes of it
mod iam; // policies and trust policies
mod install; // make install, make demo
mod jdk; // jdk set under a real shell
mod job_clone; // repositories behind a password, cloned by a real git
mod job_env; // the environment of a job directory, in real shells
mod job_example;
mod job_exec; // the example job directory and its script
mod job_finish; // what a run leaves
mod job_init; // job directories made from the yml
mod job_integrations; // every type of integration, from its file to the job
mod job_kills; // job init and job finish, killed and on full disks
mod job_lint; // what is wrong with a pipeline
mod job_list; // the jobs of a pipeline, and one of them
mod job_masks; // whatever commands print, and however
mod job_notify; // NOTIFY of a job that runs
mod job_rules; // the rules of TASKs and hooks, from the yml to the exit status
mod job_run;
mod job_run_tasks;
mod job_s3; // whole runs over a bucket
mod job_show; // the overview, secrets masked
mod job_wipe; // secrets when a job is over
mod json_parity; // paths and filters beside the real jq 1.6
mod lookups; // look-ups from the files of a job directory
mod man; // man pages
mod moto; // a whole AWS of pretence
mod notify; // notifications, against servers that the tests start
mod readme; // README.md, tried
mod replace; // templates filled in, files replaced whole
mod replicate; // an output made a copy of an input
mod repository; // clones and links, with a real git
mod retry; // tries, statuses and signals
mod run_rules; // the rules of TASKs and hooks, under a real bash
mod safety; // nothing is evaluated, no name leads outside
mod scripted_sts; // an STS that plays what a test tells it to
mod servers; // HTTP, IRC, DNS and a certificate authority, on the loopback
mod service; // service and shippable_service
mod shell_init; // sourced calls and older names under real shells
mod split_tests; // shares of tests, patterns against the real find
mod state; // what a job says about a resource
mod store; // versions and states between runs, in a folder and in moto
mod sts_stub; // one answer to every request
mod vectors; // recorded runs of the original
