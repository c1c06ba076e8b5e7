//! Jobs without a script: what the platform did for them by itself, and what is left to do.

use crate::config::shippable::Job;

/// What `job run` makes of a job that has no script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Managed {
    /// Its directory is made and its version kept, with nothing run in between; why.
    NothingToRun(&'static str),
    /// Its work is done by something else: what to do instead.
    Elsewhere(String),
}

impl Managed {
    /// By the type of a job. Jobs that do have scripts are run, whatever their type.
    pub fn of(job: &Job) -> Self {
        let name = &job.name;
        let elsewhere = |text: String| Self::Elsewhere(text);
        match job.kind.as_str() {
            "deploy" => elsewhere(format!("deploy it with `shipctl ecs deploy {name}`")),
            "manifest" | "release" => {
                Self::NothingToRun("`shipctl ecs deploy` of the jobs that take it in reads it from the yml")
            }
            "runCI" => Self::NothingToRun("the build: section of the yml is for a CI to run"),
            "provision" | "rSync" => {
                elsewhere("the platform did its work by itself: do it in a TASK of a runSh job".to_owned())
            }
            "jenkinsJob" | "ciJob" | "externalCI" => {
                elsewhere("another CI runs it: start it there, or from a TASK of a runSh job".to_owned())
            }
            _ => Self::NothingToRun("it has no TASK with a script"),
        }
    }

    /// Whether no run of ours can ever leave a version of this job, so that those that take it in go without.
    pub fn leaves_no_version(job: &Job) -> bool {
        let has_scripts = job.tasks().any(|task| !task.scripts.is_empty());
        !has_scripts && matches!(Self::of(job), Self::Elsewhere(_))
    }
}
