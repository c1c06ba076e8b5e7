//! Findings for people, programs and GitHub.

use std::fmt::Write as _;

use serde_json::{Value, json as object};

use super::Finding;
use crate::error::one_line;

/// `file:line:column: error[rule]: message`, one a line.
pub fn text(findings: &[Finding]) -> String {
    findings.iter().fold(String::new(), |mut text, finding| {
        let (severity, rule) = (finding.severity.as_str(), finding.rule);
        let line = format!("{}: {severity}[{rule}]: {}", finding.at, finding.message);
        let _ = writeln!(text, "{}", one_line(&line));
        text
    })
}

/// One array.
pub fn json(findings: &[Finding]) -> Value {
    let one = |finding: &Finding| {
        object!({
            "file": finding.at.file.to_string_lossy(),
            "line": finding.at.line,
            "column": finding.at.column,
            "severity": finding.severity.as_str(),
            "rule": finding.rule,
            "entry": finding.entry,
            "message": finding.message,
        })
    };
    findings.iter().map(one).collect()
}

/// Workflow commands of GitHub Actions, one a line: remarks beside the lines of a pull request.
pub fn github(findings: &[Finding]) -> String {
    findings.iter().fold(String::new(), |mut text, finding| {
        let _ = writeln!(
            text,
            "::{} file={},line={},col={},title={}::{}",
            finding.severity.as_str(),
            property(&finding.at.file.to_string_lossy()),
            finding.at.line,
            finding.at.column,
            property(finding.rule),
            data(&finding.message)
        );
        text
    })
}

/// As the toolkit of GitHub escapes what comes after `::`; what else would steer a terminal is spelled out.
fn data(text: &str) -> String {
    let lines = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    one_line(&lines)
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
