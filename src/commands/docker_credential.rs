//! `docker-credential-shipctl`: Docker's credential-helper protocol, for ECR.

use std::ffi::OsString;
use std::io::Read;

use serde_json::json;

use super::aws;
use crate::credentials::docker;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};

/// The name under which Docker calls the binary.
pub(super) const PROGRAM: &str = "docker-credential-shipctl";

/// The source of the credentials, when it is not the ambient one.
pub(super) const SOURCE_VARIABLE: &str = "SHIPCTL_ECR_SOURCE";

/// The words by which Docker knows that a helper has nothing for a registry, and asks it anonymously.
const NOT_FOUND: &str = "credentials not found in native keychain";

pub(super) fn run(ctx: &Ctx, words: &[OsString]) -> Result<(), Error> {
    match words.first().and_then(|word| word.to_str()) {
        Some("get") => get(ctx),
        // ECR's passwords are asked for anew each time: there is nothing to keep or to forget.
        Some("store" | "erase") => server(ctx).map(|_| ()),
        Some("list") => ctx.print_line("{}"),
        Some("version" | "--version" | "-v") => ctx.print_line(format!("{PROGRAM} {}", env!("CARGO_PKG_VERSION"))),
        _ => Err(Error::new(
            Kind::Usage,
            format_args!("{PROGRAM} is called by Docker: {PROGRAM} (get|store|erase|list)"),
        )),
    }
}

fn get(ctx: &Ctx) -> Result<(), Error> {
    let server = server(ctx)?;
    let server = server.trim();
    let Some((account, region)) = docker::ecr_registry(server) else {
        // The protocol has its errors on standard output.
        ctx.print_line(NOT_FOUND)?;
        return Err(Error::failed(format_args!("{server} is no ECR registry")));
    };
    let login = aws::registry_login(ctx, ctx.env.get_filled(SOURCE_VARIABLE), account, region)?;
    let (username, secret) = docker::split_token(&login)?;
    ctx.print_line(json!({"ServerURL": server, "Username": username, "Secret": secret}).to_string())
}

/// The registry's URL, which Docker writes to standard input.
fn server(ctx: &Ctx) -> Result<String, Error> {
    let mut text = String::new();
    ctx.input()
        .take(1 << 16)
        .read_to_string(&mut text)
        .map_err(|error| Error::failed(format_args!("cannot read standard input: {error}")))?;
    Ok(text)
}
