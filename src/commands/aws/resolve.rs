//! Options → credentials.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::args::{CallArgs, RoleArgs, tag};
use crate::aws::error::Failure;
use crate::aws::sts::{self, Identity};
use crate::aws::{Connection, DEADLINE, Settings};
use crate::config::clouddriver::Clouddriver;
use crate::credentials::cache::Cache;
use crate::credentials::session::Chain;
use crate::credentials::source::{self, Origin, Source};
use crate::credentials::{Credentials, RoleRequest};
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::job::directory::JobDirectory;

/// Seconds that a call to AWS may take with all its retries, when it is not 30.
pub(crate) const TIMEOUT_VARIABLE: &str = "SHIPCTL_AWS_TIMEOUT";

/// What STS accepts.
const LONGEST_SESSION_NAME: usize = 64;

/// Options of a role are of no use without one.
fn check(roles: &RoleArgs, has_role: bool) -> Result<(), Error> {
    let given = roles.role_session_name.is_some()
        || roles.duration_seconds.is_some()
        || roles.external_id.is_some()
        || roles.policy.is_some()
        || !roles.policy_arns.is_empty()
        || !roles.tags.is_empty()
        || !roles.transitive_tag_keys.is_empty()
        || roles.serial_number.is_some()
        || roles.token_code.is_some()
        || roles.source_identity.is_some();
    if given && !has_role {
        return Err(Error::new(Kind::Usage, "role options were given but no role: add --role-arn ARN"));
    }
    Ok(())
}

/// The credentials that a source gives, through the roles it implies and the ones asked for.
pub(crate) fn credentials(ctx: &Ctx, source: &Source, roles: &RoleArgs, call: &CallArgs) -> Result<Credentials, Error> {
    let resolved = resolve(ctx, source)?;
    credentials_of(ctx, source, resolved, roles, call)
}

/// The credentials that an integration gives, as a file of integrations has it.
pub(crate) fn credentials_of_origin(
    ctx: &Ctx,
    source: &Source,
    origin: Origin,
    call: &CallArgs,
) -> Result<Credentials, Error> {
    credentials_of(ctx, source, Resolved::of(origin, None), &RoleArgs::default(), call)
}

fn credentials_of(
    ctx: &Ctx,
    source: &Source,
    resolved: Resolved,
    roles: &RoleArgs,
    call: &CallArgs,
) -> Result<Credentials, Error> {
    let region = call.region.clone().or_else(|| resolved.region.clone()).or_else(|| region_of_environment(ctx));
    let mut arns = resolved.role.clone().into_iter().collect::<Vec<_>>();
    arns.extend(roles.role_arns.iter().cloned());
    check(roles, !arns.is_empty())?;
    let requests = requests(ctx, roles, &arns)?;
    let settings = Settings {
        deadline: deadline(ctx),
        profile: resolved.profile.clone(),
        without_profiles: resolved.profile.is_none() && call.skip_profile.contains(&ambient_profile(ctx)),
        region: region.clone(),
    };
    // One for everything: certificates are read once, and a chain of roles goes over one connection.
    let opened = OnceCell::new();
    let connect = || match opened.get() {
        Some(connection) => Ok(connection),
        None => Connection::open(&ctx.env, settings.clone()).map(|connection| opened.get_or_init(|| connection)),
    };
    let mut start = match resolved.keys.or_else(|| keys_of_environment(ctx, source)) {
        Some(keys) => keys,
        None => connect()?.ambient_credentials().map_err(|failure| no_ambient(ctx, source, &failure))?,
    };
    start.region = match region.or(start.region) {
        None => connect()?.profile_region(),
        known => known,
    };
    if !requests.is_empty() {
        require_region(source, &start)?;
    }
    let cache = (!call.no_cache).then(|| cache_folder(ctx)).flatten();
    let cache = cache.map(|folder| Cache::at(folder, Duration::from_secs(call.min_ttl), settings.deadline));
    let chain = Chain {
        connect: &connect,
        cache: cache.as_ref(),
        endpoint: &endpoint(ctx, start.region.as_deref()),
        now: ctx.now(),
        note: &|text| ctx.note(text),
        source: &source.to_string(),
    };
    chain.walk(start, &requests)
}

/// What a source is before any role is assumed.
struct Resolved {
    keys: Option<Credentials>,
    role: Option<String>,
    profile: Option<String>,
    region: Option<String>,
}

