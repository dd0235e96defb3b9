/** The panel of one member: incarnation, timers, table and queue of updates at the shown time. */

import { byId, make } from "swimlab/dom.js";

/**
 * @typedef {import("swimlab/session.js").Session} Session
 * @typedef {import("swimlab/trial.js").MemberView} MemberView
 */

/** The shortest time between two looks into a member while time goes on, in milliseconds. */
const PAUSE_MS = 120;

/** Most suspicions shown as dials, and updates shown of the queue. */
const MOST = 6;

export class MemberPanel {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.panel = byId("member", HTMLElement);
    /** What is shown. */
    this.key = "";
    this.lookedAt = 0;
    /** Whether the module is looking into the member. */
    this.looking = false;
    /** The last view, for tests. @type {MemberView | null} */
    this.view = null;
  }

  opened() {
    this.key = "";
  }

  frame() {
    const { session } = this;
    const { selected, player, trial } = session;
    if (selected === undefined) {
      this.panel.hidden = true;
      return;
    }
    const key = `${selected} ${player.time}`;
    const now = performance.now();
    const isEarly = player.playing && now - this.lookedAt < PAUSE_MS;
    if (key === this.key || isEarly || this.looking || session.recording !== undefined) {
      return;
    }
    this.key = key;
    this.panel.hidden = false;
    const world = session.hovered?.world ?? 0;
    if (!trial.worlds[0].view.has_views) {
      this.panel.replaceChildren(...this.head(selected), make("p", "This detector cannot be looked into.", "note"));
      return;
    }
    const many = trial.worlds.length > 1;
    this.lookedAt = now;
    this.look(trial, many ? world : 0, selected, player.time).then(() => (this.looking = false));
  }

  /**
   * @param {import("swimlab/trial.js").Trial} trial
   * @param {number} world
   * @param {number} member
   * @param {number} t
   */
  async look(trial, world, member, t) {
    this.looking = true;
    this.view = await trial.worlds[world].inspect(t, member);
    if (this.session.selected === member && this.session.trial === trial) {
      const body = this.view === null ? [make("p", "It does not run.", "note")] : this.body(this.view, t, trial.period);
      this.panel.replaceChildren(...this.head(member, trial.worlds.length > 1 ? "ABCD"[world] : ""), ...body);
    }
  }

  /** @param {number} member @param {string} [world] */
  head(member, world = "") {
    const head = make("div", "", "head");
    const title = make("h2", `Member ${member}${world === "" ? "" : ` in ${world}`}`);
    title.id = "member-title";
    const subject = make("button", "Make subject", "small");
    subject.hidden = member === this.session.subject;
    subject.addEventListener("click", () => this.session.setSubject(member));
    const close = make("button", "×", "small");
    close.setAttribute("aria-label", "Close");
    close.addEventListener("click", () => (this.session.selected = undefined));
    head.append(title, make("span", "", "spacer"), subject, close);
    return [head];
  }

  /** @param {MemberView} view @param {number} t @param {number} period */
  body(view, t, period) {
    const facts = make("dl");
    const fact = (/** @type {string} */ name, /** @type {string} */ value) => facts.append(make("dt", name), make("dd", value));
    fact("Incarnation", view.incarnation[0] === 0 ? `${view.incarnation[1]}` : `${view.incarnation[1]} in life ${view.incarnation[0] + 1}`);
    const probes = view.probes.map(({ member, answered }) => `${member ?? "?"} ${answered ? "✓" : "…"}`);
    fact("Pings", probes.length === 0 ? "nobody in this period" : probes.join(", "));
    if (view.health_score > 0) {
      fact("Health score", `${view.health_score}`);
    }
    const dials = make("div", "", "dials");
    dials.append(dial("period", view.period_ends, t, period));
    if (view.probe_timeout_at !== null && view.probe_timeout_at > t) {
      dials.append(dial("ack", view.probe_timeout_at, t, view.probe_timeout_at - (view.period_ends ?? 0) + period));
    }
    for (const { member, suspicion } of view.table.filter((record) => record.suspicion).slice(0, MOST)) {
      const length = (suspicion?.until ?? 0) - (suspicion?.since ?? 0);
      dials.append(dial(`suspects ${member}`, suspicion?.until ?? null, t, length, "suspicion"));
    }
    return [facts, dials, ...this.table(view), ...this.queue(view)];
  }

  /** @param {MemberView} view */
  table(view) {
    const table = make("div", "", "table");
    for (const { member, status, incarnation } of view.table) {
      const cell = make("span", `${member ?? "?"}`, `status-${status}`);
      cell.title = `${member}: ${status}, incarnation ${incarnation[1]}`;
      table.append(cell);
    }
    return [make("div", `Its table: ${view.members} members`, "note"), table];
  }

  /** @param {MemberView} view */
  queue(view) {
    const list = make("ul", "", "queue");
    for (const { about, kind, transmissions } of view.queue.slice(0, MOST)) {
      const left = Math.max(0, view.transmission_limit - transmissions);
      const item = make("li", `${about ?? "?"} ${kind} `);
      const pips = make("span", "●".repeat(Math.min(12, left)) + "○".repeat(Math.min(12, view.transmission_limit) - Math.min(12, left)), "pips");
      pips.title = `${left} of ${view.transmission_limit} transmissions left`;
      pips.setAttribute("aria-label", pips.title);
      item.append(pips);
      list.append(item);
    }
    const title = view.queue.length === 0 ? "No update to pass on" : "Updates to pass on, with the transmissions left";
    return [make("div", title, "note"), list];
  }
}

/**
 * A ring that fills until a timer ends.
 * @param {string} name
 * @param {number | null} ends
 * @param {number} t
 * @param {number} length
 * @param {string} [kind]
 */
function dial(name, ends, t, length, kind = "") {
  const rest = ends === null ? 0 : Math.max(0, ends - t);
  const share = ends === null || length <= 0 ? 0 : Math.min(1, Math.max(0, 1 - rest / length));
  const element = make("div", "", `dial ${kind}`);
  const around = 2 * Math.PI * 18;
  const left = ends === null ? "–" : rest >= 1e5 ? `${(rest / 1e6).toFixed(1)} s` : `${Math.ceil(rest / 1e3)} ms`;
  element.innerHTML = `<svg viewBox="0 0 44 44" aria-hidden="true"><circle cx="22" cy="22" r="18"/><circle class="filled" cx="22" cy="22" r="18" stroke-dasharray="${share * around} ${around}"/><text x="22" y="26">${left}</text></svg>`;
  element.append(make("span", name));
  return element;
}
