//! `shipctl aws configure SOURCE…`: the profiles that a cliConfig resource set up.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use clap::Args;

use super::args::{CallArgs, RoleArgs};
use super::{ecr_login, resolve};
use crate::credentials::Credentials;
use crate::credentials::profiles::is_profile_name;
use crate::credentials::shared_files::{Profile, SharedFiles};
use crate::credentials::source::Source;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::job::directory::JobDirectory;
use crate::support::shell::posix_quote;

/// Write AWS profiles, as a cliConfig resource did
#[derive(Debug, Args)]
pub(crate) struct Configure {
    /// Resources or integrations; each becomes a profile of its name, and the last is the default
    #[arg(value_name = "SOURCE", required = true)]
    sources: Vec<OsString>,
    /// Write this profile alone, for a single source
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Let AWS clients call shipctl for credentials, so that long jobs renew them; no secret is written
    #[arg(long)]
    process: bool,
    /// What else to set up
    #[arg(long, value_name = "SCOPE", value_parser = ["configure", "ecr"])]
    scope: Vec<String>,
    #[command(flatten)]
    roles: RoleArgs,
    #[command(flatten)]
    call: CallArgs,
}

pub(super) fn run(ctx: &Ctx, args: &Configure) -> Result<(), Error> {
    if args.profile.is_some() && args.sources.len() > 1 {
        return Err(Error::new(Kind::Usage, "--profile names one profile, but there are several sources"));
    }
    let files = SharedFiles::of(&ctx.env)?;
    let mut profiles = Vec::new();
    let mut last = None;
    for name in &args.sources {
        let source = Source::Named(name.clone());
        // Asked for even with --process: a profile that cannot work is better refused now than in the middle of a job.
        let credentials = resolve::credentials(ctx, &source, &args.roles, &args.call)?;
        profiles.push(profile(ctx, args, name, &credentials)?);
        last = Some((source, credentials));
    }
    if args.profile.is_none()
        && let Some(last) = profiles.last().cloned()
    {
        profiles.push(Profile { name: "default".to_owned(), ..last });
    }
    files.write(&profiles)?;
    let names: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
    ctx.note(format_args!("wrote profile {} to {}", names.join(", "), files.config.display()));
    if args.scope.iter().any(|scope| scope == "ecr")
        && let Some((source, credentials)) = last
    {
        ecr_login::log_in(ctx, &source, &credentials, &[])?;
    }
    Ok(())
}

fn profile(ctx: &Ctx, args: &Configure, name: &OsStr, credentials: &Credentials) -> Result<Profile, Error> {
    let profile = args.profile.clone().unwrap_or_else(|| name.to_string_lossy().into_owned());
    if !is_profile_name(&profile) {
        return Err(Error::new(
            Kind::Usage,
            format_args!("{profile:?} cannot be the name of a profile: give --profile NAME"),
        ));
    }
    let mut made = Profile::of(profile, credentials);
    if args.process {
        made.credentials.clear();
        made.config.insert(0, ("credential_process", process_command(ctx, args, name, &made.name)?));
    }
    made.check(name.display())
}

/// The command of a `credential_process` profile: AWS clients split it as a shell does.
fn process_command(ctx: &Ctx, args: &Configure, name: &OsStr, profile: &str) -> Result<String, Error> {
    let mut words: Vec<OsString> = vec![ctx.program()?.into()];
    if let Some(root) = JobDirectory::of(ctx)?.root() {
        words.extend(["--job-dir".into(), ctx.absolute(root)?.into()]);
    }
    words.extend(["aws", "export", "--format", "process"].map(OsString::from));
    words.extend(args.roles.words());
    // Without this a role that is assumed with the ambient credentials would find this very profile among them, and
    // call itself without end.
    words.push(format!("--skip-profile={profile}").into());
    if args.profile.is_none() {
        words.push("--skip-profile=default".into());
    }
    if let Some(region) = &args.call.region {
        words.extend(["--region".into(), region.into()]);
    }
    words.extend(["--".into(), name.to_owned()]);
    let quoted: Vec<Vec<u8>> = words.iter().map(|word| quote_if_needed(word.as_bytes())).collect();
    String::from_utf8(quoted.join(&b' '))
        .map_err(|_| Error::new(Kind::Configuration, "a path or name that is not UTF-8 cannot stand in an AWS file"))
}

fn quote_if_needed(word: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:=,@+".contains(byte);
    if !word.is_empty() && word.iter().all(plain) { word.to_vec() } else { posix_quote(word) }
}
