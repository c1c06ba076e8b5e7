//! What the man pages say beyond the command tree.

use crate::error::Kind;

/// The manual that the pages belong to.
pub const MANUAL: &str = "User Commands";

/// `shipctl(1)`, DESCRIPTION.
pub const DESCRIPTION: &[&str] = &[
    "shipctl gives job scripts what they ask of a CI job: the resources it takes in and puts out, their versions, \
     parameters and integrations, and the state that it keeps. Scripts written for Shippable run unchanged, on any CI \
     or laptop.",
    "A look-up asks the environment first, then the files of the job directory, which is the folder of --job-dir, else \
     $JOB_PATH, else the nearest folder upwards that is one. Standard output carries the value, byte for byte and with \
     one newline; every message goes to standard error. Nothing in a value, name or key is ever evaluated.",
];

/// `shipctl-drop-in(1)`, DESCRIPTION.
pub const DROP_IN: &[&str] = &[
    "Commands that keep the name, the arguments, the output and the exit status of the original. RESOURCE_NAME is a \
     resource of the job, or the job itself. Arguments after the ones that a command takes are ignored, and any of \
     them may begin with a dash.",
    "A look-up asks the environment first: the variable of a resource begins with its name in capitals, without \
     leading digits and without the characters that a variable cannot hold. Then it asks the files of the job \
     directory. One that finds nothing prints an empty line and succeeds; with --strict it fails and names what is \
     near.",
    "KEY and FIELD are paths such as a.b[0].c, where a key may hold a dash, or any filter of jq.",
    "The programs shippable_retry, shippable_replace, shippable_decrypt and shippable_jdk are links to shipctl, which \
     tells them apart by name. The functions ship_resource_... of still older scripts come from shipctl shell-init.",
];

/// EXIT STATUS: each kind of failure and what it means.
pub fn statuses() -> Vec<(String, &'static str)> {
    let kinds = [
        (Kind::Failed, "A failure that has no status of its own."),
        (Kind::Usage, "One of our own commands was called wrongly."),
        (Kind::NoCredentials, "No AWS credentials, or a field of their source is missing."),
        (Kind::Denied, "AWS denied the call."),
        (Kind::Expired, "AWS credentials that are expired or invalid."),
        (Kind::Throttled, "AWS throttled the call to the end."),
        (Kind::Network, "The network, a call that took too long, or an answer that makes no sense."),
        (Kind::Configuration, "A file that describes the job, or a profile, is wrong or missing."),
        (Kind::RolloutFailed, "ecs: a deployment failed, with nothing to go back to or none asked for."),
        (Kind::RolledBack, "ecs: a deployment failed and was rolled back: the old version serves."),
        (Kind::RollbackFailed, "ecs: a deployment failed, and so did going back."),
        (Kind::Superseded, "ecs: somebody else deployed meanwhile."),
        (Kind::TimedOut, "ecs: not done within the time."),
        (Kind::Directory, "replace was given a directory."),
        (Kind::DropIn, "A drop-in command was called wrongly, is unknown, or could not do its work."),
        (Kind::NoKey, "decrypt has no key."),
    ];
    let done = ("0".to_owned(), "Done. A look-up that finds nothing is done too, unless --strict is given.");
    let child =
        ("other".to_owned(), "retry and service end as the program that they ran; 128 + N when signal N ended it.");
    let kinds = kinds.into_iter().map(|(kind, meaning)| (kind.exit_status().to_string(), meaning));
    std::iter::once(done).chain(kinds).chain(std::iter::once(child)).collect()
}

