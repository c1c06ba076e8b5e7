//! Addresses of hosts, without the C library.
//!
//! The binary is linked statically, and a static `getaddrinfo` loads the name services of the machine at run time, of
//! whatever C library they are: names resolve here instead, by `/etc/hosts` and the servers of `/etc/resolv.conf`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::{ResolverBuilder, TokioResolver};

use crate::ctx::Env;

/// `IP` or `IP:PORT` of a name server, instead of those in `/etc/resolv.conf`.
pub const DNS_VARIABLE: &str = "SHIPCTL_DNS";

/// Where names are looked up.
#[derive(Debug, Clone, Copy, Default)]
pub struct Names {
    server: Option<SocketAddr>,
}

impl Names {
    /// As the environment says; the message when it says nonsense.
    pub fn from_env(env: &Env) -> Result<Self, String> {
        let Some(value) = env.get_filled(DNS_VARIABLE) else { return Ok(Self::default()) };
        let text = value.to_string_lossy();
        let server = text.parse().or_else(|_| text.parse().map(|ip: IpAddr| SocketAddr::new(ip, 53)));
        match server {
            Ok(server) => Ok(Self { server: Some(server) }),
            Err(_) => Err(format!("{DNS_VARIABLE}={text}: not an address such as 10.0.0.2 or 10.0.0.2:53")),
        }
    }

    /// The addresses of a host, at least one, IPv4 first: where IPv6 has no route, connecting fails late rather than
    /// at once. Addresses and `localhost` need no look-up, so they start nothing.
    pub fn addresses(&self, host: &str, port: u16, within: Duration) -> io::Result<Vec<SocketAddr>> {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let mut found = match bare.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) if is_localhost(bare) => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            Err(_) => self.look_up(bare, within)?,
        };
        found.sort_by_key(IpAddr::is_ipv6);
        Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }

    fn look_up(&self, host: &str, within: Duration) -> io::Result<Vec<IpAddr>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let not_found = |cause: &dyn std::fmt::Display| {
            io::Error::new(io::ErrorKind::NotFound, format!("the address of {host} is not known: {cause}"))
        };
        runtime.block_on(async {
            let resolver = self.builder().build().map_err(|error| not_found(&error))?;
            match tokio::time::timeout(within, resolver.lookup_ip(host)).await {
                Ok(Ok(found)) => {
                    let found: Vec<_> = found.iter().collect();
                    if found.is_empty() { Err(not_found(&"it has none")) } else { Ok(found) }
                }
                Ok(Err(error)) => Err(not_found(&why(&error))),
                Err(_) => Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("the address of {host} is not known: no name server answered in time"),
                )),
            }
        })
    }

    fn builder(self) -> ResolverBuilder<TokioRuntimeProvider> {
        let given = |server: SocketAddr| {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            for connection in &mut connections {
                connection.port = server.port();
            }
            let servers = vec![NameServerConfig::new(server.ip(), true, connections)];
            let config = ResolverConfig::from_parts(None, Vec::new(), servers);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        match self.server {
            Some(server) => given(server),
            // resolv.conf(5): without a name server in it, or without the file, that of this machine is asked.
            None => TokioResolver::builder_tokio()
                .unwrap_or_else(|_| given(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 53))),
        }
    }
}

/// What a name server said, without the question.
fn why(error: &NetError) -> String {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => "there is no such name".to_owned(),
            ResponseCode::NoError => "the name has no address".to_owned(),
            code => format!("the name server answered {code}"),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => format!("the name server answered {code}"),
        other => other.to_string(),
    }
}

/// RFC 6761: `localhost` and what is under it is this machine, whatever a name server says.
fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(host: &str) -> Vec<String> {
        // A server that cannot answer: nothing here may ask it.
        let names = Names { server: Some("127.0.0.1:1".parse().unwrap()) };
        let found = names.addresses(host, 80, Duration::ZERO).unwrap();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn addresses_and_this_machine_need_no_look_up() {
        assert_eq!(addresses("10.1.2.3"), ["10.1.2.3:80"]);
        assert_eq!(addresses("[::1]"), ["[::1]:80"]);
        assert_eq!(addresses("localhost"), ["127.0.0.1:80", "[::1]:80"]);
        assert_eq!(addresses("Hooks.Localhost."), ["127.0.0.1:80", "[::1]:80"]);
    }

    #[test]
    fn a_name_server_is_an_address() {
        let of = |value: &str| Names::from_env(&Env::Fixed([(DNS_VARIABLE.into(), value.into())].into()));
        assert_eq!(of("10.0.0.2").unwrap().server, Some("10.0.0.2:53".parse().unwrap()));
        assert_eq!(of("127.0.0.1:5353").unwrap().server, Some("127.0.0.1:5353".parse().unwrap()));
        assert_eq!(of("::1").unwrap().server, Some("[::1]:53".parse().unwrap()));
        assert_eq!(of("").unwrap().server, None);
        assert!(of("ns.example").unwrap_err().contains("SHIPCTL_DNS=ns.example: not an address"));
    }
}
