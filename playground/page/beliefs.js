/**
 * What members believe about one of them, the subject, and how each came to know: folds over a recording.
 */

import { EFFECT, EVENT, NONE } from "swimlab/recording.js";

/** @typedef {import("swimlab/recording.js").Recording} Recording */
/** @typedef {import("swimlab/recording.js").TrialEvent} TrialEvent */

/** Beliefs about a member. */
export const BELIEF = Object.freeze({ ALIVE: 0, SUSPECT: 1, DEAD: 2, LEFT: 3, UNKNOWN: 4 });

/** Names of beliefs, by their codes. */
export const BELIEF_NAMES = ["alive", "suspect", "dead", "left", "unknown"];

/** States of a member itself. */
export const LIFE = Object.freeze({ UP: 0, DOWN: 1, LEFT: 2, ABSENT: 3 });

/** Impairments of a member's host. */
export const IMPAIRED = Object.freeze({ NOT: 0, PAUSED: 1, SLOW: 2 });

/** The belief that an event of a kind leads to. @type {Record<number, number>} */
const LEADS_TO = {
  [EVENT.JOINED]: BELIEF.ALIVE,
  [EVENT.SUSPECTED]: BELIEF.SUSPECT,
  [EVENT.REFUTED]: BELIEF.ALIVE,
  [EVENT.DIED]: BELIEF.DEAD,
  [EVENT.LEFT]: BELIEF.LEFT,
};

/** A change of a member's belief. @typedef {{at: number, member: number, belief: number, event?: TrialEvent}} Change */

/** The beliefs of all members about one subject, over the whole trial. */
export class Beliefs {
  /**
   * @param {Recording} recording
   * @param {number} subject
   * @param {number} members members at the start
   * @param {number} hosts members at the start and joiners
   */
  constructor(recording, subject, members, hosts) {
    this.recording = recording;
    this.subject = subject;
    this.members = members;
    this.hosts = hosts;
    /** Changes in the order of time. @type {Change[]} */
    this.changes = this.collect();
    /** Changes of each member. @type {Map<number, Change[]>} */
    this.byMember = new Map();
    /** The change that a packet brought, by the packet's row. @type {Map<number, Change>} */
    this.byPacket = new Map();
    for (const change of this.changes) {
      const own = this.byMember.get(change.member) ?? [];
      own.push(change);
      this.byMember.set(change.member, own);
      if (change.event && change.event.packet !== NONE) {
        this.byPacket.set(change.event.packet, change);
      }
    }
  }

  /** @returns {Change[]} */
  collect() {
    /** @type {Change[]} */
    const changes = [];
    const { events, faults } = this.recording;
    for (const event of events) {
      if (event.about === this.subject && event.member !== this.subject && event.kind in LEADS_TO) {
        changes.push({ at: event.at, member: event.member, belief: LEADS_TO[event.kind], event });
      }
    }
    for (const { at, member, effect } of faults) {
      // A restarted member begins without a table.
      if (member !== this.subject && (effect === EFFECT.RESTARTED || effect === EFFECT.JOINED)) {
        changes.push({ at, member, belief: BELIEF.UNKNOWN });
      }
    }
    return changes.sort((a, b) => a.at - b.at);
  }

  /**
   * Each member's belief at a time. The subject's own entry says nothing.
   * @param {number} t
   * @returns {Uint8Array}
   */
  at(t) {
    const beliefs = new Uint8Array(this.hosts);
    beliefs.fill(BELIEF.UNKNOWN, this.members);
    if (this.subject >= this.members) {
      beliefs.fill(BELIEF.UNKNOWN);
    }
    for (const change of this.changes) {
      if (change.at > t) {
        break;
      }
      beliefs[change.member] = change.belief;
    }
    return beliefs;
  }

  /**
   * The last change of a member's belief up to a time.
   * @param {number} member
   * @param {number} t
   * @returns {Change | undefined}
   */
  lastChange(member, t) {
    return (this.byMember.get(member) ?? []).findLast((change) => change.at <= t);
  }

  /**
   * The path by which a member's belief at a time came to it: rows of packets, the first sender's first.
   * @param {number} member
   * @param {number} t
   * @returns {number[]}
   */
  path(member, t) {
    /** @type {number[]} */
    const path = [];
    let change = this.lastChange(member, t);
    while (change?.event && change.event.packet !== NONE && !path.includes(change.event.packet)) {
      path.unshift(change.event.packet);
      const packet = this.recording.packet(change.event.packet);
      change = this.lastChange(packet.from, packet.sent);
    }
    return path;
  }
}

/** The states of all members themselves, over the whole trial. */
export class Lives {
  /**
   * @param {Recording} recording
   * @param {string[]} faults labels of the trial's faults, by their numbers
   * @param {number} members
   * @param {number} hosts
   */
  constructor(recording, faults, members, hosts) {
    this.faults = recording.faults;
    this.kinds = faults.map((label) => label.split(":")[0]);
    this.members = members;
    this.hosts = hosts;
  }

  /**
   * Each member's state at a time, and how its host is impaired.
   * @param {number} t
   */
  at(t) {
    const life = new Uint8Array(this.hosts);
    life.fill(LIFE.ABSENT, this.members);
    const impaired = new Uint8Array(this.hosts);
    for (const { at, fault, member, effect } of this.faults) {
      if (at > t) {
        break;
      }
      const kind = this.kinds[fault];
      if (effect === EFFECT.CRASHED) {
        life[member] = LIFE.DOWN;
        impaired[member] = 0;
      } else if (effect === EFFECT.LEFT) {
        life[member] = LIFE.LEFT;
      } else if (effect === EFFECT.JOINED || effect === EFFECT.RESTARTED) {
        life[member] = LIFE.UP;
        impaired[member] = 0;
      } else if ((kind === "pause" || kind === "slow") && (effect === EFFECT.DISTURBED || effect === EFFECT.RELEASED)) {
        const state = kind === "pause" ? IMPAIRED.PAUSED : IMPAIRED.SLOW;
        impaired[member] = effect === EFFECT.DISTURBED ? state : IMPAIRED.NOT;
      }
    }
    return { life, impaired };
  }
}
