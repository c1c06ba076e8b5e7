//! The top of the clap tree: for our own commands, and for help, man pages and completions of all.

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Args as _, Command, CommandFactory, Parser, Subcommand};

use crate::commands::aws::Aws;
use crate::commands::drop_in::{Group, TABLE};
use crate::commands::iam::Iam;
use crate::commands::job::{JobClean, JobExec, JobRun};
use crate::ctx::Ctx;
use crate::error::{Error, Kind};

/// The shipctl of job scripts, for any CI or laptop
#[derive(Debug, Parser)]
#[command(name = "shipctl", version)]
pub struct Cli {
    #[command(flatten)]
    own: OwnOptions,
    #[command(subcommand)]
    pub(crate) command: Own,
}

/// Options of our own, before the name of any command.
#[derive(Debug, clap::Args)]
struct OwnOptions {
    /// Look-ups that find nothing fail (also SHIPCTL_STRICT=1)
    #[arg(long)]
    strict: bool,
    /// The job directory (else $JOB_PATH, else the nearest parent folder that is one)
    #[arg(long, value_name = "DIR")]
    job_dir: Option<std::path::PathBuf>,
}

/// Our own commands; the drop-in ones are in their table.
#[derive(Debug, Subcommand)]
pub(crate) enum Own {
    /// Jobs: their yml, their directory, a whole run of one
    #[command(subcommand)]
    Job(Job),
    /// AWS credentials from the job's integrations
    #[command(subcommand)]
    Aws(Box<Aws>),
    /// IAM policies and trust policies of deployments
    #[command(subcommand)]
    Iam(Iam),
    /// Deployments to ECS, as managed deploy jobs did them
    #[command(subcommand)]
    Ecs(Box<crate::commands::ecs::Ecs>),
    /// Versions of resources and jobs in the store
    #[command(subcommand)]
    Version(crate::commands::version::Version),
    /// Folders that jobs left in the store for next time
    #[command(subcommand)]
    State(crate::commands::state::State),
    /// Shell functions for sourced commands and older names
    ShellInit(ShellInit),
    /// Completions for a shell
    Completions(Completions),
    /// Man pages, as text for man(1)
    Man(Man),
}

