//! The sections of the page.

use super::closed_rows::{LOADS, closed_limit};
use super::figure::Figure;
use super::groups::{Contender, Group, Groups};
use super::power_law::{PowerLaw, SizeLimit};
use super::{answer, operation};
use crate::reproduce::Section;

/// The classes: their names, and their smallest and largest sizes.
const CLASSES: [(&str, u32, u32); 3] = [
    ("Small groups, up to 25 members", 1, 25),
    ("Medium groups, 25 to 50 members", 25, 50),
    ("Large groups, 50 to 1,000 members", 50, 1_000),
];

pub(super) fn sections(groups: &Groups) -> Vec<Section> {
    let classes = CLASSES.map(|(title, smallest, largest)| class(groups, title, smallest, largest));
    let mut all = vec![answer::section(groups)];
    all.extend(classes);
    all.extend([growth(groups), limits(groups), operation::section(groups), method(groups)]);
    all
}

fn class(groups: &Groups, title: &str, smallest: u32, largest: u32) -> Section {
    let sizes = groups.sizes().into_iter().filter(|n| (smallest..=largest).contains(n));
    let row = |n: u32, contender: &Contender| {
        let group = groups.at(&contender.name, n);
        let figures = [
            group.messages,
            group.bytes,
            group.cpu_ns,
            group.declared_s,
            group.informed_s,
            group.bytes_until_informed(),
            group.false_deaths,
        ];
        [n.to_string(), contender.name.clone()].into_iter().chain(figures.map(|figure| figure.to_string())).collect()
    };
    let rows = sizes.flat_map(|n| groups.contenders.iter().map(move |contender| row(n, contender))).collect();
    let columns = [
        "n",
        "detector",
        "messages",
        "bytes",
        "CPU, ns",
        "first declared, s",
        "all know, s",
        "bytes until all know",
        "false deaths",
    ];
    let text = "Messages handled, bytes sent and processor time per member and second, which is a period, of a calm group; \
                means of the times after a crash; false deaths per member and hour at 5 % loss. 95 % intervals in \
                parentheses; values that are the same in all trials have none.";
    Section::new(title, vec![text.to_owned()]).with_table(&columns, rows)
}

/// The exponents of work by the size of the group.
fn growth(groups: &Groups) -> Section {
    let exponent = |contender: &Contender, of: fn(&Group) -> Figure| {
        let law = groups.growth(&contender.name, |group, n| Some(of(group).estimate()?.value * f64::from(n)));
        let shown = |law: PowerLaw| match law.interval() {
            [Some(low), Some(high)] => format!("{:.2} ({low:.2} to {high:.2})", law.exponent),
            _ => format!("{:.2}", law.exponent),
        };
        (law.map_or("not run".to_owned(), shown), law.map(|law| law.sizes))
    };
    let row = |contender: &Contender| {
        let (cpu, sizes) = exponent(contender, |group| group.cpu_ns);
        let (messages, of_messages) = exponent(contender, |group| group.messages);
        let (bytes, _) = exponent(contender, |group| group.bytes);
        let sizes =
            sizes.or(of_messages).map_or("–".to_owned(), |[smallest, largest]| format!("{smallest} to {largest}"));
        vec![contender.name.clone(), cpu, messages, bytes, sizes]
    };
    let text = "The exponent b with which the work of a whole group of n members per period grows, as n^b: fitted by least \
                squares of logarithms to the sizes from 25 on, with its 95 % interval by Student's t of the residuals. A \
                member's exponent is one less. Processor time belongs to the machine that it was taken on, so compare \
                exponents and ratios rather than nanoseconds; messages and bytes are the same on any machine.";
    let columns = ["detector", "CPU", "messages handled", "bytes sent", "sizes"];
    Section::new("Growth with the size of the group", vec![text.to_owned()])
        .with_table(&columns, groups.contenders.iter().map(row).collect())
}

/// The largest groups under the stated loads.
fn limits(groups: &Groups) -> Section {
    let row = |contender: &Contender| {
        let law = groups.growth(&contender.name, |group, _| Some(group.busiest.estimate()?.value));
        let entry = |load: f64| law.map_or("not run".to_owned(), |law| limit(law.limit(load)));
        let closed = |load: f64| closed_limit(&contender.name, load).map_or("–".to_owned(), |n| n.to_string());
        let loads = LOADS.into_iter().flat_map(|load| [entry(load), closed(load)]);
        std::iter::once(contender.name.clone()).chain(loads).collect()
    };
    let text = "The largest calm group whose busiest member sends and receives no more than the stated bytes per second, by \
                the power law fitted to the measured load of the busiest member. With `lease` that is the registry, with \
                the others it is about the mean. Limits beyond the largest size that was run are extrapolated, up to ten \
                times that size. The closed forms count 31 bytes for each message, as the encoding has them in the first \
                two minutes; heartbeats of a long life have up to 35.";
    let columns = ["detector", "4 kB/s", "closed form", "400 kB/s", "closed form"];
    Section::new("Largest group under a stated load", vec![text.to_owned()])
        .with_table(&columns, groups.contenders.iter().map(row).collect())
}

fn limit(limit: SizeLimit) -> String {
    match limit {
        SizeLimit::Below(n) => format!("fewer than {n}"),
        SizeLimit::Measured(n) => n.to_string(),
        SizeLimit::Extrapolated(n) => format!("{n} (extrapolated)"),
        SizeLimit::Above(n) => format!("more than {n} (extrapolated)"),
    }
}

fn method(groups: &Groups) -> Section {
    let labels = groups.contenders.iter().filter(|contender| contender.label != contender.name);
    let labels: Vec<String> = labels.map(|contender| format!("`{}`", contender.label)).collect();
    let partly = |contender: &&Contender| {
        groups.sizes().iter().any(|&n| groups.at(&contender.name, n).messages == Figure::NotRun)
    };
    let partly: Vec<String> =
        groups.contenders.iter().filter(partly).map(|contender| format!("`{}`", contender.name)).collect();
    let mut text = vec![
        format!(
            "- **Settings**: a LAN, the period 1 s, `lease` 3 s. Profiles and detectors as shipped, but for {}: heartbeats \
             time out after four and a half periods, so that no jitter decides how many losses it takes; `swim-basic` has \
             the period of the others, and members declared dead come back, so that a group on lossy links stays one.",
            labels.join(", ")
        ),
        "- **Bytes** are those of the encoding, without the headers of UDP, TCP and IP."
            .to_owned(),
        "- **Crash**: of one member, 1 s after the warm-up; with `lease` never of the registry, without which nobody learns \
         of any."
            .to_owned(),
        "- **Processor time** is that of the thread that simulates the group: the detector's own work and the simulated \
         network, from one packet after the warm-up to one at the end, by cells one after the other and in turns; medians \
         of the runs. It is measured for this page only and is part of no experiment's results. A socket costs more per \
         message than the simulated network."
            .to_owned(),
        "- **A false death** is an observer's transition to dead about a live member, so one that spreads counts for every \
         member that believes it. Where none was seen, the interval ends at the rate at which none would be seen with a probability of 2.5 %."
            .to_owned(),
    ];
    if !partly.is_empty() {
        text.push(format!(
            "- **Left out**: the largest sizes of {}, whose work grows with the square of the group, and `swim-basic` \
             with more than 100 members on lossy links, which tells all others of each mistake; they are \"not run\". \
             `phi-accrual` is like `gossip-heartbeat` in work and is in no cell.",
            partly.join(", ")
        ));
    }
    Section::new("How it was measured", text)
}
