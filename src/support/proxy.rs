//! Which proxy an address is reached through, by the variables that every HTTP tool reads.
//!
//! The HTTP client's own reading takes one proxy for both schemes, so that is not used.

use std::net::IpAddr;

use ureq::http::Uri;

use crate::ctx::Env;

/// The proxies of the environment.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    https: Option<String>,
    http: Option<String>,
    direct: Vec<String>,
}

impl Proxies {
    /// `HTTPS_PROXY` and `HTTP_PROXY`, each before `ALL_PROXY`, and the exceptions of `NO_PROXY`; in lower case too,
    /// which wins as it does in curl.
    pub fn from_env(env: &Env) -> Self {
        let read = |name: &str| {
            let value = env.get(name.to_ascii_lowercase()).or_else(|| env.get(name))?;
            // Set to nothing, it is said that there is none.
            Some(value.to_string_lossy().trim().to_owned())
        };
        let proxy = |name| read(name).or_else(|| read("ALL_PROXY")).filter(|proxy| !proxy.is_empty());
        let direct = read("NO_PROXY").unwrap_or_default();
        let direct = direct.split([',', ' ']).filter(|entry| !entry.is_empty()).map(str::to_ascii_lowercase);
        Self { https: proxy("HTTPS_PROXY"), http: proxy("HTTP_PROXY"), direct: direct.collect() }
    }

    /// The proxy for a URL.
    pub fn of(&self, url: &Uri) -> Option<&str> {
        let is_tls = url.scheme_str() == Some("https");
        let proxy = if is_tls { &self.https } else { &self.http };
        let host = url.host()?.to_ascii_lowercase();
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let direct = self.direct.iter().any(|entry| covers(entry, bare(&host), port));
        proxy.as_deref().filter(|_| !direct)
    }
}

/// A host without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Whether an entry of `NO_PROXY` covers a host: `*`, a domain with all below it, an address or network, each with a
/// port or without.
fn covers(entry: &str, host: &str, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((entry, only)) = entry.rsplit_once(':')
        && (!entry.contains(':') || entry.ends_with(']'))
    {
        return only.parse() == Ok(port) && covers(entry, host, port);
    }
    if let (Some((network, bits)), Ok(address)) = (entry.split_once('/'), host.parse()) {
        return in_network(network, bits, address);
    }
    let entry = bare(entry);
    let domain = entry.trim_start_matches('*').trim_start_matches('.');
    let host = host.strip_suffix('.').unwrap_or(host);
    !domain.is_empty() && (host == domain || host.strip_suffix(domain).is_some_and(|below| below.ends_with('.')))
}

fn in_network(network: &str, bits: &str, address: IpAddr) -> bool {
    let Ok(bits) = bits.parse::<u32>() else { return false };
    match (network.parse(), address) {
        (Ok(IpAddr::V4(network)), IpAddr::V4(address)) => {
            bits <= 32 && (network.to_bits() ^ address.to_bits()).checked_shr(32 - bits).unwrap_or(0) == 0
        }
        (Ok(IpAddr::V6(network)), IpAddr::V6(address)) => {
            bits <= 128 && (network.to_bits() ^ address.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(env: &[(&str, &str)], url: &str) -> Option<String> {
        let env = Env::Fixed(env.iter().map(|(name, value)| (name.into(), value.into())).collect());
        Proxies::from_env(&env).of(&url.parse().unwrap()).map(str::to_owned)
    }

    #[test]
    fn each_scheme_has_its_own() {
        let both = [("HTTPS_PROXY", "http://s:1"), ("http_proxy", "http://p:2"), ("ALL_PROXY", "http://a:3")];
        assert_eq!(of(&both, "https://x/").as_deref(), Some("http://s:1"));
        assert_eq!(of(&both, "http://x/").as_deref(), Some("http://p:2"));
        assert_eq!(of(&both[2..], "http://x/").as_deref(), Some("http://a:3"));
        assert_eq!(of(&[("http_proxy", ""), ("HTTP_PROXY", "http://p:2")], "http://x/"), None);
        assert_eq!(of(&[], "https://x/"), None);
    }

    #[test]
    fn exceptions() {
        for (no_proxy, url, direct) in [
            ("example.com", "http://example.com/", true),
            ("example.com", "http://hooks.Example.com/", true),
            (".example.com", "http://hooks.example.com/", true),
            ("*.example.com", "http://hooks.example.com/", true),
            ("example.com", "http://notexample.com/", false),
            ("a, b ,example.com", "http://example.com/", true),
            ("*", "http://anything/", true),
            ("example.com:8080", "http://example.com:8080/", true),
            ("example.com:8080", "http://example.com/", false),
            ("127.0.0.1", "http://127.0.0.1:5000/", true),
            ("127.0.0.0/8", "http://127.9.9.9/", true),
            ("10.0.0.0/8", "http://127.9.9.9/", false),
            ("0.0.0.0/0", "http://127.9.9.9/", true),
            ("::1", "http://[::1]:80/", true),
            ("[::1]:81", "http://[::1]:80/", false),
            ("fe80::/10", "http://[fe80::1]/", true),
            (",.,", "http://x/", false),
        ] {
            let found = of(&[("HTTP_PROXY", "http://p:2"), ("NO_PROXY", no_proxy)], url);
            assert_eq!(found.is_none(), direct, "{no_proxy} {url}");
        }
    }
}