/// Commands on the job directory as a whole.
#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// Make the job directory of a job, from its shippable.yml
    ///
    /// Makes what a job's script finds: resources IN and OUT with their versions, integrations, key files, params,
    /// state and message.json. A resource is used for the first time in the version that the yml says, which is kept;
    /// later in the newest version, unless it is pinned. Everything is made or nothing; every missing secret is listed.
    ///
    /// Prints the folder. Then: cd DIR && eval "$(shipctl job env)"
    ///
    /// Exit status: 2 for options that name nothing, 8 when the yml, a version or a secret is wrong or missing.
    Init(crate::commands::job::init::Args),
    /// Print the environment of the job directory
    ///
    /// Prints every variable that a job script finds, computed from the files of the job directory: raw params first,
    /// then the job, each resource in the order of the steps, the job's own integrations, the env of the TASK. Each is
    /// printed once, with the value that wins (the later one), in the order of the winning assignments. Names that
    /// cannot be set are left out, with a note on standard error.
    ///
    /// What only the platform or the CI knows (BUILD_ID, BUILD_URL, SUBSCRIPTION_ID, ...) comes from message.json, else
    /// it is taken over from the environment of the call. Without message.json the job has the name in JOB_NAME, else
    /// that of its folder. Outside a job directory, it is the one that `job init` made here.
    ///
    /// --explain NAME prints what sets a variable, the winner first, then what it shadows. Values that may be secret are
    /// masked.
    ///
    /// Exit status: 8 when there is no job directory or a file in it is wrong, with nothing printed.
    Env(JobEnv),
    /// List the jobs of shippable.yml
    ///
    /// Lists each job of shippable.yml and its sibling files: its type, inputs, outputs, how many TASKs it has, and
    /// where it is written. Siblings are shippable.templates.yml, .resources.yml, .triggers.yml and .jobs.yml.
    ///
    /// Exit status: 8 when there is no such file or it is no YAML, with nothing printed.
    List(JobList),
    /// Check shippable.yml, with file and line
    ///
    /// Checks shippable.yml and its sibling files: unknown steps, types, resources and jobs, maps where a line of a
    /// script was meant, names that collide or cannot be folders, fields that are missing, texts under `secure` that
    /// nothing can decrypt any more, /build/ paths, params that are lost, numbers that YAML changes. With --integrations
    /// also integrations that are not there, their types and their fields; no value is read and no command run.
    ///
    /// Each line of the output is FILE:LINE:COLUMN, error or warning with its rule in brackets, what is wrong, and what to
    /// write instead; the rules keep their names. The last line, on standard error, counts errors and warnings.
    ///
    /// Exit status: 8 when there are errors, 0 when there are warnings alone.
    Lint(JobLint),
    /// Show a job and its resources, secrets masked
    ///
    /// With JOB, shows this job of shippable.yml: its steps in order, with types, integrations, pins, options and
    /// params, its tasks and hooks. Without, shows the job directory: outside one, that which `job init` made here.
    ///
    /// With --trace, shows from the store the newest version of the job and of each output, below each the versions that
    /// it was made from, and so on; what has been shown above is not repeated.
    ///
    /// Of the job directory it shows the job, its resources in the order of the steps, and its integrations. Every field of an integration is
    /// masked except url, host, port, region, username, email, nodes, publicKey and output; so are params under `secure`
    /// and params whose name speaks of a secret.
    ///
    /// Exit status: 8 when there is no such job, no job directory, or a file is wrong, with nothing printed.
    Show(JobShow),
    /// Make new versions of what the job left, and keep its state
    ///
    /// What scripts wrote to $JOB_STATE and to OUT/ becomes new versions of the outputs and of the job; what is as it was
    /// gets none. Each output: the version.json in OUT/, as edited, then the options overwrite and replicate of its step,
    /// then $JOB_STATE/RESOURCE.env, of which the later wins. A line of an .env file is KEY=VALUE, versionName the
    /// version's name; a value of several lines is KEY<<END, its lines, END.
    ///
    /// A secret of the job in a version is refused, with the file and the key, and nothing is saved. When everything is
    /// saved, the secrets of the job directory are removed: integrations, keys, secure params, configuration of tools.
    ///
    /// Exit status: 8 when there is no job directory that `shipctl job init` made, 1 when nothing could be saved.
    Finish(crate::commands::job::finish::Args),
    /// Write an example job directory
    ///
    /// Writes a job directory to try things on: resources of many types, integrations of every AWS kind (with the example
    /// keys of AWS's own documentation), a git repository, and a job script.
    ///
    /// Then: cd DIR && eval "$(shipctl job env)" && bash -e script.sh
    ///
    /// --pipeline writes a folder with a shippable.yml instead, and the integrations of its two jobs.
    Example(JobExample),
    Run(JobRun),
    Exec(JobExec),
    Clean(JobClean),
}

#[derive(Debug, clap::Args)]
pub(crate) struct JobEnv {
    /// How it is written
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = EnvFormat::Sh)]
    pub format: EnvFormat,
    /// Print instead what sets this variable, and what that shadows
    #[arg(long, value_name = "NAME", conflicts_with = "format")]
    pub explain: Option<String>,
    /// Params that are lists or objects as the platform had them: JSON, each space with a backslash before it
    #[arg(long)]
    pub compat: bool,
}

/// How `job env` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum EnvFormat {
    /// For bash, dash and zsh: eval "$(shipctl job env)"
    Sh,
    /// For fish: shipctl job env --format fish | source
    Fish,
    /// For PowerShell: shipctl job env --format powershell | Out-String | Invoke-Expression
    Powershell,
    /// An .env file as Docker Compose reads it, escapes in double quotes
    Dotenv,
    /// One JSON object; fails when a value is not UTF-8
    Json,
    /// NAME=value, each ended by a zero byte, as in env -0
    Null,
    /// For the later steps of a GitHub Actions job: masks what is secret, then appends to $GITHUB_ENV
    Github,
    /// For the later jobs of a GitLab pipeline, as artifacts:reports:dotenv: no secrets, no value of several lines
    Gitlab,
}

/// Which pipeline.
#[derive(Debug, clap::Args)]
pub(crate) struct PipelineFiles {
    /// The yml, with its siblings (else shippable.yml and its siblings here); may be given more than once
    #[arg(long, value_name = "FILE")]
    pub file: Vec<std::path::PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct JobList {
    #[command(flatten)]
    pub files: PipelineFiles,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct JobLint {
    #[command(flatten)]
    pub files: PipelineFiles,
    /// Check the integrations too: those of this file, YAML or JSON, and of SHIPCTL_INT_... variables
    #[arg(long, value_name = "FILE")]
    pub integrations: Option<std::path::PathBuf>,
    /// How it is written
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LintFormat::Text)]
    pub format: LintFormat,
}

