//! `shipctl job example`: a job directory to try things on.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::cli;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::job::example;
use crate::support::shell;

pub(super) fn run(ctx: &Ctx, args: &cli::JobExample) -> Result<(), Error> {
    // Without `.` and a slash at the end, neither of which can be renamed to.
    let target: PathBuf = ctx.absolute(&args.dir)?.components().collect();
    if ctx.cwd().is_ok_and(|cwd| cwd == target) {
        let message = format!("{}: the working directory: name a folder to make in it", args.dir.display());
        return Err(Error::new(Kind::Usage, message));
    }
    let folder = shell::posix_quote(target.as_os_str().as_bytes());
    let folder = String::from_utf8_lossy(&folder);
    if args.pipeline {
        example::write_pipeline(&target)?;
        ctx.note(format_args!("made; to see what is in it: cd {folder} && shipctl job list"));
        return Ok(());
    }
    let made = example::write(&target, ctx.env.get("PATH").as_deref())?;
    if !made.has_repository {
        ctx.note("git is not on this machine: IN/app_repo/gitRepo stays empty, so get_git_changes has nothing to read");
    }
    ctx.note(format_args!("made; to run it: cd {folder} && eval \"$(shipctl job env)\" && bash -e script.sh"));
    Ok(())
}