impl Resolved {
    fn of(origin: Origin, profile: Option<String>) -> Self {
        match origin {
            Origin::Keys(keys) => Self { region: keys.region.clone(), keys: Some(keys), role: None, profile },
            Origin::Role { arn, region } => Self { keys: None, role: Some(arn), profile, region },
            Origin::Chain => Self { keys: None, role: None, profile, region: None },
        }
    }
}

fn resolve(ctx: &Ctx, source: &Source) -> Result<Resolved, Error> {
    let origin = match source {
        Source::Named(name) => source::of_integration(&JobDirectory::of(ctx)?, name)?,
        Source::Profile(_) | Source::Ambient => Origin::Chain,
        Source::Spinnaker { file, account } => {
            let target = Clouddriver::read(file)?.target(account)?;
            return Ok(Resolved { keys: None, role: target.role_arn, profile: None, region: target.region });
        }
    };
    let profile = match source {
        Source::Profile(name) => Some(name.clone()),
        Source::Named(_) | Source::Ambient | Source::Spinnaker { .. } => None,
    };
    Ok(Resolved::of(origin, profile))
}

/// The region of the environment, which comes after the resource's own and before the profile's.
fn region_of_environment(ctx: &Ctx) -> Option<String> {
    let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"];
    variables.iter().find_map(|name| ctx.env.get_filled(name)).map(|region| region.to_string_lossy().into_owned())
}

/// Keys in the environment come first in the SDK's chain; taking them here saves starting it.
fn keys_of_environment(ctx: &Ctx, source: &Source) -> Option<Credentials> {
    if matches!(source, Source::Profile(_)) {
        return None;
    }
    crate::credentials::variables::of_environment(&ctx.env)
}

/// Why the ambient credentials, or a profile's, could not be had.
fn no_ambient(ctx: &Ctx, source: &Source, failure: &Failure) -> Error {
    let cure = match failure.kind {
        Kind::NoCredentials if failure.message.is_empty() => {
            let whose = if *source == Source::Ambient { String::new() } else { format!(" for {source}") };
            return Error::new(
                Kind::NoCredentials,
                format_args!(
                    "no ambient AWS credentials{whose}: none in the environment, in profile {}, from a web identity, \
                     a container or an instance; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
                    ambient_profile(ctx)
                ),
            );
        }
        Kind::Denied => "allow the caller the role, and name it in the role's trust policy",
        Kind::Expired => "renew the credentials that it starts from",
        Kind::Throttled => "try again later, or ask less often",
        Kind::Network => "check the network, the proxy and the endpoint",
        Kind::Configuration => "correct the shared AWS configuration (~/.aws/config, ~/.aws/credentials)",
        _ => "correct where its credentials come from",
    };
    Error::new(failure.kind, format_args!("{source}: cannot get credentials: {failure}; {cure}"))
}

/// Calls are made in a region.
pub(crate) fn require_region(source: &Source, credentials: &Credentials) -> Result<(), Error> {
    match &credentials.region {
        Some(_) => Ok(()),
        None => Err(Error::new(
            Kind::Configuration,
            format_args!("{source}: no region: add --region, or a region to the resource, or set AWS_REGION"),
        )),
    }
}

/// One request per role; options that identify the caller to a trust policy go with every one of them, the rest with
/// the last.
fn requests(ctx: &Ctx, roles: &RoleArgs, arns: &[String]) -> Result<Vec<RoleRequest>, Error> {
    let session_name = match &roles.role_session_name {
        Some(name) if !is_session_name(name) => {
            return Err(Error::new(
                Kind::Usage,
                format_args!("--role-session-name {name}: a session name has 2 to 64 of letters, digits and _+=,.@-"),
            ));
        }
        Some(name) => name.clone(),
        None => session_name(ctx),
    };
    if let Some(arn) = roles.role_arns.iter().find(|arn| !is_role_arn(arn)) {
        return Err(Error::new(
            Kind::Usage,
            format_args!("--role-arn {arn}: not the ARN of a role: write arn:aws:iam::ACCOUNT:role/NAME"),
        ));
    }
    let tags = roles.tags.iter().map(|text| tag(text)).collect::<Result<Vec<_>, _>>()?;
    let last = arns.len().saturating_sub(1);
    let request = |at: usize, arn: &String| RoleRequest {
        arn: arn.clone(),
        session_name: session_name.clone(),
        duration_seconds: roles.duration_seconds,
        external_id: roles.external_id.clone().filter(|_| at == last),
        policy: roles.policy.clone().filter(|_| at == last),
        policy_arns: if at == last { roles.policy_arns.clone() } else { Vec::new() },
        tags: tags.clone(),
        transitive_tag_keys: roles.transitive_tag_keys.clone(),
        serial_number: roles.serial_number.clone().filter(|_| at == 0),
        token_code: roles.token_code.clone().filter(|_| at == 0),
        source_identity: roles.source_identity.clone(),
    };
    Ok(arns.iter().enumerate().map(|(at, arn)| request(at, arn)).collect())
}