/// How `job lint` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LintFormat {
    /// One line each, for people and editors
    Text,
    /// One array of objects: file, line, column, severity, rule, entry, message
    Json,
    /// Workflow commands of GitHub Actions, shown beside the lines of a pull request
    Github,
}

#[derive(Debug, clap::Args)]
pub(crate) struct JobShow {
    /// A job of shippable.yml
    #[arg(value_name = "JOB")]
    pub job: Option<String>,
    /// The yml, with its siblings (else shippable.yml and its siblings here); may be given more than once
    #[arg(long, value_name = "FILE", requires = "job")]
    pub file: Vec<std::path::PathBuf>,
    /// Show instead the newest versions of the job and its outputs, and the versions that they were made from
    #[arg(long, requires = "job")]
    pub trace: bool,
    #[command(flatten)]
    pub store: crate::commands::version::StoreArgs,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct JobExample {
    /// Write a shippable.yml of two jobs instead, for `shipctl job run`
    #[arg(long)]
    pub pipeline: bool,
    /// The folder to make; it must be empty or not be there yet
    #[arg(value_name = "DIR")]
    pub dir: std::path::PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShellInit {
    /// The shell
    #[arg(value_parser = ["bash", "zsh", "sh"], default_value = "bash")]
    pub shell: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_parser = ["bash", "zsh", "fish", "powershell", "elvish"])]
    pub shell: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// Write every page into this folder, which is made if need be
    #[arg(long, value_name = "DIR", conflicts_with = "page")]
    pub out: Option<std::path::PathBuf>,
    /// The page to print, such as job-env, drop-in or get_resource_id
    #[arg(value_name = "COMMAND")]
    pub page: Option<String>,
}

/// One command of our own and nothing beside it, for a call of it: to build the tree of all the others takes longer than
/// most of them run. `None` for what has to know them: help, lists, words that are no command.
pub(crate) fn command_of(words: &[OsString]) -> Option<Command> {
    let own = match words.first()?.to_str()? {
        "job" => Job::augment_subcommands(Command::new("job")),
        "aws" => Command::new("aws").subcommand(Aws::leaf(words.get(1)?.to_str()?)?),
        "shell-init" => ShellInit::augment_args(Command::new("shell-init")),
        _ => return None,
    };
    Some(OwnOptions::augment_args(Command::new("shipctl")).subcommand(own))
}

/// The whole tree, drop-in commands too.
pub fn command() -> Command {
    let mut top = Cli::command();
    for drop_in in TABLE {
        let words = Arg::new("arguments").num_args(0..).value_name("ARGUMENT").hide(true).allow_hyphen_values(true);
        let usage = usage_lines(&format!("shipctl {} {}", drop_in.name, drop_in.usage));
        top = top.subcommand(
            Command::new(drop_in.name)
                .about(drop_in.about)
                .aliases(drop_in.aliases.iter().copied())
                .override_usage(usage)
                .disable_help_flag(true)
                .arg(words),
        );
    }
    let help = overview(&top);
    // The same width everywhere: help is for logs, pages and tests as well as for terminals.
    top.term_width(100).override_help(help)
}

/// A usage line for help: one that is too long for a terminal goes on below its arguments.
fn usage_lines(usage: &str) -> String {
    const WIDTH: usize = 100;
    let indent = " ".repeat("Usage: shipctl ".len());
    let mut lines = vec![String::new()];
    for word in usage.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < WIDTH => {
                line.extend([if line.is_empty() { "" } else { " " }, word]);
            }
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    lines.join("\n")
}

/// `shipctl --help`: commands by group, one line each, the drop-in ones last.
fn overview(top: &Command) -> String {
    let mut text = String::from(
        "The shipctl of job scripts, for any CI or laptop\n\nUsage: shipctl [OPTIONS] COMMAND [ARGUMENTS]\n",
    );
    let is_drop_in = |command: &Command| TABLE.iter().any(|drop_in| drop_in.name == command.get_name());
    let own = top.get_subcommands().filter(|command| !is_drop_in(command));
    let mut lines = Vec::new();
    for command in own {
        if command.has_subcommands() {
            let names =
                command.get_subcommands().map(|sub| (format!("{} {}", command.get_name(), sub.get_name()), sub));
            lines.extend(names.map(|(name, sub)| (name, about(sub))));
        } else {
            lines.push((command.get_name().to_owned(), about(command)));
        }
    }
    section(&mut text, "Commands", &lines);
    for group in Group::ALL {
        let lines: Vec<_> = TABLE
            .iter()
            .filter(|command| command.group == group)
            .map(|command| (command.name.to_owned(), command.about.to_owned()))
            .collect();
        section(&mut text, group.heading(), &lines);
    }
    section(&mut text, "Options, before the command", &options());
    text
}

