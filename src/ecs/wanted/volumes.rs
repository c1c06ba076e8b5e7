//! Volumes: what containers mount, and the task definition's list of them.

use serde_json::{Map, Value, json};

use super::formats::Volume;

/// The volumes of a task definition on their way.
#[derive(Debug, Default)]
pub(super) struct Volumes {
    /// The source, and the name it got.
    sources: Vec<(Option<String>, String)>,
}

impl Volumes {
    /// `mountPoints` of a container.
    pub fn mount(&mut self, container: &str, volumes: &[Volume]) -> Value {
        let mounts = volumes.iter().map(|volume| {
            let name = self.name(container, volume);
            let mut mount = Map::new();
            mount.insert("sourceVolume".to_owned(), name.into());
            mount.insert("containerPath".to_owned(), volume.path.clone().into());
            if volume.read_only {
                mount.insert("readOnly".to_owned(), true.into());
            }
            Value::Object(mount)
        });
        mounts.collect()
    }

    /// One name for one source, whichever containers mount it.
    fn name(&mut self, container: &str, volume: &Volume) -> String {
        if volume.source.is_some()
            && let Some((_, name)) = self.sources.iter().find(|(source, _)| *source == volume.source)
        {
            return name.clone();
        }
        let wanted = match &volume.source {
            Some(source) if source.starts_with('/') => plain(source),
            Some(name) => name.clone(),
            None => format!("{container}-{}", plain(&volume.path)),
        };
        let is_taken = |name: &str| self.sources.iter().any(|(_, taken)| taken == name);
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let name = std::iter::once(wanted.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(wanted);
        self.sources.push((volume.source.clone(), name.clone()));
        name
    }

    /// The task definition's `volumes`, after those that it lists itself: theirs is the say on their names.
    pub fn into_list(self, mut own: Vec<Value>) -> Vec<Value> {
        for (source, name) in self.sources {
            if own.iter().any(|volume| volume.get("name").and_then(Value::as_str) == Some(&name)) {
                continue;
            }
            own.push(match source.filter(|source| source.starts_with('/')) {
                Some(path) => json!({"name": name, "host": {"sourcePath": path}}),
                None => json!({"name": name}),
            });
        }
        own
    }
}

/// A path in the letters that names of volumes have.
fn plain(path: &str) -> String {
    let letters = path.chars().map(|letter| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' });
    let joined: String = letters.collect();
    let name = joined.trim_matches('-');
    if name.is_empty() { "root".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(source: Option<&str>, path: &str, read_only: bool) -> Volume {
        Volume { source: source.map(str::to_owned), path: path.to_owned(), read_only }
    }

    #[test]
    fn one_name_for_one_source() {
        let mut volumes = Volumes::default();
        let first = [
            volume(Some("/var/log"), "/log", true),
            volume(Some("db"), "/db", false),
            volume(None, "/tmp/x", false),
            volume(Some("/var-log"), "/b", false),
        ];
        assert_eq!(
            volumes.mount("web", &first),
            json!([
                {"sourceVolume": "var-log", "containerPath": "/log", "readOnly": true},
                {"sourceVolume": "db", "containerPath": "/db"},
                {"sourceVolume": "web-tmp-x", "containerPath": "/tmp/x"},
                {"sourceVolume": "var-log-2", "containerPath": "/b"},
            ])
        );
        let second = volumes.mount("side", &[volume(Some("/var/log"), "/l", false), volume(None, "/tmp/x", false)]);
        assert_eq!(second[0]["sourceVolume"], "var-log");
        assert_eq!(second[1]["sourceVolume"], "side-tmp-x");
        let own = json!({"name": "db", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}});
        assert_eq!(
            json!(volumes.into_list(vec![own.clone()])),
            json!([
                own,
                {"name": "var-log", "host": {"sourcePath": "/var/log"}},
                {"name": "web-tmp-x"},
                {"name": "var-log-2", "host": {"sourcePath": "/var-log"}},
                {"name": "side-tmp-x"},
            ])
        );
    }
}
