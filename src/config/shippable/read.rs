//! The files of a pipeline, one after another.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{Pipeline, Problem, find};
use crate::config::yaml::{Node, Place, Reader, Refusal, Remark};
use crate::error::{Error, Kind};

/// Sections of the CI part of `shippable.yml`, which is not read.
const CI_SECTIONS: [&str; 30] = [
    "language",
    "build",
    "env",
    "matrix",
    "services",
    "integrations",
    "node_js",
    "python",
    "ruby",
    "rvm",
    "jdk",
    "go",
    "php",
    "scala",
    "clojure",
    "lein",
    "rust",
    "compiler",
    "runtime",
    "branches",
    "build_environment",
    "build_image",
    "before_install",
    "install",
    "before_script",
    "script",
    "after_success",
    "after_failure",
    "notifications",
    "cache",
];

/// Templates elsewhere, which the platform fetched.
const EXTERNAL: &str = "externalReferences";

impl Pipeline {
    /// Reads a pipeline.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`]: a file that is not there, cannot be read or is not YAML.
    pub fn read(given: &[PathBuf], cwd: &Path) -> Result<Self, Error> {
        let pipeline = Self::read_for_lint(given, cwd)?;
        match pipeline.problems.first() {
            Some(first) if pipeline.is_incomplete => Err(Error::new(Kind::Configuration, first)),
            _ => Ok(pipeline),
        }
    }

    /// The same, where a file that is not YAML is a problem, the first, and the others are read all the same.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`]: a file that is not there or cannot be read.
    pub fn read_for_lint(given: &[PathBuf], cwd: &Path) -> Result<Self, Error> {
        let mut pipeline = Self { files: find(given, cwd)?, ..Self::default() };
        let mut reader = Reader::default();
        let mut refused = Vec::new();
        for file in pipeline.files.clone() {
            let read = std::fs::read(cwd.join(&file)).map_err(|error| Error::io("read", &file, &error));
            let bytes = read.map_err(|error| error.with_kind(Kind::Configuration))?;
            let known = reader.remarks.len();
            match text_of(&file, bytes).and_then(|text| {
                let root = reader.read_or_refuse(&file, &text);
                pipeline.sources.push((file.clone(), text));
                root
            }) {
                Ok(root) => {
                    pipeline.add(&root);
                    pipeline.add_remarks(&root, &reader.remarks[known..]);
                }
                // What follows from a file that could not be read is no news.
                Err(refusal) if !refused.is_empty() && refusal.rule == "unknown-anchor" => {}
                Err(refusal) => refused.push(pipeline.explained(refusal)),
            }
        }
        pipeline.refuse_duplicates();
        pipeline.is_incomplete = !refused.is_empty();
        refused.append(&mut pipeline.problems);
        pipeline.problems = refused;
        Ok(pipeline)
    }

    /// A missing anchor may well be in a file that the platform fetched.
    fn explained(&self, refusal: Refusal) -> Problem {
        let mut text = refusal.text;
        let external = self.sources.iter().find_map(|(file, source)| {
            let line = source.lines().position(|line| line.starts_with(EXTERNAL))?;
            Some(format!("{}:{}", file.display(), line + 1))
        });
        if let (Some(place), "unknown-anchor") = (external, refusal.rule) {
            let _ = write!(
                text,
                "; {EXTERNAL} in {place} is not fetched: download what it names beside shippable.yml as \
                 shippable.templates.yml (append it when that is there)"
            );
        }
        Problem { at: refusal.at, rule: refusal.rule, entry: None, text }
    }

    /// Remarks on what is ours: versions of languages in a CI section are no numbers to anybody.
    fn add_remarks(&mut self, root: &Node, remarks: &[Remark]) {
        for remark in remarks {
            let section = root.members().iter().rev().find(|(key, _)| key.at <= remark.at);
            if section.is_some_and(|(key, _)| CI_SECTIONS.contains(&key.text.as_str())) {
                continue;
            }
            let holds = |node: &Node| node.holds(&remark.at);
            let job = self.jobs.iter().find(|job| holds(&job.yml)).map(|job| &job.name);
            let resource =
                || self.resources.iter().find(|resource| holds(&resource.yml)).map(|resource| &resource.name);
            let entry = job.or_else(resource).cloned();
            let (at, text) = (remark.at.clone(), remark.text.clone());
            self.remarks.push(Problem { at, rule: "changed-number", entry, text });
        }
    }
}

fn text_of(file: &Path, bytes: Vec<u8>) -> Result<String, Refusal> {
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let text = "not UTF-8: save the file as UTF-8".to_owned();
        Refusal { at: Place { file: file.into(), line, column: 1 }, rule: "not-yaml", text }
    })
}
