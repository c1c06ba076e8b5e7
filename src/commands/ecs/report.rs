//! How a command on a deploy job ended.

use super::log::Log;
use crate::ctx::Ctx;
use crate::ecs::run::Report;
use crate::error::Error;

/// One line for each service that serves, for scripts, and the exit status. With `--json` all has been said already.
pub(super) fn end(ctx: &Ctx, report: &Report, log: &Log, as_json: bool) -> Result<(), Error> {
    if !as_json {
        let serving = report.done.iter().filter(|done| done.outcome.is_success());
        for done in serving {
            if let (Some(service), Some(task_definition)) = (&done.service, &done.task_definition) {
                ctx.print_line(format!("{}\t{service}\t{task_definition}", done.manifest))?;
            }
        }
    }
    log.error_of(report).map_or(Ok(()), Err)
}
