//! Images: which one a container runs.

use super::field::{Findings, Said};

/// An image of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    /// The resource, after which the container is named.
    pub name: String,
    /// `source:tag` or `source@digest`.
    pub reference: String,
}

/// What the version of an image resource says.
pub(super) fn image(said: &Said, found: &mut Findings) -> Option<Image> {
    let name = said.name();
    if !is_ecs_name(name) {
        let text = format!(
            "{name} cannot be the name of a container, for which ECS takes at most 255 letters, digits, - and _: rename \
             the resource"
        );
        found.error(said.resource.at(), text);
    }
    said.left_out(&["sourceName", "versionName", "isPull"], found);
    let source = said.required("sourceName", "REGISTRY/REPOSITORY", found)?;
    match reference(&source, said.version_name.as_deref()) {
        Ok(reference) => Some(Image { name: name.to_owned(), reference }),
        Err(why) => {
            let at = said.get("sourceName").map(|field| field.at()).unwrap_or_default();
            found.error(at, format_args!("{name}: {why}"));
            None
        }
    }
}

/// Whether ECS takes it as the name of a container, a service or a family.
pub(super) fn is_ecs_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=255).contains(&name.len()) && name.bytes().all(is_letter)
}

/// `sourceName:versionName`; `latest` where there is no version name, as Docker has it.
fn reference(source: &str, version: Option<&str>) -> Result<String, String> {
    let source = source.trim();
    let last = source.rsplit('/').next().unwrap_or_default();
    let own = last.find(['@', ':']).map(|at| &last[at..]);
    if source.contains(char::is_whitespace) || source.contains("://") {
        return Err(format!("{source:?} is no image: REGISTRY/REPOSITORY was expected, without https://"));
    }
    match (version.map(str::trim).filter(|version| !version.is_empty()), own) {
        (None, Some(_)) => Ok(source.to_owned()),
        (None, None) => Ok(format!("{source}:latest")),
        (Some(version), Some(own)) if own[1..] == *version => Ok(source.to_owned()),
        (Some(version), Some(own)) => {
            Err(format!("sourceName ends with {own} and the versionName is {version}: leave one of them out"))
        }
        (Some(version), None) => match version.strip_prefix('@').unwrap_or(version) {
            digest if digest.starts_with("sha256:") => Ok(format!("{source}@{digest}")),
            tag if is_tag(tag.split_once("@sha256:").map_or(tag, |(tag, _)| tag)) => Ok(format!("{source}:{tag}")),
            tag => Err(format!("the versionName {tag:?} is no tag: letters, digits, _, . and - were expected")),
        },
    }
}

fn is_tag(tag: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=128).contains(&tag.len()) && tag.bytes().all(is_letter) && !tag.starts_with(['.', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (source, version, want) in [
            ("org/img", Some("v1.2"), "org/img:v1.2".to_owned()),
            ("nginx", Some("1"), "nginx:1".to_owned()),
            ("nginx", None, "nginx:latest".to_owned()),
            ("nginx", Some(""), "nginx:latest".to_owned()),
            ("nginx:1.25", None, "nginx:1.25".to_owned()),
            ("nginx:1.25", Some("1.25"), "nginx:1.25".to_owned()),
            ("localhost:5000/app", Some("v1"), "localhost:5000/app:v1".to_owned()),
            ("reg.example.com:443/a/b", None, "reg.example.com:443/a/b:latest".to_owned()),
            (
                "679404489841.dkr.ecr.us-east-1.amazonaws.com/app",
                Some("master.1"),
                "679404489841.dkr.ecr.us-east-1.amazonaws.com/app:master.1".to_owned(),
            ),
            ("quay.io/org/app", Some("latest"), "quay.io/org/app:latest".to_owned()),
            ("gcr.io/p/app", Some(digest.as_str()), format!("gcr.io/p/app@{digest}")),
            ("org/img", Some(&format!("@{digest}")), format!("org/img@{digest}")),
            ("org/img", Some(&format!("v1@{digest}")), format!("org/img:v1@{digest}")),
            (&format!("org/img@{digest}"), None, format!("org/img@{digest}")),
        ] {
            assert_eq!(reference(source, version), Ok(want), "{source} {version:?}");
        }
        for (source, version, want) in [
            ("nginx:1.25", "1.26", "leave one of them out"),
            ("nginx", "a b", "is no tag"),
            ("nginx", ".a", "is no tag"),
            ("https://quay.io/a", "1", "is no image"),
        ] {
            let error = reference(source, Some(version)).unwrap_err();
            assert!(error.contains(want), "{error}");
        }
    }
}
