//! Choice among members and instances, by a filter.

use crate::agent::control::{MemberSummary, Request};
use crate::discovery::Filter;

/// Choice of members.
#[derive(clap::Args)]
pub(super) struct MemberChoice {
    /// Only members for which these conditions hold, as in kind=backend,capability=gpu; none that is dead or has left.
    #[arg(long = "where", value_name = "FILTER", value_parser = filter)]
    filter: Option<String>,
    /// Only members that are alive.
    #[arg(long)]
    alive: bool,
}

impl MemberChoice {
    /// The request for the members that the filter lets through.
    pub(super) fn request(&self) -> Request {
        match &self.filter {
            None => Request::Members,
            Some(filter) => Request::FilteredMembers { filter: filter.clone() },
        }
    }

    /// Whether a member of the answer is chosen.
    pub(super) fn allows(&self, member: &MemberSummary) -> bool {
        !self.alive || member.state == "alive"
    }
}

/// Checks a filter, so that a complaint names its argument.
pub(super) fn filter(text: &str) -> Result<String, String> {
    text.parse::<Filter>().map(|_| text.to_owned()).map_err(|error| error.to_string())
}
