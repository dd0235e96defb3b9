//! `advice.md`: the advice as a decision record.

use std::fmt::Write;

use super::false_deaths::Method;
use super::question::Clocks;
use super::sample::Meets;
use super::table::{HEADINGS, agent_note, boundaries, cells};
use super::units::{percent, shown_bytes};
use super::{Advice, Question};

/// The record in Markdown.
pub(super) fn markdown(advice: &Advice) -> String {
    let first = advice.recommended();
    let mut text = format!("# Failure detection: {}\n\n", first.candidate.label());
    if advice.is_unfinished {
        text += "**Unfinished**: the search was stopped. The figures are those found until then.\n\n";
    }
    text += &section("Question", &question(&advice.question));
    text += &section("Decision", &decision(advice));
    text += &section("Options", &options(advice));
    text += &section("Evidence", &evidence(advice));
    let boundaries = boundaries(advice).into_iter().map(|sentence| format!("- {sentence}\n")).collect::<String>();
    text += &section("What would change the answer", &boundaries);
    text += &section("Risks", &risks(advice));
    text += &section("Migration", &migration(advice));
    text += &section("Way back", &way_back(advice));
    text
}

fn section(title: &str, body: &str) -> String {
    format!("## {title}\n\n{}\n\n", body.trim_end())
}

fn question(question: &Question) -> String {
    let mut rows = vec![
        ("Members", question.members.to_string()),
        ("Network", question.network.label()),
        ("Loss", percent(question.loss)),
        ("19 of 20 crashes declared within", question.declare_within.to_string()),
        ("False deaths in the whole group, at most", question.false_deaths.to_string()),
    ];
    if let Some(bytes) = question.bytes {
        rows.push(("Bytes that a member sends, at most", shown_bytes(bytes)));
    }
    if let Some(share) = question.cross_region {
        rows.push(("Bytes between regions, at most", percent(share)));
    }
    let clocks = if question.clocks == Clocks::Ntp { "set by NTP, within 10 ms" } else { "not set" };
    rows.push(("Clocks", clocks.to_owned()));
    if let Some(have) = &question.have {
        rows.push(("Runs today", have.to_string()));
    }
    let rows: String = rows.into_iter().map(|(name, value)| format!("| {name} | {value} |\n")).collect();
    format!(
        "| | |\n|---|---|\n{rows}\n`swimlab advise question.toml` asks it again, with the same answer to the last byte."
    )
}

fn decision(advice: &Advice) -> String {
    let note = agent_note(advice).map(|note| format!("\n\n{note}")).unwrap_or_default();
    format!("**{}**\n\n{}{note}", advice.recommended().candidate.label(), advice.reason)
}

fn options(advice: &Advice) -> String {
    let has_regions = advice.ranked.iter().any(|row| row.figures.cross_region.is_some());
    let columns = HEADINGS.len() + usize::from(has_regions);
    let headings: Vec<&str> = HEADINGS.into_iter().chain(["bytes between regions"]).take(columns).collect();
    let mut text = format!("| {} |\n|{}\n", headings.join(" | "), "---|".repeat(columns));
    for row in &advice.ranked {
        let _ = writeln!(text, "| {} |", cells(row)[..columns].join(" | "));
    }
    text += "\nRows with ~ are the best of the other detectors, with fewer trials; \\* marks the Pareto front.\n";
    if !advice.left_out.is_empty() {
        text += "\nNot tried, or not to the end:\n\n";
        for (label, why) in &advice.left_out {
            let _ = writeln!(text, "- {label}: {why}");
        }
    }
    text
}

