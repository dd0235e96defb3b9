//! State of the view: what was last heard of the agent, and what the keys have chosen. It knows neither terminal, socket
//! nor clock.

use std::cmp::Ordering;

use super::columns::{COLUMNS, Column};
use super::keys::Key;
use crate::agent::control::{MemberOverview, OverviewSummary};

/// State of the view.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// The latest answer of the agent.
    overview: Option<OverviewSummary>,
    /// Whether any member in it has a value for the column.
    is_filled: [bool; COLUMNS.len()],
    /// The place of the agent's own member in it.
    own: Option<usize>,
    /// The traffic between the last two answers.
    rates: Option<Rates>,
    /// The reason why the agent does not answer at present.
    lost: Option<String>,
    /// Places in `overview.members` of the rows, in their order.
    rows: Vec<usize>,
    /// The id of the chosen member.
    chosen: Option<String>,
    /// The place of the chosen member among the rows; that of one that is gone stays.
    cursor: usize,
    /// The first row that is shown.
    top: usize,
    /// The number of rows that the screen has room for.
    page: usize,
    sort: usize,
    filter: String,
    mode: Mode,
    is_paused: bool,
}

/// Part of the screen that keys are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// The table of members.
    #[default]
    Table,
    /// The text of the filter.
    Filter,
    /// The details of the chosen member.
    Details,
    /// The list of keys.
    Help,
}

/// Traffic in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rates {
    pub sent_packets: f64,
    pub sent_bytes: f64,
    pub received_packets: f64,
    pub received_bytes: f64,
}

/// Effect of a key beyond the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Nothing,
    Quit,
}

impl Model {
    /// Takes an answer of the agent, or the reason why there is none.
    pub(super) fn hear(&mut self, answer: Result<OverviewSummary, String>) {
        match answer {
            Ok(overview) => {
                self.rates = self.overview.as_ref().and_then(|before| Rates::between(before, &overview));
                let members = &overview.members;
                for (column, is_filled) in COLUMNS.iter().zip(&mut self.is_filled) {
                    *is_filled = members.iter().any(|member| !column.text(member).is_empty());
                }
                self.own = members.iter().position(|member| member.member.id == overview.agent.id);
                self.overview = Some(overview);
                self.lost = None;
                self.arrange();
            }
            Err(why) => {
                self.rates = None;
                self.lost = Some(why);
            }
        }
    }

    /// Takes a key.
    pub(super) fn press(&mut self, key: Key) -> Effect {
        match (self.mode, key) {
            (_, Key::Interrupt) => return Effect::Quit,
            (Mode::Filter, key) => self.edit_filter(key),
            (_, Key::Char('q')) => return Effect::Quit,
            (Mode::Help | Mode::Details, Key::Escape | Key::Enter) | (Mode::Help, Key::Char('?')) => {
                self.mode = Mode::Table
            }
            (Mode::Help, _) => {}
            (Mode::Table, Key::Escape) => return Effect::Quit,
            (Mode::Table, Key::Enter) if self.chosen().is_some() => {
                self.chosen = self.chosen().map(|member| member.member.id.clone());
                self.mode = Mode::Details;
            }
            (_, Key::Char('?')) => self.mode = Mode::Help,
            (_, Key::Char('p')) => self.is_paused = !self.is_paused,
            (Mode::Table, Key::Char('/')) => self.mode = Mode::Filter,
            (Mode::Table, Key::Char('s')) => {
                self.sort = (self.sort + 1) % COLUMNS.len();
                self.arrange();
            }
            (_, key) => self.move_cursor(key),
        }
        Effect::Nothing
    }

    /// Takes the number of rows that the screen has room for, and keeps the chosen one among them.
    pub(super) fn fit(&mut self, page: usize) {
        self.page = page;
        let last_top = self.rows.len().saturating_sub(page);
        self.top = self.top.min(last_top).min(self.cursor).max((self.cursor + 1).saturating_sub(page));
    }

    pub(super) fn overview(&self) -> Option<&OverviewSummary> {
        self.overview.as_ref()
    }

