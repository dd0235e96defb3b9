/** The panes of the worlds, side by side: stage, title and trace hash of each, with their differences. */

import { BELIEF_NAMES, LIFE } from "swimlab/beliefs.js";
import { byId, make, seconds } from "swimlab/dom.js";
import { cutsAt } from "swimlab/faults.js";
import { Gestures } from "swimlab/gestures.js";
import { isOnGlobe } from "swimlab/map.js";
import { Stage } from "swimlab/stage.js";

/** @typedef {import("swimlab/session.js").Session} Session */
/** @typedef {import("swimlab/stage.js").Scene} Scene */

/** One pane. */
class Pane {
  /** @param {Session} session @param {number} world */
  constructor(session, world) {
    this.element = make("section", "", "pane");
    this.title = make("h3");
    this.frame = make("div", "", "stage");
    this.frame.tabIndex = 0;
    this.frame.setAttribute("role", "application");
    this.frame.setAttribute("aria-roledescription", "group of members");
    this.frame.dataset.world = `${world}`;
    this.canvas = make("canvas");
    this.tip = make("span", "", "tip");
    this.tip.hidden = true;
    this.frame.append(this.canvas, this.tip);
    this.element.append(this.title, this.frame);
    this.stage = new Stage(this.canvas);
    this.gestures = new Gestures(session, this.stage, world);
  }
}

export class Panes {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.container = byId("stages", HTMLElement);
    /** @type {Pane[]} */
    this.panes = [];
  }

  opened() {
    const { trial } = this.session;
    while (this.panes.length < trial.worlds.length) {
      this.panes.push(new Pane(this.session, this.panes.length));
    }
    this.panes.length = trial.worlds.length;
    const elements = this.panes.map((pane) => pane.element);
    if (elements.length !== this.container.children.length || elements.some((one, n) => one !== this.container.children[n])) {
      this.container.replaceChildren(...elements);
    }
    this.container.classList.toggle("two", this.panes.length > 1);
    this.panes.forEach((pane, n) => {
      const name = this.panes.length > 1 ? `${"ABCD"[n]}: ` : "";
      const difference = make("span", "", "note");
      pane.title.replaceChildren(make("span", name + trial.worldTitle(n)), difference);
      pane.title.title = trial.worldTitle(n);
      pane.frame.classList.toggle("map", isOnGlobe(trial.worlds[n].view.places));
      pane.element.setAttribute("aria-label", `World ${name}${trial.worldTitle(n)}`);
    });
  }

  /** Members that are believed something else about in another world, and how many there are. @param {number} t */
  differing(t) {
    const { trial, subject } = this.session;
    if (trial.worlds.length < 2) {
      return undefined;
    }
    const beliefs = trial.worlds.map((world) => world.beliefs(subject).at(t));
    return beliefs[0].map((belief, n) => Number(n !== subject && beliefs.some((other) => other[n] !== belief)));
  }

  frame() {
    const { session } = this;
    const { trial, player, subject, selected, focused, hovered } = session;
    const t = player.time;
    this.container.setAttribute("aria-busy", `${session.recording !== undefined}`);
    const differing = this.differing(t);
    const count = differing?.reduce((sum, one) => sum + one, 0) ?? 0;
    this.panes.forEach((pane, n) => {
      const world = trial.worlds[n];
      const path = new Set(hovered === undefined ? [] : world.beliefs(subject).path(hovered.member, t));
      /** @type {Scene} */
      const scene = {
        subject,
        selected: session.cutFrom ?? selected,
        focused: document.activeElement === pane.frame ? focused : undefined,
        path,
        differing,
        cuts: cutsAt(world.view.faults, t - trial.warmup),
        drag: pane.gestures.drag,
        speed: player.current,
        step: player.reducedMotion ? player.lastStep : 0,
      };
      pane.stage.draw(world, t, scene);
      this.drawTip(pane, n);
      const note = pane.title.lastElementChild;
      if (note !== null && differing !== undefined) {
        const text = count === 0 ? "" : `${count} ${count === 1 ? "differs" : "differ"}`;
        note.textContent !== text && (note.textContent = text);
      }
    });
    this.describe();
  }

  /** @param {Pane} pane @param {number} n */
  drawTip(pane, n) {
    const { hovered, trial, subject, player } = this.session;
    pane.tip.hidden = hovered === undefined || hovered.world !== n || pane.stage.layout.x.length <= hovered.member;
    if (hovered === undefined || pane.tip.hidden) {
      return;
    }
    pane.tip.textContent = memberSentence(trial.worlds[n], hovered.member, subject, player.time);
    const { x, y, radius } = pane.stage.layout;
    const [width, half] = [pane.frame.clientWidth, pane.tip.offsetWidth / 2];
    pane.tip.style.left = `${Math.min(width - half, Math.max(half, x[hovered.member]))}px`;
    pane.tip.style.top = `${Math.max(24, y[hovered.member] - radius - 10)}px`;
  }

  /** Describes the stages for those who do not see them. */
  describe() {
    const { trial, subject, focused, player } = this.session;
    this.panes.forEach((pane, n) => {
      const isFocused = document.activeElement === pane.frame;
      if (player.playing && isFocused) {
        return;
      }
      const of = focused === undefined ? "" : ` ${memberSentence(trial.worlds[n], focused, subject, player.time)}`;
      const label = `${trial.worlds[n].view.hosts} members; subject ${subject}.${of}`;
      if (pane.frame.getAttribute("aria-label") !== label) {
        pane.frame.setAttribute("aria-label", label);
      }
    });
  }
}

/**
 * A member in a few words.
 * @param {import("swimlab/trial.js").World} world
 * @param {number} member
 * @param {number} subject
 * @param {number} t
 */
export function memberSentence(world, member, subject, t) {
  const { life, impaired } = world.lives.at(t);
  const state = ["", "has crashed", "has left", "is not there yet"][life[member]] || ["", "is paused", "is slow"][impaired[member]];
  if (member === subject) {
    return `${member}: the subject${state === "" ? "" : `; ${state}`}`;
  }
  if (life[member] !== LIFE.UP) {
    return `${member} ${state}`;
  }
  const beliefs = world.beliefs(subject);
  const change = beliefs.lastChange(member, t);
  const believes = `believes ${subject} ${BELIEF_NAMES[beliefs.at(t)[member]]}`;
  const source = change?.event === undefined ? "" : change.event.source < world.view.hosts ? `, told by ${change.event.source} at ${seconds(change.at)}` : `, found at ${seconds(change.at)}`;
  return `${member}${state === "" ? "" : ` ${state};`} ${believes}${source}`;
}