fn evidence(advice: &Advice) -> String {
    let first = advice.recommended();
    let method = match first.figures.false_deaths.method {
        Method::Counted { .. } => "False deaths were counted; the interval is Garwood's.".to_owned(),
        Method::Split { .. } => "False deaths were too rare to be counted. Suspicions were counted and continued many times \
                                 with other losses, until some ended in a death (multilevel splitting); the interval is \
                                 that of independent repetitions."
            .to_owned(),
        Method::Provoked { deaths, provoked, .. } => format!(
            "No false death was seen. The bound is that of the rate of suspicions times the share of them that end \
             in a death: {deaths} of {provoked} did that were provoked, by members that heard nothing for a period."
        ),
        Method::NoneSeen { .. } => {
            "No false death was seen, and no closed form applies: the bound is three divided by the \
                                    time observed, whether or not there are any."
                .to_owned()
        }
        Method::ClosedForm { formula, .. } => {
            format!("False deaths are bounded by a closed form, {formula}; none was seen in the trials.")
        }
    };
    format!(
        "- {} candidates were tried; {} finalists were confirmed with seeds that the search has not seen.\n- {method}\n- \
         `swimlab run advice.toml` repeats the trials of the recommended one, to the last bit. report.html has those of all \
         finalists.",
        advice.tried, advice.confirmed
    )
}

fn risks(advice: &Advice) -> String {
    let (question, first) = (&advice.question, advice.recommended());
    let mut risks = vec![
        "Losses are independent in these trials. Where they come in bursts, false deaths are more frequent than any figure \
         here."
            .to_owned(),
        "Members here never stand still. One that pauses (garbage collection, a stolen CPU) for as long as a crash takes to \
         be declared is declared dead."
            .to_owned(),
    ];
    let names = ["the time to declare", "false deaths", "bytes", "bytes between regions"];
    for (name, meets) in names.into_iter().zip(first.figures.meets) {
        match meets {
            Meets::Yes => {}
            Meets::CannotTell => {
                risks.push(format!("Whether the target of {name} is met cannot be told from these trials."))
            }
            Meets::No => risks.push(format!("The target of {name} is missed.")),
        }
    }
    let follows_clocks =
        first.candidate.selector.as_ref().is_some_and(|spec| ["auto", "schedule"].contains(&&*spec.kind));
    if follows_clocks {
        risks.push(
            "The selector needs clocks that agree within a period; without, it pings as shuffle does.".to_owned(),
        );
    }
    if question.loss == 0.0 {
        risks.push(
            "Without loss in the question, the figures say nothing about a network that loses packets.".to_owned(),
        );
    }
    risks.into_iter().map(|risk| format!("- {risk}\n")).collect()
}

fn migration(advice: &Advice) -> String {
    let Some((candidate, _)) = &advice.agent_toml else {
        let kind = &advice.recommended().candidate.profile.kind;
        return format!("{kind} is no SWIM member, which an agent could run: it has to be built or bought.");
    };
    let from = match &advice.question.have {
        Some(have) if have.kind.starts_with("memberlist") || have.kind == "lifeguard" => format!(
            "1. {have} of another program speaks another wire format. Run `swimlab agent --config agent.toml` beside it on \
             all members, on another port, and compare both lists of members for some days (`swimlab members`).\n2. Let \
             what uses the list of members read that of the agents, one reader after another.\n3. Stop what ran before.\n"
        ),
        Some(have) => format!(
            "1. Agents that run {have} can be changed one by one: all profiles have one wire format. Restart one with \
             `--config agent.toml` and see whether its warnings stay silent (`swimlab monitor`).\n2. Restart the others, a \
             few at a time: while periods differ, members time others by their own.\n"
        ),
        None => "1. Start `swimlab agent --config agent.toml --name NAME --bind ADDR:PORT --join HOST:PORT` on a few members \
                 and try a crash: `swimlab members` must show it within the time above.\n2. Start the others.\n"
            .to_owned(),
    };
    let place = match advice.recommended().figures.cross_region {
        Some(_) => "\nGive each member its place (`--zone REGION/ZONE`), or no member is near another.\n",
        None => "",
    };
    format!("agent.toml has {}.\n\n{from}{place}", candidate.label())
}

fn way_back(advice: &Advice) -> String {
    match &advice.question.have {
        Some(have) => format!(
            "Keep the configuration of {have} until the new one has run for as long as the target of false deaths speaks of \
             ({}). Going back is the same steps in the other order.",
            advice.question.false_deaths
        ),
        None => "Stop the agents (`swimlab leave`). Nothing else depends on them before its readers do.".to_owned(),
    }
}
