//! What the log of a job must not show: the values of its integrations and of its secure params.

use std::path::Path;

use crate::config::yaml::{Node, Reader};
use crate::job::environment::Environment;
use crate::job::record::Record;
use crate::job::secret_names::{is_secret_by_name, names_a_secret};
use crate::support::secret::Secret;

/// Every secret of an environment, and of the run that it belongs to.
pub fn of(environment: &Environment, record: Option<&Record>) -> Vec<Secret> {
    let mut secrets = Vec::new();
    for variable in environment.assignments().filter(|variable| environment.is_secret(variable)) {
        secrets.extend(inner(variable.value.expose()));
        secrets.push(variable.value.clone());
    }
    let masks = record.map(|record| record.masks.as_slice()).unwrap_or_default();
    secrets.extend(masks.iter().map(|mask| Secret::from(mask.as_bytes().to_vec())));
    secrets
}

/// A key file or a kubeconfig is a document: programs print the tokens in it without the rest.
pub(crate) fn inner(value: &[u8]) -> Vec<Secret> {
    let mut secrets = Vec::new();
    let looks_like_document = value.first() == Some(&b'{') || memchr::memmem::find(value, b": ").is_some();
    if looks_like_document
        && let Ok(text) = std::str::from_utf8(value)
        && let Ok(root) = Reader::default().read(Path::new("secret"), text)
    {
        add_leaves(&root, false, &mut secrets);
    }
    secrets
}

fn add_leaves(node: &Node, named: bool, secrets: &mut Vec<Secret>) {
    for (key, value) in node.members() {
        let data = key.text.ends_with("-key-data") || key.text.ends_with("_key_id");
        let by_name =
            value.scalar().map_or_else(|| names_a_secret(&key.text), |text| is_secret_by_name(&key.text, &text));
        add_leaves(value, data || by_name, secrets);
    }
    node.elements().iter().for_each(|element| add_leaves(element, named, secrets));
    if named && let Some(text) = node.scalar() {
        secrets.push(Secret::from(text.into_bytes()));
    }
}

#[cfg(test)]
mod tests {
    fn texts(text: &str) -> Vec<String> {
        super::inner(text.as_bytes())
            .iter()
            .map(|secret| String::from_utf8_lossy(secret.expose()).into_owned())
            .collect()
    }

    #[test]
    fn secrets_inside_documents() {
        assert_eq!(
            texts(r#"{"type": "service_account", "private_key": "-----BEGIN\nAA\n", "project_id": "p"}"#),
            ["-----BEGIN\nAA\n"]
        );
        assert_eq!(
            texts("users:\n- name: a\n  user:\n    token: t0ken\n    client-key-data: QUJD\n    username: u\n"),
            ["t0ken", "QUJD"]
        );
        assert_eq!(
            texts("auth-provider:\n  config:\n    id-token: i1\n    refresh-token: r1\n    client-secret: c1\n"),
            ["i1", "r1", "c1"]
        );
        let google = r#"{"token_uri": "https://oauth2.googleapis.com/token", "private_key_id": "k1"}"#;
        assert_eq!(texts(google), ["k1"]);
        assert!(texts("plain: [").is_empty() && texts("no document").is_empty());
    }
}
