//! `swimlab info`.

use std::fmt::Write;
use std::process::ExitCode;

use super::{Format, Socket, unexpected};
use crate::agent::control::{AgentSummary, Answer, FamilyValue, Request};
use crate::cli::escape::escaped;
use crate::cli::{Failed, print};

#[derive(clap::Args)]
pub(in crate::cli) struct InfoArgs {
    #[command(flatten)]
    socket: Socket,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(in crate::cli) fn info(args: &InfoArgs) -> Result<ExitCode, Failed> {
    let Answer::Info(info) = args.socket.ask(&Request::Info)? else { return Err(unexpected()) };
    print(match args.format {
        Format::Json => serde_json::to_string_pretty(&info).expect("plain data") + "\n",
        Format::Text => lines(&info),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn lines(info: &AgentSummary) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:12} {value}");
    };
    line("name", escaped(&info.name));
    line("id", info.id.clone());
    line("address", info.addr.to_string());
    line("incarnation", info.incarnation.clone());
    line("uptime", format!("{:.0} s", info.uptime_s));
    line("joining", if info.is_joining { "no seed has answered yet" } else { "no" }.to_owned());
    let fallback = if info.has_fallen_back { ", in shuffled order: clocks do not agree" } else { "" };
    line("selector", escaped(&info.selector) + fallback);
    let named = |name: &Option<String>| name.as_deref().map_or_else(|| "none".to_owned(), escaped);
    line("profile", format!("{}, preset {}, period {} s", named(&info.profile), named(&info.preset), info.period_s));
    line("near", near(info));
    line("clock", clock(info));
    for (key, value) in &info.families.0 {
        let value = match value {
            FamilyValue::Single(count) => count.to_string(),
            FamilyValue::Labeled(counts) => {
                counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
            }
        };
        line(key, value);
    }
    if let Some(at) = &info.coordinate {
        let ms = |us: &f32| format!("{:.1}", us / 1e3);
        let position = at.position_us.iter().map(ms).collect::<Vec<_>>().join(" ");
        let (height, error) = (ms(&at.height_us), at.error * 100.0);
        line("coordinate", format!("{position} ms, height {height} ms, give or take {error:.0} %"));
    }
    if let Some(metrics) = info.metrics {
        line("metrics", format!("http://{metrics}/metrics"));
    }
    if let Some(http) = info.http {
        line("http", format!("http://{http}/"));
    }
    if let Some(dns) = info.dns {
        line("dns", dns.to_string());
    }
    line("keys", if info.keys.is_empty() { "none: plain text".to_owned() } else { info.keys.join(", ") });
    line("version", info.version.clone());
    for warning in &info.warnings {
        line("warning", escaped(warning));
    }
    text
}

/// The size of the neighborhood, and the share of far bytes.
fn near(info: &AgentSummary) -> String {
    let members = match info.neighborhood {
        Some(1) => "1 other member".to_owned(),
        Some(near) => format!("{near} other members"),
        None => "no neighborhood: all others alike".to_owned(),
    };
    match info.far_share {
        Some(share) => format!("{members}; {:.1} % of the bytes go to far ones", share * 100.0),
        None => members,
    }
}

/// The difference between clocks.
fn clock(info: &AgentSummary) -> String {
    match info.clock {
        Some(clock) => format!("{:+.3} s against {} others", clock.ahead_s, clock.peers),
        None if info.keys.is_empty() => "not compared: plain text has no stamps".to_owned(),
        None => "not compared yet".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_of_info_is_pinned() {
        let json = r#"{"version":"1.2.3","name":"a","id":"00000000000000ff","addr":"127.0.0.1:7946","incarnation":"7.2",
            "uptime_s":1.5,"is_joining":true,"selector":"auto","profile":"swim","preset":"lan","period_s":1.0,
            "neighborhood":36,"far_share":0.1672,"clock":{"ahead_s":-0.0125,"peers":7},
            "warnings":["no other member is in zone eu2 of b"],"members":{"alive":4,"dead":2,"left":1,"suspect":3},"probes":50,
            "accusations":54,"sent":{"ack":2,"ping":1},"received":{"ack":4,"ping":3},"dropped":{"stale":5},
            "queues":{"broadcasts":11,"graves":14},
            "coordinate":{"position_us":[1000,0,0,0,0,0,0,0],"height_us":500,"adjustment_us":0,"error":0.25},
            "keys":["0123456789abcdef"]}"#;
        insta::assert_snapshot!(lines(&serde_json::from_str(json).unwrap()), @r"
        name         a
        id           00000000000000ff
        address      127.0.0.1:7946
        incarnation  7.2
        uptime       2 s
        joining      no seed has answered yet
        selector     auto
        profile      swim, preset lan, period 1 s
        near         36 other members; 16.7 % of the bytes go to far ones
        clock        -0.013 s against 7 others
        members      alive 4, dead 2, left 1, suspect 3
        probes       50
        accusations  54
        sent         ack 2, ping 1
        received     ack 4, ping 3
        dropped      stale 5
        queues       broadcasts 11, graves 14
        coordinate   1.0 0.0 0.0 0.0 0.0 0.0 0.0 0.0 ms, height 0.5 ms, give or take 25 %
        keys         0123456789abcdef
        version      1.2.3
        warning      no other member is in zone eu2 of b
        ");
    }
}
