//! `shipctl state …`: folders that jobs left for next time.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::columns::columns;
use super::version::{self, StoreArgs, Whose};
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::store::Saved;

/// Commands on states in the store.
#[derive(Debug, Subcommand)]
pub(crate) enum State {
    /// List the states that are kept, the newest first
    List(List),
    /// Write a state into a folder
    ///
    /// Writes the files of a state into a folder that is empty or not there yet, as they were: names, modes, links.
    /// Without --sha it is the state of the newest version.
    Get(Get),
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    store: StoreArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Get {
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    store: StoreArgs,
    /// The state, by the beginning of its name that no other has
    #[arg(long, value_name = "SHA")]
    sha: Option<String>,
    /// The folder (else one in the working directory that has the name of the resource)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(ctx: &Ctx, command: &State) -> Result<(), Error> {
    match command {
        State::List(args) => list(ctx, args),
        State::Get(args) => get(ctx, args),
    }
}

fn list(ctx: &Ctx, args: &List) -> Result<(), Error> {
    let store = args.store.open(ctx)?;
    let owner = args.whose.owner();
    let states = store.states(&owner)?;
    let newest = store.latest_state_of(&owner)?;
    let is_newest = |saved: &Saved| newest.as_ref() == Some(&saved.sha);
    if args.json {
        let list: Vec<_> = states
            .iter()
            .map(|saved| {
                let at = crate::aws::timestamp(saved.at);
                json!({"sha": saved.sha, "size": saved.size, "savedAt": at, "isLatest": is_newest(saved)})
            })
            .collect();
        return version::print_json(ctx, &list);
    }
    if states.is_empty() {
        ctx.note(format_args!("{owner} has no states in the store {}", store.place()));
        return Ok(());
    }
    let rows = states.iter().map(|saved| {
        let mark = if is_newest(saved) { "latest" } else { "" };
        [saved.sha.clone(), saved.size.to_string(), crate::aws::timestamp(saved.at), mark.to_owned()]
    });
    ctx.print(columns(["SHA", "BYTES", "SAVED", ""], rows).as_bytes())
}

fn get(ctx: &Ctx, args: &Get) -> Result<(), Error> {
    let store = args.store.open(ctx)?;
    let owner = args.whose.owner();
    let sha = match &args.sha {
        Some(start) => {
            let states = store.states(&owner)?;
            let mut named = states.into_iter().map(|saved| saved.sha).filter(|sha| sha.starts_with(start.as_str()));
            match (named.next(), named.next()) {
                (Some(sha), None) if !start.is_empty() => sha,
                (Some(_), _) => {
                    let told = format_args!("{owner}: more than one state begins with {start}: give more of its name");
                    return Err(Error::new(Kind::Usage, told));
                }
                // The store says what is missing.
                (None, _) => start.clone(),
            }
        }
        None => store.latest_state_of(&owner)?.ok_or_else(|| {
            let told = format_args!(
                "the newest version of {owner} has no state in the store {}: `shipctl state list` shows what is there",
                store.place()
            );
            Error::new(Kind::Configuration, told)
        })?,
    };
    let out = args.out.clone().unwrap_or_else(|| owner.name().replace('/', "_").into());
    store.fetch_state(&owner, &sha, &ctx.absolute(&out)?)
}
