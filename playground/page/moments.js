/**
 * Moments of a trial that one wants to see: faults, first suspicion, refutation, declaration, all informed; and the spans in
 * which updates spread.
 */

import { BELIEF, LIFE } from "swimlab/beliefs.js";
import { EFFECT, EVENT, NONE } from "swimlab/recording.js";

/** @typedef {import("swimlab/trial.js").World} World */

/** A moment to jump to. @typedef {{at: number, kind: string, text: string}} Moment */

/** Kinds of events that change a belief. @type {number[]} */
const CHANGES = [EVENT.JOINED, EVENT.SUSPECTED, EVENT.REFUTED, EVENT.DIED, EVENT.LEFT];

/** The slowest speed at which spreading is followed: some networks deliver at once. */
const SLOWEST = 0.004;

/** The most moments that are listed. */
const MOST = 8;

/**
 * The moments of a world that concern a subject, in the order of time.
 * @param {World} world
 * @param {number} subject
 * @returns {Moment[]}
 */
export function moments(world, subject) {
  const { recording } = world;
  /** @type {Moment[]} */
  const found = [];
  const add = (/** @type {number | undefined} */ at, /** @type {string} */ kind, /** @type {string} */ text) => {
    if (at !== undefined) {
      found.push({ at, kind, text });
    }
  };
  /** @type {Record<number, string>} */
  const words = {
    [EFFECT.CRASHED]: "crashes",
    [EFFECT.LEFT]: "leaves",
    [EFFECT.RESTARTED]: "restarts",
    [EFFECT.JOINED]: "joins",
  };
  const own = recording.faults.filter(({ member }) => member === subject);
  for (const { at, fault, effect } of own) {
    const kind = world.lives.kinds[fault];
    const word = effect === EFFECT.DISTURBED ? disturbance(kind) : words[effect];
    add(word === undefined ? undefined : at, "fault", `${subject} ${word}`);
  }
  const about = recording.events.filter((event) => event.about === subject && event.member !== subject);
  const first = (/** @type {number} */ kind) => about.find((event) => event.kind === kind)?.at;
  add(first(EVENT.SUSPECTED), "suspicion", "first suspicion");
  add(first(EVENT.DIED), "declaration", "first declaration");
  const refuted = recording.events.find(({ kind, member }) => kind === EVENT.SELF_REFUTED && member === subject)?.at;
  add(refuted ?? first(EVENT.REFUTED), "refutation", "refutation");
  add(allInformed(world, subject), "informed", "all informed");
  return found.sort((a, b) => a.at - b.at).slice(0, MOST);
}

/** @param {string} kind */
function disturbance(kind) {
  return { pause: "is paused", slow: "is slow", "partial-partition": "loses a link", loss: "loses packets" }[kind] ?? "is cut off";
}

/**
 * The first time at which all running members believe that the subject is dead or has left.
 * @param {World} world
 * @param {number} subject
 * @returns {number | undefined}
 */
export function allInformed(world, subject) {
  const beliefs = world.beliefs(subject);
  const gone = (/** @type {number} */ belief) => belief === BELIEF.DEAD || belief === BELIEF.LEFT;
  const firstGone = beliefs.changes.find(({ belief }) => gone(belief));
  if (firstGone === undefined) {
    return undefined;
  }
  // Who runs changes rarely: it is looked up only when all but a few can know.
  let knowing = 0;
  const state = beliefs.at(-1);
  for (const { at, member, belief } of beliefs.changes) {
    knowing += Number(gone(belief)) - Number(gone(state[member]));
    state[member] = belief;
    if (!gone(belief)) {
      continue;
    }
    const { life } = world.lives.at(at);
    const running = life.reduce((sum, one, n) => sum + Number(one === LIFE.UP && n !== subject), 0);
    if (knowing < running) {
      continue;
    }
    if (life.every((one, n) => one !== LIFE.UP || n === subject || gone(state[n]))) {
      return at;
    }
  }
  return undefined;
}

/**
 * Times of all events and faults, ascending, each once.
 * @param {World[]} worlds
 * @returns {Float64Array}
 */
export function eventTimes(worlds) {
  const times = worlds.flatMap(({ recording }) => [...recording.events, ...recording.faults].map(({ at }) => at));
  return Float64Array.from(new Set(times)).sort();
}

/**
 * The next time after `t`, or the last one before it.
 * @param {Float64Array} times
 * @param {number} t
 * @param {1 | -1} direction
 * @returns {number | undefined}
 */
export function neighborTime(times, t, direction) {
  return direction > 0 ? times.find((at) => at > t) : times.findLast((at) => at < t);
}

/**
 * Spans in which updates are found or are under way, and the speed at which one can follow them: a packet takes about half
 * a second then, and all spans together some twenty.
 * @param {World[]} worlds
 * @returns {{spans: [number, number][], speed: number}}
 */
export function spreading(worlds) {
  /** @type {[number, number][]} */
  const raw = [];
  let delay = 0;
  for (const { recording } of worlds) {
    delay = Math.max(delay, recording.medianDelay);
    for (const { at, kind, packet } of recording.events) {
      if (CHANGES.includes(kind)) {
        raw.push([packet === NONE ? at : recording.packet(packet).sent, at]);
      }
    }
  }
  raw.sort((a, b) => a[0] - b[0]);
  /** @type {[number, number][]} */
  const spans = [];
  for (const [from, to] of raw) {
    const last = spans.at(-1);
    if (last !== undefined && from <= last[1] + delay) {
      last[1] = Math.max(last[1], to);
    } else {
      spans.push([from, to]);
    }
  }
  const total = spans.reduce((sum, [from, to]) => sum + to - from, 0);
  return { spans, speed: Math.min(1, Math.max(SLOWEST, delay / 500_000, total / 20_000_000)) };
}
