//! interim: credentials as text for a shell or a tool
use super::Credentials;
/// How credentials are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// `export NAME='…';`, for sh
    Env,
}
/// interim
pub fn print(credentials: &Credentials, _format: Format) -> Vec<u8> {
    format!("export AWS_ACCESS_KEY_ID='{}';\n", credentials.access_key_id).into_bytes()
}
