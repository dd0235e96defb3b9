/**
 * The clock: a cursor over the recording that moves with the frames of the screen.
 */

/** The fastest speed. */
export const FASTEST = 10;

/** Time constant with which the speed changes, in seconds. */
const EASE_S = 0.12;

/** Time constant with which time slows down before a span in which updates spread, in seconds. */
const APPROACH_S = 0.3;

/** Time for which it stays slow after such a span, in seconds. */
const REST_S = 0.5;

/** With reduced motion, time goes on in steps of this length, in seconds. */
const STEP_S = 1;

export class Player {
  constructor() {
    /** The shown time, in microseconds since the trial's start. */
    this.time = 0;
    this.end = 0;
    this.playing = false;
    /** The speed that was chosen. */
    this.speed = 1;
    /** The speed at this moment. */
    this.current = 1;
    /** Whether time slows down while updates spread. */
    this.slowsDown = true;
    this.reducedMotion = false;
    /** @type {{spans: [number, number][], speed: number}} */
    this.spreading = { spans: [], speed: 1 };
    this.waited = 0;
    /** The length of the last step with reduced motion, in microseconds. */
    this.lastStep = 0;
  }

  /**
   * Moves to a time.
   * @param {number} time
   */
  seek(time) {
    this.time = Math.min(this.end, Math.max(0, Math.round(time)));
    this.current = this.wanted();
    this.waited = 0;
    this.lastStep = this.current * STEP_S * 1e6;
  }

  toggle() {
    this.playing = !this.playing;
    if (this.playing && this.time >= this.end) {
      this.seek(0);
    }
  }

  /**
   * Goes on by the real time since the last frame.
   * @param {number} elapsed seconds
   */
  advance(elapsed) {
    if (!this.playing) {
      this.current = this.wanted();
      return;
    }
    if (this.reducedMotion) {
      this.waited += elapsed;
      if (this.waited >= STEP_S) {
        this.waited = 0;
        this.current = this.wanted();
        const before = this.time;
        this.move(STEP_S);
        this.lastStep = this.time - before;
      }
      return;
    }
    const wanted = this.wanted();
    const share = 1 - Math.exp(-elapsed / EASE_S);
    this.current *= (wanted / this.current) ** share;
    this.move(elapsed);
  }

  /** @param {number} seconds real time */
  move(seconds) {
    // Never beyond the beginning of a span in which updates spread at more than its own speed.
    const before = this.time;
    let time = before + seconds * 1e6 * this.current;
    const limit = this.slowsDown ? this.spreading.spans.find(([from]) => from > before)?.[0] : undefined;
    if (limit !== undefined && time > limit && this.speed > this.spreading.speed) {
      time = limit;
      this.current = Math.min(this.current, this.spreading.speed);
    }
    this.time = Math.min(this.end, time);
    if (this.time >= this.end) {
      this.playing = false;
    }
  }

  /** The speed that fits this time. */
  wanted() {
    const { spans, speed } = this.spreading;
    if (!this.slowsDown || speed >= this.speed) {
      return this.speed;
    }
    const rest = speed * REST_S * 1e6;
    const next = spans.find(([, to]) => to + rest >= this.time);
    if (next === undefined) {
      return this.speed;
    }
    // The nearer, the slower: the way to the span takes little more than a second, however slow the span itself is.
    const distance = (next[0] - this.time) / 1e6;
    return Math.min(this.speed, Math.max(speed, distance / APPROACH_S));
  }
}
