//! The interfaces of an agent for other programs: HTTP, metrics and DNS.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::failed;
use crate::agent::control::{Interfaces, Leaving};
use crate::agent::{Agent, Closed, DnsDomain, DnsSockets, parse_socket_addr, serve_dns, serve_http, serve_metrics};
use crate::cli::Failed;

#[derive(clap::Args)]
pub(super) struct InterfaceArgs {
    /// Serve services, members and changes to other programs at http://ADDR:PORT/v1/, and metrics.
    #[arg(long, value_name = "ADDR:PORT", value_parser = parse_socket_addr)]
    http: Option<SocketAddr>,
    /// Serve metrics to Prometheus at http://ADDR:PORT/metrics.
    #[arg(long, value_name = "ADDR:PORT", value_parser = parse_socket_addr)]
    metrics: Option<SocketAddr>,
    /// Serve services and members by DNS at this address, over UDP and TCP.
    #[arg(long, value_name = "ADDR:PORT", value_parser = parse_socket_addr)]
    dns: Option<SocketAddr>,
    /// Domain of the names that DNS serves, as in web.service.swimlab.
    #[arg(long, value_name = "DOMAIN", default_value = "swimlab")]
    dns_domain: DnsDomain,
}

/// The sockets of the interfaces that were asked for.
pub(super) struct Sockets {
    http: Option<TcpListener>,
    metrics: Option<TcpListener>,
    dns: Option<(DnsSockets, DnsDomain)>,
    pub(super) addrs: Interfaces,
}

impl InterfaceArgs {
    pub(super) async fn open(&self) -> Result<Sockets, Failed> {
        let http = listener("--http", self.http).await?;
        let metrics = listener("--metrics", self.metrics).await?;
        let dns = match self.dns {
            None => None,
            Some(addr) => Some(DnsSockets::bind(addr).await.map_err(|error| unusable("--dns", addr, &error))?),
        };
        let addr = |listener: &Option<TcpListener>| listener.as_ref().and_then(|socket| socket.local_addr().ok());
        let addrs =
            Interfaces { http: addr(&http), metrics: addr(&metrics), dns: dns.as_ref().map(DnsSockets::local_addr) };
        Ok(Sockets { http, metrics, dns: dns.map(|sockets| (sockets, self.dns_domain.clone())), addrs })
    }
}

impl Sockets {
    /// Starts to serve.
    pub(super) async fn serve(self, agent: &Agent, tasks: &mut JoinSet<Option<Leaving>>) -> Result<(), Closed> {
        if let Some(listener) = self.http {
            let (agent, discovery) = (agent.clone(), agent.discovery().await?);
            tasks.spawn(async move {
                serve_http(listener, agent, discovery).await;
                None
            });
        }
        if let Some(listener) = self.metrics {
            let agent = agent.clone();
            tasks.spawn(async move {
                serve_metrics(listener, agent).await;
                None
            });
        }
        if let Some((sockets, domain)) = self.dns {
            let (agent, discovery) = (agent.clone(), agent.discovery().await?);
            tasks.spawn(async move {
                serve_dns(sockets, agent, discovery, domain).await;
                None
            });
        }
        Ok(())
    }
}

async fn listener(flag: &str, addr: Option<SocketAddr>) -> Result<Option<TcpListener>, Failed> {
    match addr {
        None => Ok(None),
        Some(addr) => TcpListener::bind(addr).await.map(Some).map_err(|error| unusable(flag, addr, &error)),
    }
}

fn unusable(flag: &str, addr: impl fmt::Display, error: &io::Error) -> Failed {
    failed(format!("{flag}: cannot listen on {addr}: {error}"))
}
