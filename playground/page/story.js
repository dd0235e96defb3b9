/** The list of what has happened last, and the same for those who listen. */

import { byId, make, seconds } from "swimlab/dom.js";
import { sentences } from "swimlab/sentences.js";

/** @typedef {import("swimlab/session.js").Session} Session */
/** @typedef {import("swimlab/sentences.js").Sentence & {world: number}} Told */

/** Sentences that are shown. */
const SHOWN = 7;

/** The shortest time between two announcements, in milliseconds. */
const PAUSE_MS = 1500;

export class Story {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.list = byId("story", HTMLOListElement);
    this.live = byId("live", HTMLElement);
    /** @type {Told[]} */
    this.all = [];
    this.shown = -2;
    this.announced = 0;
    this.announcedAt = -Infinity;
  }

  opened() {
    const { worlds } = this.session.trial;
    this.all = worlds.flatMap((world) => sentences(world).map((sentence) => ({ ...sentence, world: world.number })));
    this.all.sort((a, b) => a.at - b.at);
    this.all = worlds.length > 1 ? merge(this.all, worlds.length) : this.all;
    this.shown = -2;
  }

  frame() {
    const { time } = this.session.player;
    let [low, high] = [0, this.all.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      this.all[middle].at <= time ? (low = middle + 1) : (high = middle);
    }
    this.announce(low);
    if (low === this.shown) {
      return;
    }
    this.shown = low;
    this.list.replaceChildren(...this.all.slice(Math.max(0, low - SHOWN), low).map((told, n, list) => this.line(told, n === list.length - 1)));
    if (low === 0) {
      const item = make("li", "All is quiet: members ping each other, and all are alive.", "note");
      this.list.replaceChildren(item);
    }
  }

  /** @param {Told} told @param {boolean} isLast */
  line(told, isLast) {
    const button = make("button", "", isLast || told.strong ? "now" : "");
    const name = told.world >= 0 && this.session.trial.worlds.length > 1 ? `${"ABCD"[told.world]}: ` : "";
    button.append(make("time", seconds(told.at)), make("span", name + told.text));
    button.addEventListener("click", () => this.session.jump(told.at));
    const item = make("li");
    item.append(button);
    return item;
  }

  /** @param {number} count */
  announce(count) {
    const now = performance.now();
    if (count > this.announced && now - this.announcedAt > PAUSE_MS) {
      const told = this.all[count - 1];
      const more = count - this.announced - 1;
      this.live.textContent = `${seconds(told.at, 2)}: ${told.text}${more > 0 ? `; and ${more} more` : ""}`;
      this.announcedAt = now;
      this.announced = count;
    } else if (count < this.announced) {
      this.announced = count;
    }
  }
}

/**
 * Tells once what happens in all worlds alike: it belongs to world -1 then.
 * @param {Told[]} all
 * @param {number} worlds
 */
function merge(all, worlds) {
  const alike = new Map();
  for (const { at, text } of all) {
    alike.set(`${at} ${text}`, (alike.get(`${at} ${text}`) ?? 0) + 1);
  }
  const isEverywhere = (/** @type {Told} */ { at, text }) => alike.get(`${at} ${text}`) === worlds;
  return all.filter((told) => !isEverywhere(told) || told.world === 0).map((told) => (isEverywhere(told) ? { ...told, world: -1 } : told));
}
