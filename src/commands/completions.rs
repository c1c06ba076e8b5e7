//! `shipctl completions SHELL`.

use clap::Command;
use clap::builder::{PossibleValuesParser, Resettable};
use clap_complete::{Shell, generate};

use crate::cli;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};

pub(super) fn run(ctx: &Ctx, args: &cli::Completions) -> Result<(), Error> {
    let shell: Shell = args.shell.parse().map_err(|error| Error::new(Kind::Usage, error))?;
    let mut script = Vec::new();
    generate(shell, &mut with_plain_values(cli::command()), "shipctl", &mut script);
    ctx.print(&script)
}

/// What a shell may take for more than text.
const EVALUATED: [char; 9] = ['$', '"', '`', '\\', '\'', '(', '|', ';', '&'];

/// The tree without those descriptions of values that a shell would evaluate: fish has them between double quotes, so
/// that pressing the tab key would run `$(...)` in one.
fn with_plain_values(tree: Command) -> Command {
    let described: Vec<_> = tree.get_arguments().filter(|arg| !arg.get_possible_values().is_empty()).cloned().collect();
    let tree = described.into_iter().fold(tree, |tree, arg| {
        let values = arg.get_possible_values().into_iter().map(|value| {
            let is_evaluated = value.get_help().is_some_and(|help| help.to_string().contains(EVALUATED));
            if is_evaluated { value.help(Resettable::Reset) } else { value }
        });
        let parser = PossibleValuesParser::new(values.collect::<Vec<_>>());
        tree.mut_arg(arg.get_id(), |arg| arg.value_parser(parser))
    });
    let names: Vec<_> = tree.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    names.into_iter().fold(tree, |tree, name| tree.mut_subcommand(name, with_plain_values))
}

#[cfg(test)]
mod tests {
    use clap::Arg;
    use clap::builder::PossibleValue;

    use super::*;

    #[test]
    fn no_description_is_evaluated() {
        let values =
            [PossibleValue::new("sh").help("eval \"$(touch /tmp/x)\""), PossibleValue::new("json").help("JSON")];
        let tree = Command::new("top")
            .subcommand(Command::new("sub").arg(Arg::new("format").long("format").value_parser(values.to_vec())));
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let mut script = Vec::new();
            generate(shell, &mut with_plain_values(tree.clone()), "top", &mut script);
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains("format") && !script.contains("touch"), "{shell}: {script}");
        }
    }
}
