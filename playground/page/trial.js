/**
 * The opened trial: its description, and the recording of each of its worlds.
 */

import { Beliefs, Lives } from "swimlab/beliefs.js";
import { Link } from "swimlab/link.js";
import { EFFECT, Recording } from "swimlab/recording.js";

/**
 * @typedef {{site: string, zone: string | null, region: string | null, globe?: [number, number],
 *   plane?: [number, number]}} Place
 * @typedef {{topology: string, selector: string, profile: string, loss: number, scenario: string,
 *   swept: [string, string][], title: string, attribution: string | null, members: number, hosts: number, seed: number,
 *   period_us: number, warmup_us: number, duration_us: number, faults: string[], has_views: boolean,
 *   places: Place[]}} WorldView
 * @typedef {{name: string, text: string, notices: string[], trial: number, cells: string[], shown: number[],
 *   worlds: WorldView[], added_faults: string[], measures: {name: string, unit: string, about: string}[], profiles: {name: string, about: string}[]}} Description
 * @typedef {{incarnation: [number, number], members: number, health_score: number, period_ends: number | null,
 *   probe_timeout_at: number | null, probes: {member: number | null, answered: boolean}[],
 *   table: {member: number | null, status: string, incarnation: [number, number],
 *     suspicion?: {since: number | null, until: number | null, by: (number | null)[]}}[],
 *   queue: {about: number | null, kind: string, incarnation: [number, number], transmissions: number}[],
 *   transmission_limit: number}} MemberView
 * @typedef {import("swimlab/module_client.js").ModuleClient} ModuleClient
 */

/** One world of the trial. */
export class World {
  /**
   * @param {ModuleClient} module
   * @param {number} number which of the link's cells, from 0
   * @param {WorldView} view
   * @param {Recording} recording
   */
  constructor(module, number, view, recording) {
    this.module = module;
    this.number = number;
    this.view = view;
    this.recording = recording;
    this.hash = this.recording.summary.trace_hash;
    this.lives = new Lives(this.recording, view.faults, view.members, view.hosts);
    /** @type {Map<number, Beliefs>} */
    this.known = new Map();
  }

  /** What members believe about a subject. @param {number} subject */
  beliefs(subject) {
    let beliefs = this.known.get(subject);
    if (beliefs === undefined) {
      beliefs = new Beliefs(this.recording, subject, this.view.members, this.view.hosts);
      this.known.set(subject, beliefs);
    }
    return beliefs;
  }

  /**
   * A member as it is at a time, after everything that happens at it; `null` while it does not run. The trial must be
   * the one that the module opened last.
   * @param {number} t
   * @param {number} member
   * @returns {Promise<MemberView | null>}
   */
  async inspect(t, member) {
    const { response } = await this.module.call({ inspect: { world: this.number, at_us: Math.floor(t) + 1, member } });
    return response;
  }
}

/** The trial of a link. */
export class Trial {
  /**
   * Opens a link, and records its trial in each of its cells.
   * @param {ModuleClient} module
   * @param {Link} link
   * @returns {Promise<Trial>} rejected with a `Refusal` if the link is wrong
   */
  static async record(module, link) {
    /** @type {{response: Description}} */
    const { response: description } = await module.call({ open: { link: link.toString() } });
    const records = description.worlds.map((_, world) => module.call({ record: { world } }));
    const recordings = (await Promise.all(records)).map(({ response, words }) => new Recording(response, words));
    const worlds = description.worlds.map((view, number) => new World(module, number, view, recordings[number]));
    return new Trial(link, description, worlds);
  }

  /**
   * @param {Link} link
   * @param {Description} description
   * @param {World[]} worlds
   */
  constructor(link, description, worlds) {
    this.link = link;
    this.description = description;
    this.worlds = worlds;
    this.end = Math.max(...this.worlds.map((world) => world.recording.end));
    this.warmup = this.worlds[0].view.warmup_us;
    this.period = this.worlds[0].view.period_us;
  }

  /** What the experiment shows: the comment at the start of its text, or its name. */
  get title() {
    const comment = this.description.text.match(/^\s*((?:#.*(?:\n|$))+)/);
    return comment === null ? this.description.name : comment[1].replace(/^#+[ \t]*/gm, "").trim().replace(/\s+/g, " ");
  }

  /** The member of the first fault, those made by hand before others, and crashes before others; or the first member. */
  get firstSubject() {
    const { recording, view } = this.worlds[0];
    const own = view.faults.length - this.description.added_faults.length;
    const byHand = recording.faults.filter(({ fault }) => fault >= own);
    const faults = byHand.length > 0 ? byHand : recording.faults;
    const crash = faults.find(({ effect }) => effect === EFFECT.CRASHED || effect === EFFECT.LEFT);
    return (crash ?? faults[0])?.member ?? 0;
  }

  /**
   * What distinguishes a world from the others, or what it is if there are none.
   * @param {number} number
   */
  worldTitle(number) {
    const facts = this.worlds.map(({ view }) => worldFacts(view));
    const differing = [...facts[number]].filter(([key, value]) => value !== "-" && facts.some((other) => other.get(key) !== value));
    if (differing.length > 0) {
      return differing.map(([key, value]) => `${key} ${value}`).join(", ");
    }
    const { topology, selector, profile, members } = this.worlds[number].view;
    return `${profile}, ${selector}, ${members} members, ${topology}`;
  }
}

/**
 * @param {WorldView} view
 * @returns {Map<string, string>}
 */
function worldFacts(view) {
  const { profile, selector, topology, scenario, loss, members, swept } = view;
  return new Map([
    ["profile", profile],
    ["selector", selector],
    ["topology", topology],
    ["members", `${members}`],
    ["loss", `${loss}`],
    ["scenario", scenario],
    ...swept,
  ]);
}