/// ENVIRONMENT: the variables that shipctl reads.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("SHIPCTL_STRICT", "1 or true: as --strict."),
    ("JOB_PATH", "The job directory, when --job-dir is not given."),
    ("JOB_NAME", "The name of the job; else that in message.json."),
    ("JOB_TYPE", "The type of the job; notify words its text by it."),
    ("JOB_STATE", "The folder of the job's state; else state in the job directory."),
    ("JOB_PREVIOUS_STATE", "The state that the previous run left; else previousState in the job directory."),
    ("JOB_INTEGRATIONS", "The folder of the job's own integrations; else integrations in the job directory."),
    ("SHARED_DIR", "The folder that the tasks of a run share; else shared in the job directory."),
    ("BUILD_SECRETS_DIR", "The folder of the job's keys; else secrets in the job directory."),
    (
        "SHIPPABLE_INTEGRATION_ENVS_PATH",
        "The file of variables that integrations add; else scripts/integration_envs.env in the job directory.",
    ),
    ("JOB_MESSAGE", "The description of the job; else message.json in the job directory."),
    (
        "PREFIX_ID, PREFIX_META, PREFIX_STATE, PREFIX_TYPE, PREFIX_OPERATION, PREFIX_VERSIONNAME, PREFIX_VERSIONID, \
         PREFIX_VERSIONNUMBER, PREFIX_PARAMS_KEY, PREFIX_INTEGRATION_FIELD",
        "What look-ups of a resource print, PREFIX being its name as a variable prefix. shipctl job env sets them.",
    ),
    ("SHIPPABLE_COMMIT_RANGE", "The range of get_git_changes, when it is given none."),
    (
        "SHIPPABLE_JOB_COUNT, SHIPPABLE_JOB_NUMBER",
        "How many nodes share the tests of split_tests, and which one this is.",
    ),
    ("NOTIFY_OPTION", "The option of notify of that name, such as NOTIFY_RECIPIENT or NOTIFY_ICON_URL."),
    (
        "BUILD_NUMBER, BUILD_URL, REPO_FULL_NAME, BRANCH, SHIPPABLE_WWW_URL",
        "What the text of notify says of the build, when it is given none.",
    ),
    ("USER, LOGNAME", "The user that notify speaks for on IRC."),
    ("HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY", "Proxies for notify and aws, in capitals or not."),
    ("SSL_CERT_FILE, SSL_CERT_DIR", "The certificates that notify and aws trust, instead of the machine's."),
    (
        "SHIPCTL_CLOCK",
        "For tests of ecs: a moment such as 2026-01-02T03:04:05Z, at which the clock stands; waits are over at once and \
         move it on.",
    ),
    ("SHIPCTL_DNS", "The name server that is asked, as IP or IP:PORT, instead of those in /etc/resolv.conf."),
    (
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE, AWS_REGION, AWS_DEFAULT_REGION, \
         AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_STS, AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE",
        "The ambient credentials and settings of the AWS commands, as every AWS client reads them.",
    ),
    ("SHIPCTL_STORE", "The store of versions and state: a folder or s3://BUCKET/PREFIX; else .shipctl."),
    (
        "SHIPCTL_INT_NAME_TYPE, SHIPCTL_INT_NAME_FIELD",
        "The type and the fields of an integration for job init and job run, NAME being its name as a variable prefix. \
         They win over the file of --integrations.",
    ),
    ("HOSTNAME", "What the store says of who is running a serial job; else the name of the machine."),
    ("SHIPCTL_AWS_TIMEOUT", "How many seconds a call to AWS may take with all its retries; else 30."),
    ("SHIPCTL_ECR_SOURCE", "The source that docker-credential-shipctl takes credentials from; else the ambient ones."),
    ("DOCKER_CONFIG", "The folder of Docker's config.json; else ~/.docker."),
    ("GITHUB_ENV", "The file that aws export --format github adds variables to."),
    ("SHIPCTL_NOTIFY_TIMEOUT", "How many seconds notify waits for an answer."),
    ("PATH", "Where programs are looked for: git, the command of retry, shippable_service."),
    ("SHIPCTL_JVM_DIR", "The folder that jdk looks for JDKs in, instead of /usr/lib/jvm."),
    (
        "SHIPCTL_SERVICE_PID",
        "Set by service for shippable_service, so that two links never call each other without end.",
    ),
    (
        "HOME, XDG_CACHE_HOME",
        "Where AWS sessions and the file of shell-init are kept: in shipctl below XDG_CACHE_HOME, else ~/.cache.",
    ),
    ("TMPDIR", "Where temporary files go that have no file to lie beside."),
];

/// EXAMPLES: a script, after what it shows.
pub const EXAMPLES: &[(&str, &str)] = &[
    ("shipctl job example demo\ncd demo\neval \"$(shipctl job env)\"\nbash -e script.sh", "Try a job on a laptop:"),
    ("tag=$(shipctl get_resource_version_name app_image)", "The tag of an image that the job takes in:"),
    (
        "if [ -z \"$(shipctl get_params_resource settings REPLICAS)\" ]; then echo unset; fi",
        "Whether a parameter is set:",
    ),
    ("shipctl --strict get_integration_resource_field registry url", "A field that must be there:"),
];

