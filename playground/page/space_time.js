/** The space-time diagram: a line for each member, a slanted line for each packet, time to the right. */

import { BELIEF, LIFE } from "swimlab/beliefs.js";
import { prepare, seconds } from "swimlab/dom.js";
import { EFFECT, NONE } from "swimlab/recording.js";
import { beliefColors, cross, isLost, newsColor, packetColor } from "swimlab/signs.js";
import { colors } from "swimlab/theme.js";

/** @typedef {import("swimlab/trial.js").World} World */
/** @typedef {import("swimlab/recording.js").Packet} Packet */

/** The most lines with which all members are shown. */
export const ALL_LINES = 40;

/** The most lines of a choice. */
const CHOSEN_LINES = 26;

const LEFT = 34;
const AXIS = 20;

/** The cursor's place, as a share of the width. */
const CURSOR = 0.72;

/**
 * @typedef {{world: World, t: number, span: number, subject: number, path: number[], hovered: number | undefined,
 *   lines: number[]}} Diagram
 */

/**
 * Members that get a line: all if they are few, else the first or those that the news about the subject concerns.
 * @param {World} world
 * @param {number} subject
 * @param {string} choice
 * @returns {number[]}
 */
export function chooseLines(world, subject, choice) {
  const { hosts } = world.view;
  if (hosts <= ALL_LINES) {
    return Array.from({ length: hosts }, (_, n) => n);
  }
  if (choice === "first") {
    return Array.from({ length: CHOSEN_LINES }, (_, n) => n);
  }
  const chosen = new Set([subject]);
  const { recording } = world;
  const add = (/** @type {number} */ member) => chosen.size < CHOSEN_LINES && chosen.add(member);
  // Those who found it out themselves and those whom they asked for help, then those who heard first and their sources.
  for (const { event } of world.beliefs(subject).changes) {
    if (event !== undefined && event.packet === NONE && chosen.size < CHOSEN_LINES / 2) {
      add(event.member);
      recording.underWay(event.at - world.view.period_us, event.at, 0, (_, packet) => {
        if (packet.from === event.member && recording.messageName(packet.kind) === "ping-req") {
          add(packet.to);
        }
      });
    }
  }
  for (const { event } of world.beliefs(subject).changes) {
    if (event !== undefined && event.packet !== NONE) {
      add(event.source);
      add(event.member);
    }
  }
  for (let member = 0; member < hosts && chosen.size < 12; member++) {
    add(member);
  }
  return [...chosen].sort((a, b) => a - b);
}

