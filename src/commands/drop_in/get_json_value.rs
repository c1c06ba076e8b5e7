//! `get_json_value`.

use std::fs::File;
use std::io::{self, Seek};
use std::path::Path;

use super::Args;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::job::resource::in_file;
use crate::support::json::{self, Query};

pub(super) fn get_json_value(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let file = Path::new(args.get(0));
    // The original tested for a file, said so and went on with exit status 0; scripts rely on that.
    if file.is_dir() || !file.exists() {
        return missing(ctx, format_args!("{}: No such file present in this directory", file.display()));
    }
    print_query(ctx, file, &Query::under("", &args.get(1).to_string_lossy()))
}

/// Says that a file is missing: a failure only with `--strict`.
pub(super) fn missing(ctx: &Ctx, message: impl std::fmt::Display) -> Result<(), Error> {
    if ctx.strict {
        return Err(Error::drop_in(message));
    }
    ctx.note(message);
    Ok(())
}

/// Prints what a query finds in a file, as `jq -r` does.
pub(super) fn print_query(ctx: &Ctx, file: &Path, query: &Query) -> Result<(), Error> {
    let source = File::open(file).map_err(|error| Error::io("read", file, &error).with_kind(Kind::DropIn))?;
    if let (true, Query::Plain(path)) = (ctx.strict, query) {
        require(&source, file, path)?;
    }
    let mut failure = None;
    let mut empty = false;
    ctx.write_out(|out| match json::print(&source, query, out) {
        Ok(printed) => {
            empty = printed.documents == 0;
            Ok(())
        }
        Err(json::Error::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Err(error),
        Err(error) => {
            failure = Some(in_file(file, &error));
            Ok(())
        }
    })?;
    if let Some(error) = failure {
        return Err(error);
    }
    if empty {
        return missing(ctx, format_args!("{}: the file is empty", file.display()));
    }
    Ok(())
}

/// With `--strict` a path that leads to nothing, or to null, is a failure.
fn require(source: &File, file: &Path, path: &json::Path) -> Result<(), Error> {
    let found = json::get(source, path).map_err(|error| in_file(file, &error))?;
    let mut source = source;
    source.rewind().map_err(|error| Error::io("read again", file, &error).with_kind(Kind::DropIn))?;
    match found {
        Some(_) => Ok(()),
        None => Err(Error::drop_in(format_args!("{}: nothing found at {path}", file.display()))),
    }
}
