//! `shipctl job env`: the whole environment of a job directory, for a shell or a program.

use super::{explain, place};
use crate::cli::{self, EnvFormat};
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::job::directory::JobDirectory;
use crate::job::environment::{self, Environment, Options, Variable};
use crate::job::record::Record;
use crate::support::github_env::{self, EnvFile};
use crate::support::shell;

/// What is shorter would mask half of a log.
const SHORTEST_SECRET: usize = 4;

/// Computes everything before it prints anything: an `eval` gets all of it or nothing.
pub(super) fn run(ctx: &Ctx, args: &cli::JobEnv) -> Result<(), Error> {
    let ctx = &place::here(ctx)?;
    let job = JobDirectory::of(ctx).map_err(|error| error.with_kind(Kind::Configuration))?;
    let record = job.root().map(Record::find).transpose()?.flatten();
    let environment = environment::with(&job, Options { compat: args.compat, task: None }, record.as_ref())?;
    for warning in environment.warnings() {
        ctx.note(warning);
    }
    if let Some(name) = &args.explain {
        return ctx.print(explain::explain(&environment, name)?.as_bytes());
    }
    let mut variables = environment.variables();
    variables.retain(|variable| {
        let kept = kept_by(args.format, &variable.name);
        if let Some(shell) = kept {
            ctx.note(format_args!(
                "{} of {} is left out: {shell} keeps this name for itself; rename the key",
                variable.name, variable.origin
            ));
        }
        kept.is_none()
    });
    let text = match args.format {
        EnvFormat::Sh => lines(&variables, sh_line),
        EnvFormat::Fish => lines(&variables, |out, variable| {
            line(out, "set -gx ", &variable.name, " ", &shell::fish_quote(variable.value.expose()));
        }),
        EnvFormat::Powershell => {
            require_text(&variables, "PowerShell")?;
            lines(&variables, |out, variable| {
                line(out, "$env:", &variable.name, " = ", &shell::powershell_quote(variable.value.expose()));
            })
        }
        EnvFormat::Dotenv => lines(&variables, |out, variable| {
            line(out, "", &variable.name, "=", &shell::dotenv_quote(variable.value.expose()));
        }),
        EnvFormat::Json => json(&variables)?,
        EnvFormat::Github => return github(ctx, &environment, &variables),
        EnvFormat::Gitlab => gitlab(ctx, &environment, &variables),
        EnvFormat::Null => lines(&variables, |out, variable| {
            out.extend_from_slice(variable.name.as_bytes());
            out.push(b'=');
            out.extend_from_slice(variable.value.expose());
            out.push(0);
        }),
    };
    ctx.print(&text)
}

/// The shell that would refuse a name in this format, or do something else with it.
fn kept_by(format: EnvFormat, name: &str) -> Option<&'static str> {
    match format {
        EnvFormat::Sh => shell::posix_keeps(name).then_some("the shell"),
        EnvFormat::Fish => shell::fish_keeps(name).then_some("fish"),
        EnvFormat::Github => github_keeps(name).then_some("GitHub's runner"),
        EnvFormat::Powershell | EnvFormat::Gitlab | EnvFormat::Dotenv | EnvFormat::Json | EnvFormat::Null => None,
    }
}

/// Names that a workflow cannot set for its later steps.
fn github_keeps(name: &str) -> bool {
    name.starts_with("GITHUB_") || name.starts_with("RUNNER_") || name == "NODE_OPTIONS" || name == "CI"
}

/// Everything that can fail comes before the masks, and the masks before what they hide.
fn github(ctx: &Ctx, environment: &Environment, variables: &[&Variable]) -> Result<(), Error> {
    require_text(variables, "GITHUB_ENV")?;
    let path = github_env::file(&ctx.env)?;
    let (mut masks, mut assignments) = (String::new(), String::new());
    for variable in variables {
        let value = String::from_utf8_lossy(variable.value.expose());
        if environment.is_secret(variable) && value.len() >= SHORTEST_SECRET {
            masks += &github_env::mask(&value);
        }
        let cannot = |what| {
            let (name, origin) = (&variable.name, &variable.origin);
            Error::failed(format_args!("{name} ({origin}) has {what}, which GITHUB_ENV cannot hold: change the value"))
        };
        assignments += &github_env::assignment(&variable.name, &value).map_err(cannot)?;
    }
    let file = EnvFile::open(&path)?;
    ctx.print(masks.as_bytes())?;
    file.append(assignments.as_bytes())
}

/// The report of variables is an artifact, which whoever sees the pipeline can download, and has no way of quoting.
fn gitlab(ctx: &Ctx, environment: &Environment, variables: &[&Variable]) -> Vec<u8> {
    let mut out = Vec::new();
    for variable in variables {
        let why = if environment.is_secret(variable) {
            "a report is an artifact, which is no place for secrets: give it to the job as a masked CI/CD variable"
        } else if std::str::from_utf8(variable.value.expose()).is_err() {
            "it is not UTF-8"
        } else if variable.value.expose().iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            "a report holds one line each"
        } else {
            line(&mut out, "", &variable.name, "=", variable.value.expose());
            continue;
        };
        ctx.note(format_args!("{} of {} is left out: {why}", variable.name, variable.origin));
    }
    out
}

fn lines(variables: &[&Variable], each: impl Fn(&mut Vec<u8>, &Variable)) -> Vec<u8> {
    let mut out = Vec::new();
    for variable in variables {
        each(&mut out, variable);
    }
    out
}

fn line(out: &mut Vec<u8>, before: &str, name: &str, between: &str, value: &[u8]) {
    out.extend_from_slice(before.as_bytes());
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(between.as_bytes());
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// A few names are plain everywhere but in zsh, which is told to pass them by.
fn sh_line(out: &mut Vec<u8>, variable: &Variable) {
    let export = if shell::zsh_keeps(&variable.name) { "[ -n \"${ZSH_VERSION-}\" ] || export " } else { "export " };
    line(out, export, &variable.name, "=", &shell::posix_quote(variable.value.expose()));
}

/// One object, in the order of the assignments.
fn json(variables: &[&Variable]) -> Result<Vec<u8>, Error> {
    require_text(variables, "JSON")?;
    let object: serde_json::Map<String, serde_json::Value> = variables
        .iter()
        .map(|variable| (variable.name.clone(), String::from_utf8_lossy(variable.value.expose()).into_owned().into()))
        .collect();
    let mut text = format!("{:#}", serde_json::Value::Object(object)).into_bytes();
    text.push(b'\n');
    Ok(text)
}

/// Refuses what a format can only hold spoiled.
fn require_text(variables: &[&Variable], format: &str) -> Result<(), Error> {
    match variables.iter().find(|variable| std::str::from_utf8(variable.value.expose()).is_err()) {
        None => Ok(()),
        Some(variable) => Err(Error::failed(format_args!(
            "{} ({}) is not UTF-8, which {format} cannot hold: use --format null",
            variable.name, variable.origin
        ))),
    }
}