export class SpaceTime {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {Diagram | undefined} */
    this.shown = undefined;
  }

  /** The height that a number of lines needs. @param {number} lines @param {number} worlds */
  static height(lines, worlds) {
    const each = worlds > 1 ? 8.5 : 12;
    return Math.round(AXIS + Math.max(60, Math.max(each, 260 / lines) * Math.min(lines, ALL_LINES)));
  }

  /** @param {Diagram} diagram */
  draw(diagram) {
    this.shown = diagram;
    const { context, width, height } = prepare(this.canvas);
    const { world, t } = diagram;
    this.width = width;
    this.row = (height - AXIS) / diagram.lines.length;
    /** @type {Map<number, number>} */
    this.rows = new Map(diagram.lines.map((member, n) => [member, (n + 0.5) * (this.row ?? 1)]));
    this.from = t - diagram.span * CURSOR;
    this.scale = (width - LEFT) / diagram.span;
    this.drawAxis(context, height, world.recording.end);
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, width - LEFT, height);
    context.clip();
    diagram.lines.forEach((member) => this.drawLine(context, member, diagram));
    this.drawPackets(context, diagram);
    const x = this.x(t);
    context.strokeStyle = colors().cursor;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, height - AXIS + 4);
    context.stroke();
    context.restore();
    this.drawNames(context, diagram);
  }

  /** @param {number} time */
  x(time) {
    return LEFT + (time - (this.from ?? 0)) * (this.scale ?? 1);
  }

  /** The time at a horizontal position. @param {number} px */
  timeAt(px) {
    return (this.from ?? 0) + (px - LEFT) / (this.scale ?? 1);
  }

  /** The member whose line is at a vertical position. @param {number} py */
  memberAt(py) {
    return this.shown?.lines[Math.floor(py / (this.row ?? 1))];
  }

  /** The packet at a point, by its row. @param {number} px @param {number} py @returns {number | undefined} */
  packetAt(px, py) {
    const { shown } = this;
    if (shown === undefined) {
      return undefined;
    }
    const { recording } = shown.world;
    let [best, nearest] = [/** @type {number | undefined} */ (undefined), 5];
    const lostFor = recording.medianDelay;
    const at = this.timeAt(px);
    recording.underWay(at - 8 / (this.scale ?? 1), at + 8 / (this.scale ?? 1), lostFor, (row, packet) => {
      const ends = this.ends(packet, lostFor);
      if (ends !== undefined) {
        const distance = distanceTo(px, py, ends);
        if (distance < nearest) {
          [best, nearest] = [row, distance];
        }
      }
    });
    return best;
  }

  /** @param {CanvasRenderingContext2D} context @param {number} height @param {number} end */
  drawAxis(context, height, end) {
    const { from = 0, scale = 1, width = 0 } = this;
    const raw = 90 / scale;
    const power = 10 ** Math.floor(Math.log10(raw));
    const unit = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= raw) ?? raw;
    const digits = Math.max(0, Math.min(6, Math.ceil(6 - Math.log10(unit))));
    context.font = "11px ui-sans-serif, system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "bottom";
    for (let n = Math.ceil(Math.max(0, from) / unit); n * unit <= Math.min(end, this.timeAt(width)); n++) {
      const x = this.x(n * unit);
      context.strokeStyle = colors().line;
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(x, 0);
      context.lineTo(x, height - AXIS);
      context.stroke();
      context.fillStyle = colors().soft;
      context.fillText(seconds(n * unit, digits), x, height);
    }
  }

  /** A member's line, in the colors of what it believes. @param {CanvasRenderingContext2D} context @param {number} member @param {Diagram} diagram */
  drawLine(context, member, { world, subject, hovered, lines }) {
    const y = this.rows?.get(member) ?? 0;
    const end = world.recording.end;
    const thick = Math.min(3, Math.max(1.4, (this.row ?? 1) / 5)) + (member === hovered ? 1.5 : 0);
    /** @type {{at: number, belief: number}[]} */
    const changes = [{ at: 0, belief: BELIEF.ALIVE }];
    if (member !== subject) {
      changes[0].belief = world.beliefs(subject).at(-1)[member];
      changes.push(...(world.beliefs(subject).byMember.get(member) ?? []));
    }
    const stops = downSpans(world, member);
    changes.forEach(({ at, belief }, n) => {
      const until = changes[n + 1]?.at ?? end;
      const { fill, edge } = beliefColors(colors(), belief);
      context.strokeStyle = belief === BELIEF.SUSPECT || belief === BELIEF.DEAD ? fill : edge;
      context.globalAlpha = belief === BELIEF.ALIVE || belief === BELIEF.UNKNOWN ? 0.5 : 1;
      context.lineWidth = belief === BELIEF.ALIVE ? thick * 0.75 : thick * 1.4;
      this.horizontal(context, at, until, y);
    });
    context.globalAlpha = 1;
    for (const [from, to] of stops) {
      context.strokeStyle = colors().page;
      context.lineWidth = thick * 2 + 1;
      this.horizontal(context, from, to, y);
      context.strokeStyle = colors().soft;
      context.lineWidth = 1;
      context.setLineDash([1.5, 5]);
      this.horizontal(context, from, to, y);
      context.setLineDash([]);
      if (from > 0) {
        cross(context, this.x(from), y, lines.length > 30 ? 3.5 : 5, colors().ink, 2);
      }
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {number} from @param {number} to @param {number} y */
  horizontal(context, from, to, y) {
    const [left, right] = [Math.max(LEFT, this.x(from)), Math.min(this.width ?? 0, this.x(to))];
    if (right > left) {
      context.beginPath();
      context.moveTo(left, y);
      context.lineTo(right, y);
      context.stroke();
    }
  }

  /** Where a packet's line begins and ends. @param {Packet} packet @param {number} lostFor @returns {[number, number, number, number] | undefined} */
  ends(packet, lostFor) {
    const [y1, y2] = [this.rows?.get(packet.from), this.rows?.get(packet.to)];
    if (y1 === undefined || y2 === undefined) {
      return undefined;
    }
    if (isLost(packet)) {
      return [this.x(packet.sent), y1, this.x(packet.sent + lostFor / 2), (y1 + y2) / 2];
    }
    return [this.x(packet.sent), y1, this.x(packet.end), y2];
  }

  /** @param {CanvasRenderingContext2D} context @param {Diagram} diagram */
  drawPackets(context, { world, t, span, subject, path }) {
    const { recording } = world;
    const beliefs = world.beliefs(subject);
    const onPath = new Set(path);
    const lostFor = recording.medianDelay;
    recording.underWay(this.from ?? 0, (this.from ?? 0) + span, lostFor, (row, packet) => {
      const ends = this.ends(packet, lostFor);
      if (ends === undefined) {
        return;
      }
      const change = beliefs.byPacket.get(row);
      const color = change ? newsColor(colors(), change.belief) : packetColor(colors(), recording.messageName(packet.kind), packet);
      const highlighted = onPath.has(row);
      context.globalAlpha = highlighted ? 1 : change ? 0.95 : onPath.size > 0 ? 0.22 : 0.5;
      // What is still to come is fainter.
      context.globalAlpha *= packet.sent > t ? 0.3 : 1;
      context.strokeStyle = highlighted ? colors().ink : color;
      context.lineWidth = highlighted ? 2.6 : change ? 1.7 : 0.9;
      context.beginPath();
      context.moveTo(ends[0], ends[1]);
      context.lineTo(ends[2], ends[3]);
      context.stroke();
      if (isLost(packet)) {
        cross(context, ends[2], ends[3], 3, colors().ink, 1.3);
      } else if (change || highlighted) {
        context.fillStyle = highlighted ? colors().ink : color;
        context.beginPath();
        context.arc(ends[2], ends[3], highlighted ? 3.6 : 2.6, 0, 2 * Math.PI);
        context.fill();
      }
    });
    context.globalAlpha = 1;
  }

  /** @param {CanvasRenderingContext2D} context @param {Diagram} diagram */
  drawNames(context, { lines, subject, hovered }) {
    const every = Math.max(1, Math.ceil(10 / (this.row ?? 10)));
    context.textAlign = "right";
    context.textBaseline = "middle";
    lines.forEach((member, n) => {
      const strong = member === subject || member === hovered;
      if (n % every === 0 || strong) {
        context.font = `${strong ? 700 : 400} ${Math.min(11, Math.max(9, this.row ?? 11))}px ui-sans-serif, system-ui, sans-serif`;
        context.fillStyle = strong ? colors().ink : colors().soft;
        context.fillText(`${member}`, LEFT - 8, this.rows?.get(member) ?? 0);
      }
    });
  }
}

/** Spans in which a member does not run. @param {World} world @param {number} member @returns {[number, number][]} */
function downSpans(world, member) {
  const { end, faults } = world.recording;
  /** @type {[number, number][]} */
  const spans = [];
  let since = world.lives.at(-1).life[member] === LIFE.UP ? undefined : 0;
  for (const fault of faults) {
    if (fault.member !== member) {
      continue;
    }
    if (fault.effect === EFFECT.CRASHED || fault.effect === EFFECT.LEFT) {
      since ??= fault.at;
    } else if ((fault.effect === EFFECT.JOINED || fault.effect === EFFECT.RESTARTED) && since !== undefined) {
      spans.push([since, fault.at]);
      since = undefined;
    }
  }
  return since === undefined ? spans : [...spans, [since, end]];
}

/** @param {number} px @param {number} py @param {[number, number, number, number]} line */
function distanceTo(px, py, [x1, y1, x2, y2]) {
  const length = (x2 - x1) ** 2 + (y2 - y1) ** 2;
  const share = length === 0 ? 0 : Math.min(1, Math.max(0, ((px - x1) * (x2 - x1) + (py - y1) * (y2 - y1)) / length));
  return Math.hypot(px - x1 - share * (x2 - x1), py - y1 - share * (y2 - y1));
}
