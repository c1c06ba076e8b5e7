//! Which files a pipeline is in.

use std::path::{Path, PathBuf};

use crate::error::{Error, Kind};

/// Sections that may have a file of their own, in the order that anchors need.
const SECTIONS: [&str; 4] = ["templates", "resources", "triggers", "jobs"];
const ENDINGS: [&str; 2] = ["yml", "yaml"];
const STEM: &str = "shippable";

/// The files of a pipeline, templates first. Without `given`, `shippable.yml` and its siblings in `cwd`; a given file
/// brings its own siblings along, unless it is itself a sibling.
///
/// # Errors
///
/// [`Kind::Configuration`]: no such file.
pub fn find(given: &[PathBuf], cwd: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    if given.is_empty() {
        found = with_siblings(cwd, Path::new(""), STEM);
        if found.is_empty() {
            let message = format!(
                "no {STEM}.yml and no {STEM}.jobs.yml in {}: go to the folder that has it, or name it with --file",
                cwd.display()
            );
            return Err(Error::new(Kind::Configuration, message));
        }
        return Ok(found);
    }
    for file in given {
        if !cwd.join(file).is_file() {
            let message = format!("{}: no such file: name the shippable.yml with --file", file.display());
            return Err(Error::new(Kind::Configuration, message));
        }
        let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let is_sibling = SECTIONS.iter().any(|section| stem == *section || stem.ends_with(&format!(".{section}")));
        let more = if is_sibling || stem.is_empty() {
            Vec::new()
        } else {
            with_siblings(cwd, file.parent().unwrap_or(Path::new("")), stem)
        };
        found.extend(more);
        found.push(file.clone());
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|file| seen.insert(cwd.join(file)));
    found.sort_by_key(|file| !is_section(file, SECTIONS[0]));
    Ok(found)
}

fn is_section(file: &Path, section: &str) -> bool {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    stem == section || stem.ends_with(&format!(".{section}"))
}

/// `STEM.templates.yml`, `STEM.yml`, and the others, as far as they are there.
fn with_siblings(cwd: &Path, folder: &Path, stem: &str) -> Vec<PathBuf> {
    let sections = SECTIONS.iter().map(|section| format!("{stem}.{section}"));
    let mut stems: Vec<String> = sections.collect();
    stems.insert(1, stem.to_owned());
    let one = |stem: String| {
        let files = ENDINGS.iter().map(|ending| folder.join(format!("{stem}.{ending}")));
        files.into_iter().find(|file| cwd.join(file).is_file())
    };
    stems.into_iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siblings_come_along_and_templates_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["shippable.yml", "shippable.jobs.yml", "shippable.templates.yml", "ci.yml", "ci.resources.yaml"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let names = |given: &[&str]| {
            let given: Vec<PathBuf> = given.iter().map(PathBuf::from).collect();
            let found = find(&given, folder.path()).unwrap();
            found.into_iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(&[]), "shippable.templates.yml shippable.yml shippable.jobs.yml");
        assert_eq!(names(&["ci.yml"]), "ci.yml ci.resources.yaml");
        assert_eq!(names(&["shippable.jobs.yml"]), "shippable.jobs.yml");
        assert_eq!(
            names(&["shippable.jobs.yml", "shippable.templates.yml"]),
            "shippable.templates.yml shippable.jobs.yml"
        );
        assert!(find(&["none.yml".into()], folder.path()).unwrap_err().to_string().contains("none.yml"));
    }
}
