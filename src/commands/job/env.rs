//! `shipctl job env`: the whole environment of a job directory, for a shell or a program.

use crate::cli::{self, EnvFormat};
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::job::directory::JobDirectory;
use crate::job::environment::{self, Variable};
use crate::support::shell;

/// Computes everything before it prints anything: an `eval` gets all of it or nothing.
pub(super) fn run(ctx: &Ctx, args: &cli::JobEnv) -> Result<(), Error> {
    let job = JobDirectory::of(ctx).map_err(|error| error.with_kind(Kind::Configuration))?;
    let environment = environment::of(&job)?;
    for warning in environment.warnings() {
        ctx.note(warning);
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
        EnvFormat::Powershell | EnvFormat::Dotenv | EnvFormat::Json | EnvFormat::Null => None,
    }
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
