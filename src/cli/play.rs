//! `swimlab play`: serves the page that shows worlds, and opens the browser.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use axum::Router;
use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;

use super::page::{Page, PageFlag};
use super::{Failed, signals};
use crate::course::scenes;
use crate::experiment::{Experiment, Lab, LinkedExperiment, LinkedText, TomlSource, TrialLink};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The trial that the page opens first: an experiment file, the name of a scene of the course (docs/course/scenes/), or a link to
    /// a trial.
    #[arg(value_name = "FILE|SCENE|LINK", default_value = "basic")]
    what: String,
    /// The address to serve the page at. Links of the course expect the default.
    #[arg(long, value_name = "ADDRESS", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 8700)))]
    listen: SocketAddr,
    /// Do not open a browser.
    #[arg(long)]
    no_open: bool,
    #[command(flatten)]
    page: PageFlag,
}

pub(super) fn play(args: Args, lab: &Lab) -> Result<ExitCode, Failed> {
    let link = link_to(&args.what, lab)?;
    let html = Page::find(&args.page)?.opening(&link.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failed { code: 1, message: format!("cannot start: {error}") })?;
    runtime.block_on(serve(args, html))
}

async fn serve(args: Args, html: String) -> Result<ExitCode, Failed> {
    let listener = tokio::net::TcpListener::bind(args.listen).await.map_err(|error| Failed {
        code: 1,
        message: format!("--listen {}: {error}; another address may be free, such as 127.0.0.1:0", args.listen),
    })?;
    let address = listener.local_addr().unwrap_or(args.listen);
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    let page = Bytes::from(html);
    let router = Router::new().route("/", get(move || async move { (headers, page) }));
    // Before the address is told: whoever reads it may end this at once.
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    let mut ended = Some(ended);
    signals::on_end(move || drop(ended.take()));
    super::print(format!("http://{address}/ shows the page, until Ctrl-C\n"))?;
    if !args.no_open && open::that_detached(format!("http://{address}/")).is_err() {
        eprintln!("no browser can be opened from here: open the address in one");
    }
    tokio::select! {
        served = axum::serve(listener, router) => {
            let why = served.err().map_or_else(String::new, |error| error.to_string());
            Err(Failed { code: 1, message: format!("the server has stopped: {why}") })
        }
        _ = end => Ok(ExitCode::SUCCESS),
    }
}

/// The link to what the page opens first.
fn link_to(what: &str, lab: &Lab) -> Result<TrialLink, Failed> {
    let link = if TrialLink::is_link(what) {
        TrialLink::parse(what)?
    } else if scenes::text(what).is_some() {
        TrialLink::new(LinkedExperiment::Named(what.to_owned()))
    } else {
        let experiment = Experiment::parse(&TomlSource::read(&PathBuf::from(what))?, lab)?;
        TrialLink::new(LinkedExperiment::Text(LinkedText::of(&experiment)))
    };
    link.open(lab, scenes::text)?;
    Ok(link)
}
