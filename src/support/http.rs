//! interim: the product's HTTP client
use std::sync::Arc;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
/// interim
pub fn agent() -> ureq::Agent {
    let certs: Vec<_> = Vec::new();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(certs)))
        .build();
    ureq::Agent::config_builder().tls_config(tls).build().new_agent()
}
