//! The view: the model as text on a screen.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Clear, Paragraph, Row, Table};

use super::columns::Column;
use super::format::{age, byte_rate, count, round_trip};
use super::model::{Mode, Model, Rates};
use crate::agent::control::{EventSummary, FamilyValue, MemberOverview, OverviewSummary};
use crate::cli::escape::escaped;

/// Lines of the head.
const HEAD: u16 = 4;

/// The most lines of the pane of events, its title included.
const MOST_EVENTS: u16 = 14;

/// The least height of a screen that has a pane of events.
const LEAST_HEIGHT_WITH_EVENTS: u16 = 14;

/// Columns that the frame of a box takes.
const BOX_FRAME: u16 = 4;

const KEYS: &[(&str, &str)] = &[
    ("q, Ctrl-C", "quit"),
    ("Esc", "close this, or quit"),
    ("Up, Down, PgUp, PgDn, Home, End", "choose a member"),
    ("Enter", "details of the member"),
    ("s", "sort by the next column"),
    ("/", "filter by text; Esc there clears it"),
    ("p", "pause, or go on"),
    ("?", "this list"),
];

/// Colors, or none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    pub has_colors: bool,
}

impl Palette {
    fn colored(self, color: Color) -> Style {
        if self.has_colors { Style::new().fg(color) } else { Style::new() }
    }

    fn title(self) -> Style {
        self.colored(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    fn alarm(self) -> Style {
        self.colored(Color::Red).add_modifier(Modifier::BOLD | Modifier::REVERSED)
    }

    fn state(self, state: &str) -> Style {
        match state {
            "suspect" => self.colored(Color::Yellow).add_modifier(Modifier::BOLD),
            "dead" => self.colored(Color::Red).add_modifier(Modifier::BOLD),
            "left" => self.colored(Color::DarkGray),
            _ => self.colored(Color::Green),
        }
    }
}

/// The parts of a screen.
struct Parts {
    head: Rect,
    table: Rect,
    events: Rect,
    foot: Rect,
}

impl Parts {
    fn of(screen: Rect) -> Self {
        let events = match screen.height {
            LEAST_HEIGHT_WITH_EVENTS.. => ((screen.height - HEAD - 1) / 3).min(MOST_EVENTS),
            _ => 0,
        };
        let lengths =
            [Constraint::Length(HEAD), Constraint::Fill(1), Constraint::Length(events), Constraint::Length(1)];
        let [head, table, events, foot] = Layout::vertical(lengths).areas(screen);
        Self { head, table, events, foot }
    }
}

/// The number of members that a screen of this size has room for.
pub(super) fn rows(screen: Rect) -> usize {
    usize::from(Parts::of(screen).table.height.saturating_sub(1))
}

/// Draws the model. Of the members, only those on the screen and the agent's own are looked at.
pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, palette: Palette) {
    let parts = Parts::of(frame.area());
    frame.render_widget(Paragraph::new(head(model, palette)), parts.head);
    draw_table(frame, parts.table, model, palette);
    draw_events(frame, parts.events, model, palette);
    frame.render_widget(Paragraph::new(foot(model)), parts.foot);
    match model.mode() {
        Mode::Help => draw_box(frame, " keys ", help(), palette),
        Mode::Details => {
            if let Some(member) = model.chosen() {
                let width = usize::from(frame.area().width.saturating_sub(BOX_FRAME)).max(20);
                draw_box(frame, " member ", details(member, width), palette);
            }
        }
        Mode::Table | Mode::Filter => {}
    }
}

fn head(model: &Model, palette: Palette) -> Vec<Line<'static>> {
    let mut lines = match model.overview() {
        Some(overview) => about_agent(overview, model, palette),
        None => vec![Line::raw("no answer yet")],
    };
    lines.truncate(usize::from(HEAD));
    if let Some(why) = model.lost() {
        let told = format!("the agent does not answer; trying again. {}", escaped(why));
        // In place of the traffic, which is not known now.
        lines.truncate(usize::from(HEAD) - 1);
        lines.push(Line::styled(told, palette.alarm()));
    }
    lines
}

