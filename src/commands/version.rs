//! `shipctl version …`: versions of resources and jobs in the store.

use std::ffi::OsString;

use clap::Subcommand;

use super::columns::columns;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::store::{DEFAULT_FOLDER, Location, Owner, Store, Version as Stored};

/// Commands on versions in the store.
#[derive(Debug, Subcommand)]
pub(crate) enum Version {
    /// List versions, the newest last
    List(List),
    /// Print one version as JSON: the newest, unless another is named
    Show(Show),
    /// Give jobs this version instead of the newest
    ///
    /// Jobs are given the pinned version of the resource until it is unpinned by --remove. Without a version, prints the
    /// number of the one that is pinned.
    Pin(Pin),
}

/// Whose versions and states are meant.
#[derive(Debug, clap::Args)]
pub(crate) struct Whose {
    /// The resource, or with --job the job
    #[arg(value_name = "RESOURCE")]
    name: String,
    /// RESOURCE is the name of a job
    #[arg(long)]
    job: bool,
}

impl Whose {
    pub(super) fn owner(&self) -> Owner {
        let name = self.name.clone();
        if self.job { Owner::Job(name) } else { Owner::Resource(name) }
    }
}

/// Which store is meant.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StoreArgs {
    /// The store: a folder or s3://BUCKET/PREFIX (else $SHIPCTL_STORE, else .shipctl)
    #[arg(long = "store", value_name = "LOCATION")]
    location: Option<OsString>,
}

impl StoreArgs {
    /// Whether one was named in the call.
    pub(crate) const fn is_given(&self) -> bool {
        self.location.is_some()
    }

    /// Opens it.
    pub(crate) fn open(&self, ctx: &Ctx) -> Result<Store, Error> {
        Store::open(&self.location(ctx)?, &ctx.env, Ctx::clock())
    }

    /// Where it is.
    pub(crate) fn location(&self, ctx: &Ctx) -> Result<Location, Error> {
        let location = self.location.clone().or_else(|| ctx.env.get_filled("SHIPCTL_STORE"));
        Location::parse(&location.unwrap_or_else(|| DEFAULT_FOLDER.into()), &ctx.cwd()?)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    store: StoreArgs,
    /// At most so many, the newest ones
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// A version by its number or by its name.
#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// The number of the version
    #[arg(value_name = "NUMBER")]
    number: Option<u64>,
    /// The newest version of this name
    #[arg(long = "name", value_name = "NAME", conflicts_with = "number")]
    version_name: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    store: StoreArgs,
    /// As JSON, which it is anyway
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Pin {
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    store: StoreArgs,
    /// Give jobs the newest version again
    #[arg(long, conflicts_with_all = ["number", "version_name"])]
    remove: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(ctx: &Ctx, command: &Version) -> Result<(), Error> {
    match command {
        Version::List(args) => list(ctx, args),
        Version::Show(args) => show(ctx, args),
        Version::Pin(args) => pin(ctx, args),
    }
}

fn list(ctx: &Ctx, args: &List) -> Result<(), Error> {
    let store = args.store.open(ctx)?;
    let owner = args.whose.owner();
    let versions = store.recent(&owner, args.limit.unwrap_or(usize::MAX))?;
    if args.json {
        return print_json(ctx, &versions);
    }
    if versions.is_empty() {
        ctx.note(format_args!("{owner} has no versions in the store {}", store.place()));
        return Ok(());
    }
    let pinned = store.pinned(&owner)?;
    let rows = versions.iter().map(|version| {
        let mark = if pinned == Some(version.version_number) { "pinned" } else { "" };
        let name = version.version_name.clone().unwrap_or_default();
        [version.version_number.to_string(), printable(&name), version.created_at.clone(), mark.to_owned()]
    });
    ctx.print(columns(["NO.", "VERSION", "CREATED", ""], rows).as_bytes())
}

fn show(ctx: &Ctx, args: &Show) -> Result<(), Error> {
    let store = args.store.open(ctx)?;
    let owner = args.whose.owner();
    let found = match which(&store, &owner, &args.which)? {
        Some(found) => found,
        None => store.latest(&owner)?.ok_or_else(|| missing(&store, &owner, "no versions"))?,
    };
    print_json(ctx, &found)
}

fn pin(ctx: &Ctx, args: &Pin) -> Result<(), Error> {
    let store = args.store.open(ctx)?;
    let owner = args.whose.owner();
    if args.remove {
        return store.unpin(&owner);
    }
    match which(&store, &owner, &args.which)? {
        Some(found) => store.pin(&owner, found.version_number),
        None => match store.pinned(&owner)? {
            Some(number) if args.json => print_json(ctx, &serde_json::json!({"versionNumber": number})),
            Some(number) => ctx.print_line(number.to_string()),
            None => Err(Error::failed(format_args!("no version of {owner} is pinned: name one to pin it"))),
        },
    }
}

/// The version that is asked for by number or name; none where none is.
fn which(store: &Store, owner: &Owner, which: &Which) -> Result<Option<Stored>, Error> {
    let (found, what) = match (which.number, &which.version_name) {
        (Some(number), _) => (store.version(owner, number)?, format!("no version {number}")),
        (None, Some(name)) => (store.version_named(owner, name)?, format!("no version named {name}")),
        (None, None) => return Ok(None),
    };
    found.map(Some).ok_or_else(|| missing(store, owner, &what))
}

fn missing(store: &Store, owner: &Owner, what: &str) -> Error {
    let told =
        format_args!("{owner} has {what} in the store {}: `shipctl version list` shows what is there", store.place());
    Error::new(Kind::Configuration, told)
}

pub(super) fn print_json(ctx: &Ctx, value: &impl serde::Serialize) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(value);
    ctx.print_line(text.map_err(|error| Error::failed(format_args!("this cannot be written as JSON: {error}")))?)
}

/// A text in one line, with nothing that a terminal would act on.
fn printable(text: &str) -> String {
    crate::error::one_line(text)
}
