//! Choice among members and instances, by a filter.

use super::Failed;
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

/// The failure of a request that agents of earlier versions do not know.
pub(super) fn earlier_version(failed: Failed) -> Failed {
    if !failed.message.starts_with("not a request: ") {
        return failed;
    }
    let why = "the agent is of an earlier version, which keeps no catalog of services: restart it with this one";
    Failed { message: why.to_owned(), ..failed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_that_does_not_know_the_request_is_told_of_in_words() {
        let failed = |message: &str| earlier_version(Failed { code: 1, message: message.to_owned() }).message;
        assert!(failed("not a request: unknown variant `services`").starts_with("the agent is of an earlier version"));
        assert_eq!(failed("no agent listens"), "no agent listens");
    }
}