fn about_agent(overview: &OverviewSummary, model: &Model, palette: Palette) -> Vec<Line<'static>> {
    let agent = &overview.agent;
    let zone =
        model.own().and_then(|member| member.member.zone.as_deref()).map(|zone| format!("  zone {}", escaped(zone)));
    let named = |name: &Option<String>| name.as_deref().map_or_else(|| "none".to_owned(), escaped);
    let family = |key: &str| agent.families.0.iter().find(|(name, _)| name == key).map(|(_, value)| value);
    let state = |state: &str| match family("members") {
        Some(FamilyValue::Labeled(counts)) => counts.get(state).copied().unwrap_or(0),
        _ => 0,
    };
    let probes = match family("probes") {
        Some(FamilyValue::Single(probes)) => *probes,
        _ => 0,
    };
    let health = match overview.health_score {
        0 => "health score 0".to_owned(),
        score => format!("health score {score}: slow, timeouts are {} times as long", score + 1),
    };
    let mut members = vec![Span::raw("members")];
    for name in ["alive", "suspect", "dead", "left"] {
        let number = state(name);
        let style = if number > 0 { palette.state(name) } else { Style::new() };
        members.push(Span::styled(format!("  {name} {}", count(number)), style));
    }
    members.push(Span::raw(format!("   pings {}, {} failed", count(probes), count(overview.own_suspicions))));
    let traffic = match model.rates() {
        Some(Rates { sent_packets, sent_bytes, received_packets, received_bytes }) => format!(
            "in {received_packets:.1} packets/s {}   out {sent_packets:.1} packets/s {}",
            byte_rate(received_bytes),
            byte_rate(sent_bytes)
        ),
        None => {
            format!("in {} packets   out {} packets", count(overview.received.packets), count(overview.sent.packets))
        }
    };
    vec![
        Line::from(vec![
            Span::styled(escaped(&agent.name), palette.title()),
            Span::raw(format!(
                "  {}  {}  incarnation {}{}",
                escaped(&agent.id),
                agent.addr,
                escaped(&agent.incarnation),
                zone.unwrap_or_default()
            )),
        ]),
        Line::raw(format!(
            "profile {}  preset {}  up {}  {health}",
            named(&agent.profile),
            named(&agent.preset),
            age(agent.uptime_s)
        )),
        Line::from(members),
        Line::raw(traffic),
    ]
}

fn draw_table(frame: &mut Frame<'_>, area: Rect, model: &Model, palette: Palette) {
    let columns = shown_columns(area.width, model);
    let titles = columns.iter().map(|column| {
        let mark = if column.title == model.sort().title { "▼" } else { "" };
        format!("{}{mark}", column.title)
    });
    let rows = model.visible().map(|(member, is_chosen)| {
        let cells = columns.iter().map(|column| {
            let style = if column.title == "STATE" { palette.state(&member.member.state) } else { Style::new() };
            Cell::new(Span::styled(column.text(member), style))
        });
        let style = if is_chosen { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
        Row::new(cells.collect::<Vec<_>>()).style(style)
    });
    let widths = columns.iter().enumerate().map(|(at, column)| match at {
        0 => Constraint::Fill(1),
        _ => Constraint::Length(column.width),
    });
    let table = Table::new(rows.collect::<Vec<_>>(), widths.collect::<Vec<_>>()).column_spacing(1);
    frame.render_widget(table.header(Row::new(titles.collect::<Vec<_>>()).style(palette.title())), area);
}

/// The columns that fit beside each other.
fn shown_columns(width: u16, model: &Model) -> Vec<&'static Column> {
    let mut used = 0;
    let fitting = model.columns().take_while(|column| {
        used += column.width + 1;
        used <= width + 1
    });
    fitting.collect()
}

fn draw_events(frame: &mut Frame<'_>, area: Rect, model: &Model, palette: Palette) {
    let events = model.overview().map_or(&[][..], |overview| &overview.events);
    let lines = events.iter().take(usize::from(area.height)).map(|event| Line::raw(event_line(event)));
    let block = Block::new().borders(Borders::TOP).title(Span::styled(" latest events ", palette.title()));
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(block), area);
}

fn event_line(event: &EventSummary) -> String {
    let (name, detail) = (escaped(&event.name), escaped(&event.detail));
    let addr = event.addr.map(|addr| addr.to_string()).unwrap_or_default();
    let about = match &*event.event {
        "died" => format!("declared dead  {name}  {addr}  {detail}"),
        "user" => format!("event          {detail} from {name}"),
        "query" => format!("query          {detail} from {name}"),
        "displaced" => "displaced      another process took this member's name".to_owned(),
        "missed" => format!("missed         {detail} events"),
        kind => format!("{:<13}  {name}  {addr}  {detail}", escaped(kind)),
    };
    format!("{:>7}  {about}", age(event.ago_s))
}

