//! `shipctl job lint`: what is wrong with a pipeline.

use crate::cli::{self, LintFormat};
use crate::config::integrations::Integrations;
use crate::config::shippable::Pipeline;
use crate::ctx::Ctx;
use crate::error::{Error, Kind};
use crate::job::lint::{self, Severity};

pub(super) fn run(ctx: &Ctx, args: &cli::JobLint) -> Result<(), Error> {
    let pipeline = Pipeline::read_for_lint(&args.files.file, &ctx.cwd()?)?;
    let mut findings = lint::check(&pipeline);
    if let Some(file) = &args.integrations {
        let (given, problems) = Integrations::inspect(&ctx.env, file)?;
        findings.extend(lint::check_integrations(&pipeline, &given, &problems));
        findings = lint::sorted(&pipeline, findings);
    }
    let text = match args.format {
        LintFormat::Text => lint::text(&findings),
        LintFormat::Json => format!("{:#}\n", lint::json(&findings)),
        LintFormat::Github => lint::github(&findings),
    };
    ctx.print(text.as_bytes())?;
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let warnings = findings.len() - errors;
    let counts = format!("{}, {}", counted(errors, "error"), counted(warnings, "warning"));
    if errors > 0 {
        return Err(Error::new(Kind::Configuration, counts));
    }
    if warnings > 0 {
        ctx.note(counts);
    }
    Ok(())
}

fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
