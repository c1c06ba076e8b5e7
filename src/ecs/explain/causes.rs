//! Causes that are known by what ECS, Docker and the kernel say, and what to do about them.

use crate::aws::ecs::Task;

/// A cause: any of these words tells it; nothing of the second list does.
struct Cause {
    words: &'static [&'static str],
    next: &'static str,
    /// What is to be done for a one-off task, which no yml describes, where that is something else.
    once: Option<&'static str>,
}

/// The first that fits a line counts for it: the more special come first.
const CAUSES: [Cause; 14] = [
    Cause {
        words: &["unable to pull secrets", "secretsmanager", "ssm:GetParameters", "Fetching secret data"],
        next: "a secret cannot be read: let the task's execution role read it (secretsmanager:GetSecretValue or \
               ssm:GetParameters), and look whether its name and region are right",
        once: None,
    },
    Cause {
        words: &["unable to assume the role", "was unable to assume", "is not authorized to perform: sts:AssumeRole"],
        next: "a role cannot be taken: its trust policy has to name ecs-tasks.amazonaws.com (shipctl iam trust --for \
               ecs-tasks)",
        once: None,
    },
    Cause {
        words: &["exec format error", "image Manifest does not contain descriptor matching platform"],
        next: "the image is built for another kind of machine: build it for that of the cluster (docker build \
               --platform linux/amd64, or linux/arm64)",
        once: None,
    },
    Cause {
        words: &[
            "CannotPullContainerError",
            "CannotPullECRContainerError",
            "CannotPullImageManifestError",
            "pull access denied",
            "manifest unknown",
            "no basic auth credentials",
        ],
        next: "the image cannot be pulled: look whether this tag has been pushed, and whether the instances' role (on \
               Fargate: the execution role) may pull it (ecr:GetAuthorizationToken, ecr:BatchGetImage, \
               ecr:GetDownloadUrlForLayer)",
        once: None,
    },
    Cause {
        words: &["OutOfMemoryError", "OutOfMemory", "out of memory"],
        next: "a container ran out of memory: raise memory in dockerOptions (it is 400 MiB when nothing is said)",
        once: Some(
            "a container ran out of memory: give the task more (--memory), or raise memory in its task \
               definition",
        ),
    },
    Cause {
        words: &[
            "already using a port required",
            "port is already allocated",
            "address already in use",
            "RESOURCE:PORTS",
        ],
        next: "a port is in use on the instance: leave the host port out (an application load balancer finds the one \
               that is given out), or deploy with method: replace",
        once: Some(
            "a port is in use on the instance: leave the host port out of the task definition, run fewer at \
               once (--count), or wait until whoever has the port has stopped",
        ),
    },
    Cause {
        words: &["No Container Instances were found", "no container instances registered"],
        next: "the cluster has no instances: start one, or set service.launchType to FARGATE",
        once: Some(
            "the cluster has no instances: start one, or run it with --launch-type FARGATE or a \
               --capacity-provider",
        ),
    },
    Cause {
        words: &["is missing an attribute required", "encountered error \"ATTRIBUTE\"", "AGENT"],
        next: "no instance can do what the task asks for (a log driver, a network mode, a role): look at the instances' \
               attributes, or change the dockerOptions",
        once: Some(
            "no instance can do what the task asks for (a log driver, a network mode, a role): look at the instances' \
               attributes, or change the task definition",
        ),
    },
    Cause {
        words: &[
            "insufficient memory",
            "insufficient CPU",
            "no container instance met all of its requirements",
            "RESOURCE:MEMORY",
            "RESOURCE:CPU",
            "RESOURCE:ENI",
            "RESOURCE:GPU",
            "Capacity is unavailable",
            "insufficient capacity",
        ],
        next: "there is no room for the tasks: add instances, lower memory or cpuShares in dockerOptions, or deploy with \
               method: replace, which stops the old tasks first",
        once: Some(
            "there is no room for the task: run it again when other tasks have stopped, ask for less (--memory, --cpu, \
               --count), add instances, or take other capacity (--launch-type FARGATE, --capacity-provider)",
        ),
    },
    Cause {
        words: &[
            "failed container health checks",
            "failed ELB health checks",
            "is unhealthy in",
            "Health checks failed",
            "Target.FailedHealthChecks",
            "Target.ResponseCodeMismatch",
            "Target.Timeout",
        ],
        next: "the health check fails: look whether the container listens on the port of the load balancer and answers \
               its path, and give it time to start (service.healthCheckGracePeriodSeconds)",
        once: None,
    },
    Cause {
        words: &["ResourceInitializationError"],
        next: "the task could not be set up: look whether its network reaches the registry, the log group and the \
               secrets, and what its execution role may do",
        once: None,
    },
    Cause {
        words: &["log group does not exist", "failed to create Cloudwatch log stream", "CannotStartContainerError"],
        next: "a container could not be started: look at its command, its log group and its volumes",
        once: None,
    },
    Cause {
        words: &["unable to consistently start tasks", "Essential container", "tasks start and stop again"],
        next: "a container ends by itself: what it said last tells why (its log needs logConfig: {type: awslogs, …})",
        once: Some(
            "the container ends by itself: what it said last tells why (its log needs the log driver awslogs in the \
               task definition)",
        ),
    },
    Cause {
        words: &["ServiceQuotaExceeded", "limit exceeded"],
        next: "a quota of the account is reached: raise it",
        once: None,
    },
];

impl Cause {
    fn next(&self, is_one_off: bool) -> &'static str {
        self.once.filter(|_| is_one_off).unwrap_or(self.next)
    }
}

/// What to do next, each once, for the lines of an explanation and the ends of tasks.
pub(super) fn next_steps<'a>(lines: impl Iterator<Item = &'a str>, stopped: &[Task], is_one_off: bool) -> Vec<String> {
    let mut next: Vec<String> = Vec::new();
    let add = |next: &mut Vec<String>, told: &str| {
        if !next.iter().any(|known| known == told) {
            next.push(told.to_owned());
        }
    };
    let mut ends_by_itself = None;
    for line in lines {
        let Some(cause) = CAUSES.iter().find(|cause| cause.words.iter().any(|word| line.contains(word))) else {
            continue;
        };
        // The least telling of all: only where nothing else is known.
        if cause.words.contains(&"Essential container") {
            ends_by_itself = Some(cause.next(is_one_off));
        } else {
            add(&mut next, cause.next(is_one_off));
        }
    }
    for code in stopped.iter().flat_map(|task| &task.containers).filter_map(|container| container.exit_code) {
        let is_known = code == 137 && !next.is_empty();
        if let Some(told) = of_status(code, is_one_off).filter(|_| !is_known) {
            add(&mut next, told);
        }
    }
    match ends_by_itself {
        Some(told) if next.is_empty() => vec![told.to_owned()],
        _ => next,
    }
}

/// Statuses that say something by themselves.
fn of_status(code: i32, is_one_off: bool) -> Option<&'static str> {
    match code {
        127 if is_one_off => {
            Some("exit status 127: the command is not found: look at what follows --, and at the image's entry point")
        }
        126 => Some("exit status 126: the command of a container cannot be run: is the file executable?"),
        127 => Some("exit status 127: the command of a container is not found: look at cmd and entryPoint"),
        137 => Some("exit status 137: killed, most often for memory or by a health check: raise memory, or look above"),
        139 => Some("exit status 139: the program crashed (segmentation fault)"),
        _ => None,
    }
}