fn foot(model: &Model) -> Line<'static> {
    if model.mode() == Mode::Filter {
        return Line::raw(format!("filter: {}_   Enter keeps it, Esc clears it", escaped(model.filter())));
    }
    let all = model.overview().map_or(0, |overview| overview.members.len());
    let shown = match model.filter() {
        "" => format!("{} members", count(all as u64)),
        filter => format!("{} of {} match \"{}\"", count(model.row_count() as u64), count(all as u64), escaped(filter)),
    };
    let keys = format!("{shown}   q quit  ? keys  s sort: {}  / filter  Enter details  p pause", model.sort().title);
    match model.is_paused() {
        true => Line::from(vec![
            Span::styled("PAUSED", Style::new().add_modifier(Modifier::REVERSED)),
            Span::raw(format!(" {keys}")),
        ]),
        false => Line::raw(keys),
    }
}

fn help() -> Vec<Line<'static>> {
    let width = KEYS.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    let mut lines: Vec<Line<'static>> =
        KEYS.iter().map(|(key, meaning)| Line::raw(format!("{key:width$}  {meaning}"))).collect();
    lines.push(Line::raw(""));
    lines.push(Line::raw("failed pings: those that began a suspicion"));
    lines.push(Line::raw("SINCE: time in this state; SUSP: suspicions since the agent's start"));
    lines.push(Line::raw("RTT: of direct pings, with ~ by network coordinates"));
    lines
}

/// Lines about a member, of at most `width` columns.
fn details(member: &MemberOverview, width: usize) -> Vec<Line<'static>> {
    let record = &member.member;
    let unknown = || "not known".to_owned();
    let rtt = member.rtt_ms.map_or_else(unknown, |ms| {
        let source = if member.is_estimate { "by network coordinates" } else { "by direct pings" };
        format!("{}, {source}", round_trip(ms, false))
    });
    let list = |texts: &mut dyn Iterator<Item = String>| {
        let texts: Vec<String> = texts.collect();
        if texts.is_empty() { "none".to_owned() } else { texts.join(" ") }
    };
    let pairs: Vec<(&str, String)> = vec![
        ("name", escaped(&record.name)),
        ("id", escaped(&record.id)),
        ("address", record.addr.to_string()),
        ("state", format!("{} for {}", escaped(&record.state), member.since_s.map_or_else(unknown, age))),
        ("incarnation", escaped(&record.incarnation)),
        ("zone", record.zone.as_deref().map_or_else(|| "none".to_owned(), escaped)),
        ("place", record.place.map_or_else(|| "none".to_owned(), |place| format!("{},{}", place.lat, place.lon))),
        ("round trip", rtt),
        ("suspicions", count(member.suspicions)),
        ("services", list(&mut member.services.iter().map(|service| escaped(service)))),
        ("metadata", list(&mut record.meta.iter().map(|(key, value)| format!("{}={}", escaped(key), escaped(value))))),
    ];
    let lines = pairs.into_iter().flat_map(|(name, value)| {
        let text = format!("{name:11}  {value}");
        let options = textwrap::Options::new(width).subsequent_indent("             ");
        textwrap::wrap(&text, options).into_iter().map(|line| Line::raw(line.into_owned())).collect::<Vec<_>>()
    });
    lines.collect()
}

/// Draws lines in a box in the middle of the screen, as much of them as has room.
fn draw_box(frame: &mut Frame<'_>, title: &'static str, lines: Vec<Line<'static>>, palette: Palette) {
    let screen = frame.area();
    let content = lines.iter().map(Line::width).max().unwrap_or(0).max(40);
    let width = u16::try_from(content).unwrap_or(u16::MAX).saturating_add(BOX_FRAME).min(screen.width);
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(screen.height);
    let area = screen.centered(Constraint::Length(width), Constraint::Length(height));
    let block =
        Block::bordered().title(Span::styled(title, palette.title())).padding(ratatui::widgets::Padding::horizontal(1));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).block(block), area);
}