    /// The columns that are shown if there is room.
    pub(super) fn columns(&self) -> impl Iterator<Item = &'static Column> {
        let columns = COLUMNS.iter().zip(self.is_filled);
        columns.filter(|(column, is_filled)| !column.is_optional || *is_filled).map(|(column, _)| column)
    }

    /// The agent's own member.
    pub(super) fn own(&self) -> Option<&MemberOverview> {
        self.overview.as_ref()?.members.get(self.own?)
    }

    pub(super) fn rates(&self) -> Option<Rates> {
        self.rates
    }

    pub(super) fn lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    pub(super) fn is_paused(&self) -> bool {
        self.is_paused
    }

    pub(super) fn filter(&self) -> &str {
        &self.filter
    }

    /// The column that rows are sorted by.
    pub(super) fn sort(&self) -> &'static Column {
        &COLUMNS[self.sort]
    }

    /// The number of rows, of which a part is on the screen.
    pub(super) fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// The rows on the screen, and whether each is the chosen one.
    pub(super) fn visible(&self) -> impl Iterator<Item = (&MemberOverview, bool)> {
        let rows = self.rows.iter().enumerate().skip(self.top).take(self.page);
        rows.filter_map(|(at, &place)| Some((self.overview.as_ref()?.members.get(place)?, at == self.cursor)))
    }

    /// The chosen member, if it is there.
    pub(super) fn chosen(&self) -> Option<&MemberOverview> {
        let members = &self.overview.as_ref()?.members;
        self.rows.get(self.cursor).and_then(|&place| members.get(place))
    }

    fn edit_filter(&mut self, key: Key) {
        match key {
            Key::Enter => self.mode = Mode::Table,
            Key::Escape => {
                self.filter.clear();
                self.mode = Mode::Table;
            }
            Key::Backspace => _ = self.filter.pop(),
            Key::Char(char) if !char.is_control() && self.filter.len() + char.len_utf8() <= MAX_FILTER_BYTES => {
                self.filter.push(char)
            }
            key => self.move_cursor(key),
        }
        self.arrange();
    }

    fn move_cursor(&mut self, key: Key) {
        let page = self.page.max(1);
        let last = self.rows.len().saturating_sub(1);
        self.cursor = match key {
            Key::Up => self.cursor.saturating_sub(1),
            Key::Down => self.cursor + 1,
            Key::PageUp => self.cursor.saturating_sub(page),
            Key::PageDown => self.cursor + page,
            Key::Home => 0,
            Key::End => last,
            _ => return,
        }
        .min(last);
        self.chosen = self.chosen().map(|member| member.member.id.clone());
    }

    /// Chooses and sorts the rows. The cursor stays on its member, or else where it is.
    fn arrange(&mut self) {
        let Some(overview) = &self.overview else { return };
        let (members, column) = (&overview.members, self.sort());
        let wanted = self.filter.to_lowercase();
        let fits =
            |member: &MemberOverview| COLUMNS.iter().any(|column| column.text(member).to_lowercase().contains(&wanted));
        let fitting = members.iter().enumerate().filter(|(_, member)| wanted.is_empty() || fits(member));
        let mut rows: Vec<usize> = fitting.map(|(place, _)| place).collect();
        rows.sort_by(|&a, &b| {
            let (a, b) = (&members[a], &members[b]);
            column.order(a, b).then_with(|| name_order(a, b))
        });
        let place = self.chosen.as_ref().and_then(|id| rows.iter().position(|&row| members[row].member.id == *id));
        self.cursor = place.unwrap_or(self.cursor).min(rows.len().saturating_sub(1));
        self.rows = rows;
        self.fit(self.page);
    }
}

/// The longest text of a filter, in bytes.
pub(in crate::cli) const MAX_FILTER_BYTES: usize = 256;

fn name_order(a: &MemberOverview, b: &MemberOverview) -> Ordering {
    (&a.member.name, &a.member.id).cmp(&(&b.member.name, &b.member.id))
}

impl Rates {
    /// The traffic in a second between two answers; `None` if the agent was started anew between them.
    fn between(before: &OverviewSummary, after: &OverviewSummary) -> Option<Self> {
        let seconds = after.agent.uptime_s - before.agent.uptime_s;
        let rate = |before: u64, after: u64| Some(after.checked_sub(before)? as f64 / seconds);
        if seconds <= 0.0 || before.agent.incarnation.split('.').next() != after.agent.incarnation.split('.').next() {
            return None;
        }
        Some(Self {
            sent_packets: rate(before.sent.packets, after.sent.packets)?,
            sent_bytes: rate(before.sent.bytes, after.sent.bytes)?,
            received_packets: rate(before.received.packets, after.received.packets)?,
            received_bytes: rate(before.received.bytes, after.received.bytes)?,
        })
    }
}
