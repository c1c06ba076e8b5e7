//! Names that become the same variables, and names that are nearly the same.

use std::collections::{BTreeMap, HashMap};

use super::Findings;
use crate::config::shippable::{Job, Named, Pipeline};
use crate::config::yaml::Place;
use crate::job::names;

/// What a job sees under one prefix: itself, its resources, its integrations.
pub(super) fn check_job(job: &Job, findings: &mut Findings) {
    let mut seen: HashMap<String, &str> = HashMap::new();
    let own = [(job.name.as_str(), &job.yml.at)];
    let dependencies = job.dependencies().map(|dependency| (dependency.name.as_str(), &dependency.at));
    let integrations = job.integrations.iter().map(|integration| (integration.name.as_str(), &integration.at));
    for (name, at) in own.into_iter().chain(dependencies).chain(integrations) {
        let prefix = names::prefix(name.as_bytes());
        if prefix.is_empty() {
            let text = format!(
                "{name}: nothing of the name is left for its variables, which begin with _ alone: rename it to \
                 something with a letter"
            );
            findings.warning("empty-prefix", at, &job.name, text);
            continue;
        }
        if prefix == "JOB" && at != &job.yml.at {
            let text = format!("{name} has its variables in JOB_…, as the job itself: rename it");
            findings.warning("colliding-names", at, &job.name, text);
        }
        match seen.get(prefix.as_str()) {
            Some(first) if *first != name => {
                let text = format!(
                    "{name} and {first} of {} both have their variables in {prefix}_…, where the later one wins: \
                     rename one of them",
                    job.name
                );
                findings.warning("colliding-names", at, &job.name, text);
            }
            Some(_) => {}
            None => {
                seen.insert(prefix, name);
            }
        }
    }
}

/// Integrations are declared nowhere in the yml: two spellings that hardly differ are one too many.
pub(super) fn check_integration_names(pipeline: &Pipeline, findings: &mut Findings) {
    let mut uses: BTreeMap<&str, (usize, &Place, &str)> = BTreeMap::new();
    for (named, entry) in uses_of_integrations(pipeline) {
        uses.entry(&named.name).or_insert((0, &named.at, entry)).0 += 1;
    }
    let spellings: Vec<_> = uses.into_iter().collect();
    for (index, (name, (count, at, entry))) in spellings.iter().enumerate() {
        for (other, (other_count, other_at, other_entry)) in &spellings[..index] {
            if !is_near(name, other) {
                continue;
            }
            // The rarer is the one to look at, else the one that comes later.
            let is_rarer = (count, std::cmp::Reverse(at)) <= (other_count, std::cmp::Reverse(other_at));
            let (odd, place, of, usual) =
                if is_rarer { (name, at, entry, other) } else { (other, other_at, other_entry, name) };
            let text =
                format!("integration {odd} differs little from {usual}: when both are meant to be one, write one");
            findings.warning("similar-integrations", place, of, text);
        }
    }
}

/// Where integrations are named, and the entry it is in.
pub(super) fn uses_of_integrations(pipeline: &Pipeline) -> impl Iterator<Item = (&Named, &str)> {
    let resources = pipeline.resources.iter();
    let of_resources = resources.filter_map(|one| one.integration.as_ref().map(|named| (named, one.name.as_str())));
    let jobs = pipeline.jobs.iter();
    of_resources.chain(jobs.flat_map(|job| job.integrations.iter().map(|named| (named, job.name.as_str()))))
}

/// The same but for case and separators; or one letter more, less or in another place. A letter for another may well
/// be meant (`prod-a`, `prod-b`), and so may a digit.
fn is_near(a: &str, b: &str) -> bool {
    let bare = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let (a, b) = (bare(a), bare(b));
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    if a == b || digits(&a) != digits(&b) || a.len().min(b.len()) < 5 {
        return a == b;
    }
    strsim::damerau_levenshtein(&a, &b) == 1 && (a.len() != b.len() || sorted(&a) == sorted(&b))
}
