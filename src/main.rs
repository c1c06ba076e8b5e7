//! Entry point: build the context, run, turn an error into an exit status. Nothing else exits.

use std::process::ExitCode;

use shipctl::{commands, ctx::Ctx};

fn main() -> ExitCode {
    let mut ctx = Ctx::from_process();
    let args: Vec<_> = std::env::args_os().collect();
    match commands::run(&mut ctx, &args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ctx.report(&error);
            ExitCode::from(error.exit_status())
        }
    }
}