/// DIFFERENCES FROM THE ORIGINAL, all deliberate: what it did, what happens here.
pub const DIFFERENCES: &[(&str, &str)] = &[
    ("Messages and usage lines went to standard output.", "They go to standard error; the exit status is the same."),
    (
        "Values were echoed through the shell: blanks collapsed, newlines were lost, * became file names, -n vanished.",
        "Values are printed byte for byte.",
    ),
    ("The keys of an integration included the lines of a multi-line value.", "They are keys only."),
    ("A name that begins with a digit never resolved.", "It does."),
    ("a-b was a subtraction of jq, and failed.", "A plain key may hold a dash."),
    ("Integers above 2^53 were rounded.", "Numbers are printed as they are written."),
    ("notify pasted its JSON together.", "Values are escaped."),
    (
        "Files at fixed places in /tmp; files truncated, then written.",
        "Private temporary files beside the target, renamed into place: a file is replaced whole or not at all.",
    ),
    (
        "get_json_value and get_integration_resource on a missing file: the message on standard output, status 0.",
        "The message is on standard error; with --strict the status is 99.",
    ),
    ("jdk set had to be sourced.", "It prints shell code for eval; after shipctl shell-init, source works too."),
    ("A link named to copy_file_to_state was copied as a link that dangled.", "The file behind it is copied."),
];

/// JSON of `shipctl ecs`: what prints it, and names of fields with what they are. Names never change; others may join.
pub const ECS_JSON: &[(&str, &[(&str, &str)])] = &[
    (
        "deploy, rollback, scale, delete, update, run",
        &[
            ("at", "When, such as 2026-01-02T03:04:05Z: of a serviceEvent in the time of ECS."),
            ("event", "What the object is about, and so which of the fields below it has."),
            ("manifest", "The manifest; of run the task definition, of update the service; null in a note on all."),
            ("step", "A step begins: text, in words, and action, the IAM action of its call."),
            (
                "counts",
                "Counts of a service have changed: service, desired, running, pending, failed (tasks of this roll-out), \
                 rolloutState (IN_PROGRESS, COMPLETED, FAILED, or null).",
            ),
            ("serviceEvent", "An event of a service, once each: service, message."),
            ("task", "run: the status of the task has changed: task (its ARN), status, exitCode, reason."),
            ("log", "run: a line of a container: task, container, saidAt, message."),
            ("note", "Something to know: text."),
            ("explanation", "Why it failed: lines, the most telling first, and next, what to do."),
            (
                "outcome",
                "The last one of a manifest: outcome (completed, unchanged, failed, rolledBack, rollbackFailed, \
                 superseded, timedOut, interrupted), service and taskDefinition (what serves, or null), text.",
            ),
        ],
    ),
    (
        "plan",
        &[
            ("job, cluster, region, method", "What is planned, and where."),
            ("actions", "The IAM actions of all calls, each once."),
            ("undocumented", "Those of them that the documented policy of such a deployment lacks."),
            (
                "manifests",
                "For each manifest: manifest, service, from (the service that serves now, or null), unchanged, calls, \
                 taskDefinition and serviceDefinition (secrets masked), difference (a text, line by line), secretsDiffer, \
                 secrets (where those that differ are: PASSWORD of web).",
            ),
            ("calls", "For each call: action, text, request, repeated (whether it is done until something is there)."),
        ],
    ),
    (
        "status",
        &[
            (
                "deployed",
                "What is remembered: manifest, cluster, region, service, method, buildNumber, taskDefinition, scaling \
                 (resourceId, policies, alarms, or null), previous (the versions that rollback goes to: taskDefinition, \
                 buildNumber), unfinished (what a command that was cut short may have left: stopped, count, fields; often \
                 absent).",
            ),
            (
                "service",
                "What ECS shows, or null: name, arn, status, desired, running, pending, taskDefinition, scheduling, \
                 hasBreaker, loadBalancers and deployments (id, status, taskDefinition, desired, running, pending, \
                 failedTasks, rolloutState, rolloutReason).",
            ),
            ("isWhole", "Whether all its tasks run on the task definition that is remembered."),
        ],
    ),
];
