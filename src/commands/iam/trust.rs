//! `shipctl iam trust`.

use crate::ctx::Ctx;
use crate::error::Error;
use crate::iam::{Trusted, trust};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Who may assume the role: ecs, ecs-tasks, application-autoscaling, ec2, an ARN or an account
    #[arg(long = "for", value_name = "WHO", value_delimiter = ',', required = true)]
    trusted: Vec<String>,
    /// What an account, role or user has to give
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// In one line
    #[arg(long)]
    compact: bool,
}

/// As the documents of trust policies are set in.
const INDENT: usize = 2;

pub(super) fn run(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    let trusted = args.trusted.iter().map(|text| Trusted::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let document = trust(&trusted, args.external_id.as_deref())?;
    super::print(ctx, &document, INDENT, args.compact)
}
