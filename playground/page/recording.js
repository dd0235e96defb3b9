/**
 * The recording of one trial: typed views of its packets, events and faults. playground/src/recording.rs defines the rows.
 * Times are microseconds since the trial's start.
 */

/** No member, or no packet. */
export const NONE = 0xffffffff;
/** The end of a packet that is lost at random. */
export const LOST = 0xffffffff;
/** The end of a packet that a partition drops. */
export const CUT = 0xfffffffe;

const PACKET_WORDS = 6;
const EVENT_WORDS = 8;
const FAULT_WORDS = 4;
const KIND = 0xff;
const DIRECT = 1 << 8;
const HANDLED = 1 << 9;

/** Packets whose latest end is kept together. */
const BLOCK = 256;

/** Kinds of events, by their codes. */
export const EVENT = Object.freeze({
  JOINED: 1,
  SUSPECTED: 2,
  CONFIRMED: 3,
  REFUTED: 4,
  DIED: 5,
  LEFT: 6,
  UPDATED: 7,
  FORGOTTEN: 8,
  SELF_REFUTED: 9,
});

/** Effects of faults, by their codes. */
export const EFFECT = Object.freeze({ DISTURBED: 0, CRASHED: 1, LEFT: 2, JOINED: 3, RESTARTED: 4, RELEASED: 5 });

/**
 * @typedef {{sent: number, end: number, from: number, to: number, kind: number, direct: boolean, handled: boolean,
 *   bytes: number}} Packet
 * @typedef {{at: number, member: number, kind: number, about: number, generation: number, refutations: number,
 *   source: number, packet: number}} TrialEvent
 * @typedef {{at: number, fault: number, member: number, effect: number}} FaultEvent
 * @typedef {{trace_hash: string, end_us: number, packets: number, events: number, faults: number, unrecorded: number,
 *   violations: string[], message_kinds: Record<string, string>, event_kinds: Record<string, string>}} Summary
 */

export class Recording {
  /**
   * @param {Summary} summary the response to `record`
   * @param {Uint32Array} words the words beside it
   */
  constructor(summary, words) {
    const events = summary.packets * PACKET_WORDS;
    const faults = events + summary.events * EVENT_WORDS;
    this.summary = summary;
    this.end = summary.end_us;
    this.packetRows = words.subarray(0, events);
    this.packetCount = summary.packets;
    /** @type {TrialEvent[]} */
    this.events = rows(words.subarray(events, faults), EVENT_WORDS, (row) => {
      const [at, member, kind, about, generation, refutations, source, packet] = row;
      return { at, member, kind, about, generation, refutations, source, packet };
    });
    /** @type {FaultEvent[]} */
    this.faults = rows(words.subarray(faults), FAULT_WORDS, ([at, fault, member, effect]) => {
      return { at, fault, member, effect };
    });
    /** The latest arrival among each block of packets. */
    this.blockEnds = this.latestEnds();
    /** The median time under way of the packets that bring updates, or of all if none does. */
    this.medianDelay = this.delay();
  }

  /** The name of a kind of message. @param {number} kind */
  messageName(kind) {
    return this.summary.message_kinds[kind] ?? "packet";
  }

  /**
   * @param {number} row
   * @returns {Packet}
   */
  packet(row) {
    const [sent, end, from, to, kind, bytes] = this.packetRows.subarray(row * PACKET_WORDS, (row + 1) * PACKET_WORDS);
    const handled = (kind & HANDLED) !== 0;
    return { sent, end, from, to, kind: kind & KIND, direct: (kind & DIRECT) !== 0, handled, bytes };
  }

  /** The number of packets sent up to a time. @param {number} t */
  sentUntil(t) {
    let [low, high] = [0, this.packetCount];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.packetRows[middle * PACKET_WORDS] <= t) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /**
   * Visits the packets that are under way at some time of a span, in the order in which they were sent. Packets that get
   * lost count as under way for `lostFor`.
   * @param {number} from
   * @param {number} to
   * @param {number} lostFor
   * @param {(row: number, packet: Packet) => void} visit
   */
  underWay(from, to, lostFor, visit) {
    const last = this.sentUntil(to);
    for (let block = 0; block * BLOCK < last; block++) {
      if (this.blockEnds[block] + lostFor < from) {
        continue;
      }
      for (let row = block * BLOCK; row < Math.min(last, (block + 1) * BLOCK); row++) {
        const end = this.packetRows[row * PACKET_WORDS + 1];
        const until = end >= CUT ? this.packetRows[row * PACKET_WORDS] + lostFor : end;
        if (until >= from) {
          visit(row, this.packet(row));
        }
      }
    }
  }

  /** @returns {Float64Array} */
  latestEnds() {
    const ends = new Float64Array(Math.ceil(this.packetCount / BLOCK));
    for (let row = 0; row < this.packetCount; row++) {
      const [sent, end] = this.packetRows.subarray(row * PACKET_WORDS, row * PACKET_WORDS + 2);
      const block = Math.floor(row / BLOCK);
      ends[block] = Math.max(ends[block], end >= CUT ? sent : end);
    }
    return ends;
  }

  /** @returns {number} */
  delay() {
    const bringing = this.events.filter((event) => event.packet !== NONE).map((event) => event.packet);
    const all = Array.from({ length: Math.min(this.packetCount, 2000) }, (_, row) => row);
    const sample = bringing.length > 0 ? bringing : all;
    const delays = sample.map((row) => this.packet(row)).filter(({ end }) => end < CUT);
    const sorted = delays.map(({ sent, end }) => end - sent).sort((a, b) => a - b);
    return Math.max(1, sorted[sorted.length >> 1] ?? 1000);
  }
}

/**
 * @template T
 * @param {Uint32Array} words
 * @param {number} width
 * @param {(row: Uint32Array) => T} read
 * @returns {T[]}
 */
function rows(words, width, read) {
  return Array.from({ length: words.length / width }, (_, n) => read(words.subarray(n * width, (n + 1) * width)));
}
