/** Signs of members and packets, the same in all drawings: each meaning has a shape as well as a color. */

import { BELIEF, IMPAIRED, LIFE } from "swimlab/beliefs.js";
import { CUT } from "swimlab/recording.js";

/** @typedef {import("swimlab/theme.js").Colors} Colors */
/** @typedef {import("swimlab/recording.js").Packet} Packet */

/** Fill, edge and ink of a belief, by its code. @param {Colors} colors @param {number} belief */
export function beliefColors(colors, belief) {
  switch (belief) {
    case BELIEF.SUSPECT:
      return { fill: colors.suspect, edge: colors["suspect-edge"], ink: "#2a1c00" };
    case BELIEF.DEAD:
      return { fill: colors.dead, edge: colors["dead-edge"], ink: colors["on-dead"] };
    case BELIEF.LEFT:
      return { fill: colors.left, edge: colors["left-edge"], ink: colors.ink };
    case BELIEF.UNKNOWN:
      return { fill: colors.unknown, edge: colors["unknown-edge"], ink: colors.soft };
    default:
      return { fill: colors.alive, edge: colors["alive-edge"], ink: colors["on-alive"] };
  }
}

/** The color of a line that tells of a belief. @param {Colors} colors @param {number} belief */
export function newsColor(colors, belief) {
  return { [BELIEF.SUSPECT]: colors.suspect, [BELIEF.DEAD]: colors.dead, [BELIEF.LEFT]: colors["left-edge"] }[belief] ?? colors.refute;
}

/** The color of a packet that brings no news. @param {Colors} colors @param {string} kind @param {Packet} packet */
export function packetColor(colors, kind, packet) {
  switch (kind) {
    case "ping":
      return packet.direct ? colors.probe : colors.indirect;
    case "ping-req":
    case "indirect-ack":
    case "nack":
      return colors.indirect;
    case "ack":
      return colors.probe;
    default:
      return colors.other;
  }
}

/** Whether a packet never arrives. @param {Packet} packet */
export const isLost = (packet) => packet.end >= CUT;

/**
 * Draws a member.
 * @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number, radius: number, belief: number, life: number, impaired: number, subject: boolean,
 *   label: string}} member
 * @param {Colors} colors
 */
export function drawMember(context, member, colors) {
  const { x, y, radius, life } = member;
  const gone = life !== LIFE.UP;
  const { fill, edge, ink } = beliefColors(colors, member.subject ? BELIEF.ALIVE : member.belief);
  context.beginPath();
  outline(context, x, y, radius, gone || member.subject ? BELIEF.ALIVE : member.belief);
  context.fillStyle = gone ? colors.down : member.subject ? colors.surface : fill;
  context.fill();
  context.lineWidth = radius > 6 ? 1.5 : 1;
  context.strokeStyle = gone ? colors.soft : edge;
  context.setLineDash(gone && radius > 4 ? [3, 3] : []);
  context.globalAlpha = life === LIFE.ABSENT ? 0.4 : 1;
  context.stroke();
  context.setLineDash([]);
  if (gone && life !== LIFE.ABSENT) {
    cross(context, x, y, radius * 0.62, colors.ink, Math.max(1, radius / 7));
  } else if (member.impaired === IMPAIRED.SLOW) {
    hourglass(context, x, y, radius * 0.5, ink);
  } else if (member.impaired === IMPAIRED.PAUSED) {
    context.fillStyle = ink;
    const [bar, tall] = [radius * 0.24, radius * 1];
    context.fillRect(x - bar * 1.7, y - tall / 2, bar, tall);
    context.fillRect(x + bar * 0.7, y - tall / 2, bar, tall);
  } else if (member.label !== "") {
    context.fillStyle = member.subject ? colors.ink : ink;
    context.font = `${member.subject ? 700 : 500} ${Math.round(radius * (member.label.length > 2 ? 0.68 : 0.82))}px ui-sans-serif, system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(member.label, x, y + 0.5);
  }
  if (member.subject) {
    context.beginPath();
    context.arc(x, y, radius + 4.5, 0, 2 * Math.PI);
    context.lineWidth = 2;
    context.strokeStyle = colors.ink;
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} size @param {string} color */
function hourglass(context, x, y, size, color) {
  context.beginPath();
  context.moveTo(x - size, y - size);
  context.lineTo(x + size, y - size);
  context.lineTo(x - size, y + size);
  context.lineTo(x + size, y + size);
  context.closePath();
  context.fillStyle = color;
  context.fill();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 * @param {number} belief
 */
function outline(context, x, y, radius, belief) {
  if (belief === BELIEF.SUSPECT) {
    const r = radius * 1.18;
    context.moveTo(x, y - r);
    context.lineTo(x + r, y);
    context.lineTo(x, y + r);
    context.lineTo(x - r, y);
    context.closePath();
  } else if (belief === BELIEF.DEAD || belief === BELIEF.LEFT) {
    const r = radius * 0.9;
    context.rect(x - r, y - r, 2 * r, 2 * r);
  } else {
    context.arc(x, y, radius, 0, 2 * Math.PI);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} size
 * @param {string} color
 * @param {number} width
 */
export function cross(context, x, y, size, color, width) {
  context.beginPath();
  context.moveTo(x - size, y - size);
  context.lineTo(x + size, y + size);
  context.moveTo(x + size, y - size);
  context.lineTo(x - size, y + size);
  context.lineWidth = width;
  context.strokeStyle = color;
  context.stroke();
}