/// Our own options, which stand before the command: how each is written, and what it means.
pub(crate) fn options() -> Vec<(String, String)> {
    OwnOptions::augment_args(Command::new("options"))
        .get_arguments()
        .map(|arg| {
            let value = arg.get_value_names().filter(|_| arg.get_action().takes_values());
            let value = value.and_then(|names| names.first()).map(|name| format!(" {name}")).unwrap_or_default();
            (
                format!("--{}{value}", arg.get_long().unwrap_or_default()),
                arg.get_help().map(ToString::to_string).unwrap_or_default(),
            )
        })
        .chain([
            ("-h, --help".to_owned(), "This list; `shipctl help COMMAND` for one command".to_owned()),
            ("-V, --version".to_owned(), "The version".to_owned()),
        ])
        .collect()
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn section(text: &mut String, heading: &str, lines: &[(String, String)]) {
    let _ = write!(text, "\n{heading}:\n");
    for (name, about) in lines {
        let _ = writeln!(text, "  {name:<31} {about}");
    }
}

/// A word that is no command: at the top what the original called unsupported, below it wrong usage.
fn no_such_command(error: &clap::Error, words: &[OsString]) -> Error {
    let word = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) => word.clone(),
        _ => words.last().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default(),
    };
    let top = command();
    let at = words.iter().position(|known| *known == *word).unwrap_or_default();
    let parent =
        words[..at].iter().filter_map(|name| name.to_str()).try_fold(&top, |parent, name| parent.find_subcommand(name));
    let known = parent.into_iter().flat_map(Command::get_subcommands).map(Command::get_name);
    let near = crate::job::names::did_you_mean(&word, known);
    match parent.map(Command::get_name) {
        Some(name) if at > 0 => Error::new(Kind::Usage, format_args!("shipctl {name} has no command {word}{near}")),
        _ => Error::drop_in(format_args!("The command {word} is not supported{near}")),
    }
}

/// What clap says over several lines, as one: the cause, what may be given instead, the usage.
fn usage_line(rendered: &str) -> String {
    let text = rendered.trim_start_matches("error: ");
    let text = text.split("\n\nFor more information").next().unwrap_or(text);
    let parts: Vec<String> = text
        .split("\n\n")
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|part| !part.is_empty())
        .collect();
    parts.join("; ")
}

/// Writes what clap has to say: help and version to standard output, the rest as an error.
pub fn report(ctx: &Ctx, error: &clap::Error, words: &[OsString]) -> Result<(), Error> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ctx.print(error.render().to_string().as_bytes()),
        ErrorKind::InvalidSubcommand => Err(no_such_command(error, words)),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let path = words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
            Err(Error::new(Kind::Usage, format_args!("{path} needs a command of its own: see `shipctl {path} --help`")))
        }
        _ => Err(Error::new(Kind::Usage, usage_line(&error.render().to_string()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a command alone makes of its words is what the whole tree makes of them: it has the same arguments.
    #[test]
    fn a_command_alone_is_that_of_the_tree() {
        let whole = command();
        for (own, kept_alone) in [("job", true), ("aws", true), ("shell-init", true), ("man", false)] {
            let in_tree = whole.find_subcommand(own).unwrap();
            let leaves = in_tree.get_subcommands().map(|leaf| vec![own, leaf.get_name()]);
            for path in leaves.chain((!in_tree.has_subcommands()).then(|| vec![own])) {
                let words: Vec<OsString> = path.iter().map(OsString::from).collect();
                let alone = command_of(&words);
                assert_eq!(alone.is_some(), kept_alone, "{path:?}");
                let Some(alone) = alone else { continue };
                let find =
                    |top| path.iter().try_fold(top, |parent: &Command, name| parent.find_subcommand(name)).unwrap();
                let arguments = |command: &Command| format!("{:#?}", command.get_arguments().collect::<Vec<_>>());
                assert_eq!(arguments(find(&alone)), arguments(find(&whole)), "{path:?}");
            }
        }
        assert!(command_of(&["aws".into()]).is_none() && command_of(&["aws".into(), "help".into()]).is_none());
    }
}
