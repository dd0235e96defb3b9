//! `swimlab query`.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use swimlab_selectors::parse_seconds;
use tokio::signal::unix::{SignalKind, signal};

use super::choice::filter;
use super::{Format, Socket, refused, runtime, unexpected};
use crate::agent::control::{Answer, QueryAnswerSummary, QueryRequest, QueryStream, QuerySummary, start_query};
use crate::agent::{Query, QueryError};
use crate::cli::escape::escaped;
use crate::cli::output::report;
use crate::cli::{Failed, INTERRUPTED, print};

#[derive(clap::Args)]
pub(in crate::cli) struct QueryArgs {
    #[command(flatten)]
    socket: Socket,
    /// Name of the query.
    name: String,
    /// Payload of the query.
    #[arg(default_value = "")]
    payload: String,
    /// Ask only members for which these conditions hold, as in kind=backend,capability=gpu.
    #[arg(long = "where", value_name = "FILTER", value_parser = filter)]
    filter: Option<String>,
    /// Ask only these members, of those that the filter lets through; may be repeated.
    #[arg(long, value_name = "MEMBER", num_args = 1..)]
    to: Vec<String>,
    /// Time for which answers are collected, 100ms to 300s [default: 5s, and 1 ms more for each member].
    #[arg(long, value_name = "TIME", value_parser = time)]
    timeout: Option<Duration>,
    /// Number of answers after which the query is over.
    #[arg(long, value_name = "N")]
    count: Option<u32>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Prints each answer as it comes. Exits with code 1 if there is none, or fewer than `--count`.
pub(in crate::cli) fn query(args: QueryArgs) -> Result<ExitCode, Failed> {
    let QueryArgs { socket, name, payload, filter, to, timeout, count, format } = args;
    check(&name, &payload, timeout, count)?;
    let timeout_ms = timeout.map(|timeout| timeout.as_millis() as u64);
    let request = QueryRequest { name, payload, filter, to, timeout_ms, count };
    let path = socket.path()?;
    let (summary, is_interrupted) = runtime()?.block_on(async {
        let stream = start_query(&path, request).await.map_err(failed)?;
        collect(stream, format).await
    })?;
    match format {
        Format::Json => print(json!({ "end": summary }).to_string() + "\n")?,
        Format::Text => report(&sentence(&summary)),
    }
    Ok(match is_interrupted {
        true => ExitCode::from(INTERRUPTED),
        false if summary.answered >= count.unwrap_or(1) => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Checks the arguments here, where a complaint can name them.
fn check(name: &str, payload: &str, timeout: Option<Duration>, count: Option<u32>) -> Result<(), Failed> {
    let mut query = Query::new(name).payload(payload);
    if let Some(timeout) = timeout {
        query = query.timeout(timeout);
    }
    if let Some(count) = count {
        query = query.count(count);
    }
    query.check().map_err(|error| {
        let flag = match error {
            QueryError::Name(_) => "NAME",
            QueryError::TooLong(_) => "PAYLOAD",
            QueryError::Timeout(_) => "--timeout",
            _ => "--count",
        };
        Failed { code: 2, message: format!("{flag}: {error}") }
    })
}

/// Prints answers until the query is over, or a Ctrl-C has ended it. Returns its last line, and whether there was one.
async fn collect(mut stream: QueryStream, format: Format) -> Result<(QuerySummary, bool), Failed> {
    let mut interrupts = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut is_interrupted = false;
    loop {
        let next = tokio::select! {
            next = stream.next() => next,
            _ = interrupts.recv(), if !is_interrupted => {
                is_interrupted = true;
                stream.cancel();
                continue;
            }
        };
        match next.map_err(failed)? {
            Answer::QueryAnswer(answer) => print(match format {
                Format::Json => serde_json::to_string(&answer).expect("plain data") + "\n",
                Format::Text => line(&answer),
            })?,
            Answer::QueryEnd(summary) => return Ok((summary, is_interrupted)),
            Answer::Refused(why) => return Err(refused(why)),
            _ => return Err(unexpected()),
        }
    }
}

fn line(answer: &QueryAnswerSummary) -> String {
    let said = match (&answer.payload, &answer.error) {
        (Some(payload), _) => escaped(payload),
        (None, error) => format!("failed: {}", escaped(error.as_deref().unwrap_or_default())),
    };
    format!("{}  {said}\n", escaped(&answer.name))
}

fn sentence(summary: &QuerySummary) -> String {
    let QuerySummary { members, asked, acknowledged, answered, failed, declined, .. } = summary;
    let noun = if *members == 1 { "member" } else { "members" };
    let mut text = format!("{members} {noun}, {asked} asked, {acknowledged} acknowledged, {answered} answered");
    if *failed > 0 {
        text += &format!(", {failed} failed");
    }
    if *declined > 0 {
        text += &format!(", {declined} without an answer to this query");
    }
    text + match &*summary.end {
        "complete" => ": no other is expected",
        "count" => ": as many answers as wanted",
        "deadline" => ": the time is over",
        "canceled" => ": interrupted",
        _ => ": the agent has ended",
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let seconds = parse_seconds(text).ok_or("expected a time with its unit, like 500ms or 5s")?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn failed(error: impl std::fmt::Display) -> Failed {
    Failed { code: 1, message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_forms_are_pinned() {
        let shown = |json: &str| line(&serde_json::from_str(json).unwrap());
        assert_eq!(shown(r#"{"id":"1","name":"a","payload":"up 3\nx"}"#), "a  up 3\\nx\n");
        assert_eq!(
            shown(r#"{"id":"1","name":"a\u001b","error":"exit status: 7"}"#),
            "a\\u{1b}  failed: exit status: 7\n"
        );
        let last = |end: &str, failed: u32, declined: u32| {
            let rest = format!(r#""failed":{failed},"declined":{declined},"end":"{end}""#);
            let json = format!(r#"{{"members":3,"asked":3,"acknowledged":2,"answered":1,{rest}}}"#);
            sentence(&serde_json::from_str(&json).unwrap())
        };
        let begin = "3 members, 3 asked, 2 acknowledged, 1 answered";
        assert_eq!(last("deadline", 0, 0), format!("{begin}: the time is over"));
        assert_eq!(
            last("complete", 1, 1),
            format!("{begin}, 1 failed, 1 without an answer to this query: no other is expected")
        );
        assert_eq!(last("canceled", 0, 0), format!("{begin}: interrupted"));
    }

    #[test]
    fn times_have_a_unit() {
        assert_eq!(time("1m 500ms"), Ok(Duration::from_millis(60_500)));
        for wrong in ["", "5", "-5s", "soon"] {
            assert!(time(wrong).unwrap_err().contains("expected a time with its unit"), "{wrong}");
        }
    }
}
