//! `shipctl man`.

mod pages; // each page, from the clap tree and the list of drop-in commands
mod text; // what the pages say beyond that: exit statuses, environment, differences from the original

use crate::cli;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::job::names;
use crate::support::atomic;

pub(super) fn run(ctx: &Ctx, args: cli::Man) -> Result<(), Error> {
    match (args.out, args.page) {
        (Some(folder), _) => write_all(&ctx.absolute(&folder)?),
        (None, Some(page)) => ctx.print(find(&page)?.as_bytes()),
        (None, None) => ctx.print(find("shipctl")?.as_bytes()),
    }
}

/// Every page that is a file, into `folder`.
fn write_all(folder: &std::path::Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, &error))?;
    for (name, page) in pages::all() {
        let file = folder.join(format!("{name}.1"));
        atomic::replace_bytes(&file, page.as_bytes()).map_err(|error| Error::io("write", &file, &error))?;
    }
    Ok(())
}

/// The page of `shipctl`, of one of our own commands, of one drop-in command, or of all of these (`drop-in`).
fn find(wanted: &str) -> Result<String, Error> {
    let short = wanted.trim().replace(' ', "-");
    let short = short.strip_prefix("shipctl-").unwrap_or(&short);
    if let Some(page) = pages::one_drop_in(short) {
        return Ok(page);
    }
    let all = pages::all();
    let is_wanted = |name: &str| name == short || name.strip_prefix("shipctl-") == Some(short);
    if let Some((_, page)) = all.iter().find(|(name, _)| is_wanted(name)) {
        return Ok(page.clone());
    }
    let drop_ins = crate::commands::drop_in::TABLE.iter().map(|command| command.name);
    let known = all.iter().map(|(name, _)| name.strip_prefix("shipctl-").unwrap_or(name)).chain(drop_ins);
    let near = names::did_you_mean(short, known);
    Err(Error::new(Kind::Usage, format_args!("man {wanted}: no such page{near}")))
}
