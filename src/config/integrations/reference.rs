//! References to secrets: a variable, a file, or what a command prints.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::ctx::Env;
use crate::support::process;

/// What a value says about where it is to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference<'a> {
    /// `env:NAME`.
    Variable(&'a str),
    /// `file:PATH`.
    File(&'a str),
    /// `exec:COMMAND`.
    Command(&'a str),
    /// `literal:TEXT`: taken as it is, for a text that would be read as something else.
    Literal(&'a str),
}

impl<'a> Reference<'a> {
    /// The reference that a whole value is; `None` for a value that is text itself.
    pub fn of(text: &'a str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        Some(match kind {
            "env" => Self::Variable(rest.trim()),
            "file" => Self::File(rest.trim()),
            "exec" => Self::Command(rest.trim()),
            "literal" => Self::Literal(rest),
            _ => return None,
        })
    }
}

/// The value behind a reference; paths and commands are seen from the folder `base`. Variables and files are taken byte
/// for byte, of what a command prints the newlines at the end go.
///
/// # Errors
///
/// Why there is none, without anything that could be a secret. A text that is no reference is one of the reasons.
pub fn reference(env: &Env, base: &Path, text: &str) -> Result<String, String> {
    match Reference::of(text) {
        Some(Reference::Variable(name)) => variable(env, name),
        Some(Reference::File(path)) => file(env, base, path),
        Some(Reference::Command(line)) => command(env, base, line),
        Some(Reference::Literal(text)) => Ok(text.to_owned()),
        None => Err("it is no reference: write env:NAME, file:PATH or exec:COMMAND".to_owned()),
    }
}

/// A value of a file: a reference, or text in which `$NAME` and `${NAME}` stand for variables and `$$` for `$`.
pub(super) fn value(env: &Env, base: &Path, text: &str) -> Result<String, String> {
    if Reference::of(text).is_some() { reference(env, base, text) } else { interpolated(env, text) }
}

fn variable(env: &Env, name: &str) -> Result<String, String> {
    if name.is_empty() {
        return Err("env: names no variable".to_owned());
    }
    let value = env.get(name).ok_or_else(|| format!("the variable {name} is not set"))?;
    value.into_string().map_err(|_| format!("the variable {name} is not UTF-8"))
}

fn file(env: &Env, base: &Path, path: &str) -> Result<String, String> {
    let home = env.get_filled("HOME").map(PathBuf::from);
    let path = match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        (Some(_), None) => return Err(format!("the file {path} cannot be found: HOME is not set")),
        (None, _) => base.join(path),
    };
    let bytes = std::fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8: keep it in base64", path.display()))
}

fn command(env: &Env, base: &Path, line: &str) -> Result<String, String> {
    let words = shell_words::split(line).map_err(|_| "the command of exec: has a quote that is never closed")?;
    let Some((program, arguments)) = words.split_first() else { return Err("exec: names no command".to_owned()) };
    let mut command = Command::new(program);
    if let Env::Fixed(variables) = env {
        command.env_clear().envs(variables);
    }
    if !base.as_os_str().is_empty() {
        command.current_dir(base);
    }
    // What the tool has to say about a failure is for the user; its arguments may hold a secret and are never shown.
    let output = command.args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output =
        output.map_err(|error| process::explain(program.as_ref(), env.get("PATH").as_deref(), &error).message)?;
    if !output.status.success() {
        return Err(format!("the command {program} failed: {}", process::describe(output.status)));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| format!("what {program} prints is not UTF-8"))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

fn interpolated(env: &Env, text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut missing = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let Some((name, after)) = name_at(after) else {
            out.push('$');
            rest = after;
            continue;
        };
        match variable(env, name) {
            Ok(value) => out.push_str(&value),
            Err(cause) => missing.push(cause),
        }
        rest = after;
    }
    out.push_str(rest);
    if missing.is_empty() { Ok(out) } else { Err(format!("{}; write $$ for a dollar sign", missing.join(", "))) }
}

/// The name after a `$`, with or without braces, and what follows it.
fn name_at(text: &str) -> Option<(&str, &str)> {
    let (body, close) = match text.strip_prefix('{') {
        Some(inner) => (inner, "}"),
        None => (text, ""),
    };
    let end = body.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(body.len());
    let (name, rest) = body.split_at(end);
    let rest = rest.strip_prefix(close)?;
    let is_name = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
    is_name.then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> Env {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let variables = [("A", "one".into()), ("EMPTY", "".into()), ("PATH", path), ("HOME", "/nowhere".into())];
        Env::Fixed(variables.map(|(name, value)| (name.into(), value)).into())
    }

    #[test]
    fn text_with_variables() {
        for (text, want) in [
            ("plain", Ok("plain")),
            ("${A}-$A.", Ok("one-one.")),
            ("pa$$word$$", Ok("pa$word$")),
            ("$5 ${5} ${A $", Ok("$5 ${5} ${A $")),
            ("$EMPTY", Ok("")),
            ("https://x:y", Ok("https://x:y")),
            (
                "$NO and ${NO2}",
                Err("the variable NO is not set, the variable NO2 is not set; write $$ for a dollar sign"),
            ),
            ("env:A", Ok("one")),
            ("env:NO", Err("the variable NO is not set")),
            ("literal:env:$A", Ok("env:$A")),
        ] {
            let got = value(&env(), Path::new("."), text);
            assert_eq!(got.as_deref().map_err(String::as_str), want, "{text}");
        }
    }

    #[test]
    fn files_byte_for_byte() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("k.pem"), "l1\nl2\n\n").unwrap();
        assert_eq!(reference(&env(), dir.path(), "file:k.pem").unwrap(), "l1\nl2\n\n");
        let said = reference(&env(), dir.path(), "file:~/none").unwrap_err();
        assert!(said.contains("cannot read /nowhere/none"), "{said}");
        std::fs::write(dir.path().join("b"), b"\xff").unwrap();
        assert!(reference(&env(), dir.path(), "file:b").unwrap_err().contains("not UTF-8"));
    }

    #[test]
    fn commands_without_a_shell() {
        let run = |line: &str| reference(&env(), Path::new("."), line);
        assert_eq!(run(r#"exec:printf '%s\n\n' "a b" '$A'"#).unwrap(), "a b\n\n$A");
        assert_eq!(run("exec:sh -c 'printf %s $A'").unwrap(), "one");
        assert_eq!(run("exec:sh -c 'exit 3' hidden").unwrap_err(), "the command sh failed: exit status 3");
        assert!(run("exec:no-such-tool hidden").unwrap_err().starts_with("cannot run no-such-tool: no folder of PATH"));
        assert_eq!(run("exec:echo 'open").unwrap_err(), "the command of exec: has a quote that is never closed");
        assert_eq!(run("exec:").unwrap_err(), "exec: names no command");
        assert!(run("text").unwrap_err().contains("no reference"));
    }
}
