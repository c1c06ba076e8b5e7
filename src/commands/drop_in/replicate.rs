//! `replicate FROM TO [flags]`: an output, or the job, made a copy of an input.

use std::os::unix::ffi::OsStrExt;

use super::Args;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::job::directory::JobDirectory;
use crate::job::replicate::{self, Options};

pub(super) fn replicate(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let mut options = Options::default();
    for word in args.words.iter().skip(2) {
        match word.as_bytes() {
            b"--files-only" => options.files_only = true,
            b"--metadata-only" => options.metadata_only = true,
            b"--webhook-data-only" => options.webhook_data_only = true,
            b"--match-settings" => options.match_settings = true,
            other if other.starts_with(b"--") => ctx.note(format_args!(
                "warning: replicate knows no {}; it knows --files-only, --metadata-only, --webhook-data-only and \
                 --match-settings",
                word.display()
            )),
            _ => {}
        }
    }
    let job = JobDirectory::of(ctx)?;
    let cwd = ctx.cwd().ok();
    for note in replicate::replicate(&job, cwd.as_deref(), args.get(0), args.get(1), options)? {
        ctx.note(note);
    }
    Ok(())
}
