//! `shipctl shell-init SHELL`: what a script evaluates so that older ways of calling shipctl go on working.
//!
//! `source shipctl jdk set NAME` has a shell look for a file named `shipctl` on its path. Functions in the place of
//! the builtins `source` and `.` would change what every other sourced file sees (the caller's arguments, whether its
//! `declare` is global), and dash has no such function for `.`. So no builtin is replaced: a folder with a small
//! *readable, not executable* file named `shipctl` is put first on the path. `source` and `.` find that file; whatever
//! runs programs passes it by and finds the binary, in child processes too, at no cost. The same folder has links for
//! the older names: scripts that call those are mostly started, not sourced, and functions do not reach them.
//!
//! Both spellings work in bash and zsh. dash has no `source`: there it is defined (for other files it is `.`). The `.`
//! of dash hands no words to the file, which can only say so and fail.
//!
//! A plain `shipctl jdk set NAME` switched java for the whole system on the platform, and scripts rely on that, too:
//! the function `shipctl` evaluates the code besides printing it.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;

use crate::cli;
use crate::commands::drop_in::TABLE;
use crate::commands::older_names;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::support::shell::posix_quote;
use crate::support::{atomic, own_folder};

/// What `source shipctl` reads.
const SOURCED: &str = include_str!("shell_init/sourced.sh");

// Evaluated code: no comments, and `;` at the end of every command, so that it also survives an `eval $(…)` without
// quotes, which joins the lines.
const PATH_CODE: &str = include_str!("shell_init/path.sh");
const SHIPCTL_FUNCTION: &str = include_str!("shell_init/functions.sh");
const SOURCE_FUNCTION: &str = include_str!("shell_init/source.sh");

/// Names that were programs or functions of their own, on the platform or on its successor. With them come all that
/// begin with `ship_`, the functions before shipctl. `shippable_service` is not one: images have the real program.
const STAND_ALONE: [&str; 13] = [
    "shippable_retry",
    "shippable_replace",
    "shippable_decrypt",
    "shippable_jdk",
    "read_json",
    "replace_envs",
    "bump_semver",
    "compare_git",
    "retry_command",
    "decrypt_file",
    "replicate_resource",
    "send_notification",
    "write_output",
];

pub(super) fn run(ctx: &Ctx, args: &cli::ShellInit) -> Result<(), Error> {
    let program_file = ctx.program()?;
    let program = posix_quote(program_file.as_os_str().as_bytes());
    let mut code = Vec::new();
    match sourced_folder(ctx) {
        Ok(folder) => {
            // Functions end with the shell: the scripts that it starts find these.
            if let Err(error) = older_names::link(&folder, &program_file, older_names::of_the_platform()) {
                ctx.note(format_args!("scripts that are started will not find the older names: {error}"));
            }
            code.extend(PATH_CODE.as_bytes().replace("@FOLDER@", posix_quote(folder.as_os_str().as_bytes())));
        }
        // All the rest works without it.
        Err(error) => ctx.note(format_args!("`source shipctl` will not work, its file cannot be written: {error}")),
    }
    code.extend(SHIPCTL_FUNCTION.as_bytes().replace("@PROGRAM@", program));
    if args.shell == "sh" {
        code.extend_from_slice(SOURCE_FUNCTION.as_bytes());
    }
    for (alias, words) in functions() {
        code.extend_from_slice(format!("{alias}() {{ shipctl {words} \"$@\"; }};\n").as_bytes());
    }
    ctx.print(&code)
}

/// Every name that gets a function, and what shipctl calls it.
fn functions() -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_wanted = |alias: &str| alias.starts_with("ship_") || STAND_ALONE.contains(&alias);
    TABLE.iter().flat_map(move |command| {
        command.aliases.iter().filter(move |alias| is_wanted(alias)).map(|alias| (*alias, command.name))
    })
}

/// The folder with the file that `source` is to find: in the user's cache, else beside other temporary files; never
/// where somebody else could change it.
fn sourced_folder(ctx: &Ctx) -> io::Result<PathBuf> {
    let cache = match ctx.env.get_filled("XDG_CACHE_HOME") {
        Some(cache) => Some(PathBuf::from(cache)),
        None => ctx.env.get_filled("HOME").map(|home| Path::new(&home).join(".cache")),
    };
    let temporary = ctx.env.get_filled("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
    let own = format!("shipctl-{}", rustix::process::geteuid().as_raw());
    let places = [cache.map(|cache| cache.join("shipctl")), Some(temporary.join(own))];
    for place in places.into_iter().flatten().filter(|place| place.is_absolute()) {
        if let Some(folder) = own_folder::make(&place.join("sourced"))
            && !folder.as_os_str().as_bytes().contains(&b':')
            && write_sourced(&folder).is_ok()
        {
            return Ok(folder);
        }
    }
    let folder = own_folder::make_new(&temporary)?;
    write_sourced(&folder)?;
    Ok(folder)
}

fn write_sourced(folder: &Path) -> io::Result<()> {
    let file = folder.join("shipctl");
    if !std::fs::read(&file).is_ok_and(|content| content == SOURCED.as_bytes()) {
        atomic::replace_bytes(&file, SOURCED.as_bytes())?;
    }
    if file.metadata()?.permissions().mode() & 0o111 != 0 {
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_older_name_is_a_command() {
        let functions: Vec<_> = functions().collect();
        for name in STAND_ALONE {
            assert!(functions.iter().any(|(alias, _)| *alias == name), "{name} is in no row of the table");
        }
        assert!(functions.iter().filter(|(alias, _)| alias.starts_with("ship_resource_")).count() >= 11);
    }

    #[test]
    fn evaluated_code_survives_being_joined_to_one_line() {
        for code in [PATH_CODE, SHIPCTL_FUNCTION, SOURCE_FUNCTION] {
            assert!(!code.contains('#') || code.contains("\"$#\""), "a comment would swallow the rest");
            for line in code.lines() {
                let open = line.ends_with(['{', ')', ';']) || line.ends_with(" in");
                assert!(open, "{line:?} would run into the next line");
            }
        }
    }
}
