//! `service`: hands over to the `shippable_service` of the image.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Args;
use crate::ctx::Ctx;
use crate::error::Error;

const PROGRAM: &str = "shippable_service";

/// Set for the program that we become, to our process id: when it turns out to be a copy of shipctl, which would
/// become the next copy and so on, the id is still the same.
const GUARD: &str = "SHIPCTL_SERVICE_PID";

pub(super) fn service(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let process = std::process::id().to_string();
    let again = ctx.env.get(GUARD).is_some_and(|by| *by == *process);
    let Some(program) = find(ctx).filter(|_| !again) else {
        return Err(Error::drop_in(format_args!("The command {PROGRAM} is not supported on this image.")));
    };
    let error = Command::new(&program).args(args.words).env(GUARD, process).exec();
    Err(Error::drop_in(format_args!("cannot run {}: {error}", program.display())))
}

/// The first one on the path that is not a link to ourselves.
fn find(ctx: &Ctx) -> Option<PathBuf> {
    let own = ctx.program().ok().and_then(|program| program.metadata().ok());
    let is_ours =
        |file: &std::fs::Metadata| own.as_ref().is_some_and(|own| (own.dev(), own.ino()) == (file.dev(), file.ino()));
    let runs = |path: &Path| {
        path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0 && !is_ours(&file))
    };
    let path = ctx.env.get("PATH")?;
    std::env::split_paths(&path).map(|folder| Path::new(".").join(folder).join(PROGRAM)).find(|path| runs(path))
}