fn is_role_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    matches!(&parts[..], ["arn", partition, "iam", "", account, role]
        if !partition.is_empty() && !account.is_empty() && role.starts_with("role/") && role.len() > 5)
}

fn is_session_name(text: &str) -> bool {
    (2..=LONGEST_SESSION_NAME).contains(&text.len()) && text.chars().all(in_session_names)
}

fn in_session_names(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter)
}

/// The job's name and build number, reduced to what STS accepts: `[\w+=,.@-]{2,64}`. Of a long name the end goes: the
/// build number is what tells sessions apart.
fn session_name(ctx: &Ctx) -> String {
    let job = JobDirectory::of(ctx).ok().and_then(|job| job.job_name());
    let reduced = |text: Option<OsString>| {
        let text = text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
        text.chars().map(|c| if in_session_names(c) { c } else { '-' }).take(LONGEST_SESSION_NAME).collect::<String>()
    };
    let (mut job, build) = (reduced(job), reduced(ctx.env.get_filled("BUILD_NUMBER")));
    job.truncate(LONGEST_SESSION_NAME.saturating_sub(build.len() + 1));
    let words: Vec<&str> = [job.as_str(), build.as_str()].into_iter().filter(|word| !word.is_empty()).collect();
    match words.join("-") {
        name if name.is_empty() => "shipctl".to_owned(),
        name if name.len() < 2 => format!("shipctl-{name}"),
        name => name,
    }
}

fn deadline(ctx: &Ctx) -> Duration {
    let seconds = ctx.env.get_filled(TIMEOUT_VARIABLE).and_then(|text| text.to_str()?.parse::<f64>().ok());
    let seconds = seconds.filter(|seconds| (0.1..=3600.0).contains(seconds));
    seconds.map_or(DEADLINE, Duration::from_secs_f64)
}

/// `$XDG_CACHE_HOME/shipctl`, else `~/.cache/shipctl`.
fn cache_folder(ctx: &Ctx) -> Option<PathBuf> {
    let base = ctx.env.get_filled("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| ctx.env.get_filled("HOME").map(|home| PathBuf::from(home).join(".cache")));
    base.map(|base| base.join("shipctl"))
}

/// Which STS is asked, as far as it decides what a session is good for.
fn endpoint(ctx: &Ctx, region: Option<&str>) -> String {
    let url = ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"].iter().find_map(|name| ctx.env.get_filled(name));
    let url = url.map(|url| url.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{url} {}", region.unwrap_or_default())
}

/// A connection for calls with credentials that are at hand.
pub(crate) fn connection(ctx: &Ctx, credentials: &Credentials) -> Result<Connection, Error> {
    Connection::open(
        &ctx.env,
        Settings { deadline: deadline(ctx), region: credentials.region.clone(), ..Settings::default() },
    )
}

/// Says so when the local clock is off.
pub(crate) fn note_clock(ctx: &Ctx, connection: &Connection) {
    if let Some(note) = connection.clock_note() {
        ctx.note(note);
    }
}

/// The profile that the ambient chain would read.
fn ambient_profile(ctx: &Ctx) -> String {
    let named = ctx.env.get_filled("AWS_PROFILE").map(|name| name.to_string_lossy().into_owned());
    named.unwrap_or_else(|| "default".to_owned())
}

/// Who credentials belong to.
pub(crate) fn identity(ctx: &Ctx, source: &Source, credentials: &Credentials) -> Result<Identity, Error> {
    require_region(source, credentials)?;
    let connection = connection(ctx, credentials)?;
    let identity = sts::caller_identity(&connection, credentials);
    note_clock(ctx, &connection);
    identity.map_err(|failure| {
        let cure = match failure.kind {
            Kind::Denied => "allow sts:GetCallerIdentity, which a policy denies".to_owned(),
            Kind::Expired => format!("renew the credentials of {source}"),
            Kind::Throttled => "try again later, or ask less often".to_owned(),
            Kind::Network => "check the network, the proxy and the endpoint".to_owned(),
            _ => failure.cure().unwrap_or("correct the request").to_owned(),
        };
        Error::new(failure.kind, format_args!("{source}: cannot ask who this is: {failure}; {cure}"))
    })
}
