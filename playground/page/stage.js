/** The drawing of one world at one time: members on a ring or a map, and the packets under way. */

import { BELIEF, LIFE } from "swimlab/beliefs.js";
import { prepare } from "swimlab/dom.js";
import { drawLand, isOnGlobe, mapLayout } from "swimlab/map.js";
import { ringLayout } from "swimlab/ring.js";
import { cross, drawMember, isLost, newsColor, packetColor } from "swimlab/signs.js";
import { colors } from "swimlab/theme.js";

/** @typedef {import("swimlab/trial.js").World} World */
/** @typedef {import("swimlab/ring.js").Layout} Layout */
/** @typedef {import("swimlab/recording.js").Packet} Packet */

/**
 * What is shown besides the world's own state.
 * @typedef {{subject: number, selected: number | undefined, focused: number | undefined, path: Set<number>,
 *   differing: Uint8Array | undefined, cuts: {from: number, to: number, oneWay: boolean}[],
 *   drag: {from: number, x: number, y: number} | undefined, speed: number, step: number}} Scene
 */

/** Time for which a packet's line stays after the packet, in seconds of the screen. */
const AFTERGLOW_S = 0.45;

/** Packets per second from which on those without news leave neither dot nor afterglow. */
const CROWDED = 400;

/** Bend of a packet's way, so that a ping and its ack take different ones. */
const BEND = 0.07;

export class Stage {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {Layout} */
    this.layout = { x: new Float64Array(), y: new Float64Array(), radius: 0, labels: false };
    this.laidOutFor = "";
    /** @type {World | undefined} */
    this.world = undefined;
    /** @type {HTMLCanvasElement | undefined} */
    this.land = undefined;
  }

  /**
   * Draws the world at a time.
   * @param {World} world
   * @param {number} t
   * @param {Scene} scene
   */
  draw(world, t, scene) {
    const { context, width, height } = prepare(this.canvas);
    this.lay(world, width, height);
    if (this.land) {
      context.drawImage(this.land, 0, 0, width, height);
    }
    const { x, y, radius, labels } = this.layout;
    const beliefs = world.beliefs(scene.subject).at(t);
    const { life, impaired } = world.lives.at(t);
    if (!this.land && labels) {
      this.drawCount(context, beliefs, life, scene.subject, [width / 2, height / 2]);
    }
    this.drawCuts(context, scene);
    this.drawPackets(context, world, t, scene);
    // The subject last: nothing covers it.
    for (let n = 0; n < x.length; n++) {
      const member = n === x.length - 1 ? Math.min(scene.subject, n) : n < scene.subject ? n : n + 1;
      const isSubject = member === scene.subject;
      if (scene.differing?.[member]) {
        halo(context, x[member], y[member], radius + 6, colors().accent, [3, 3]);
      }
      const shown = isSubject ? Math.max(radius, 5) : radius;
      drawMember(
        context,
        {
          x: x[member],
          y: y[member],
          radius: shown,
          belief: beliefs[member],
          life: life[member],
          impaired: impaired[member],
          subject: isSubject,
          label: labels ? `${member}` : "",
        },
        colors(),
      );
      if (member === scene.selected && life[member] !== LIFE.ABSENT) {
        halo(context, x[member], y[member], radius + (isSubject ? 9 : 5), colors().accent, []);
      }
      if (member === scene.focused) {
        halo(context, x[member], y[member], radius + 9, colors().accent, [2, 2]);
      }
    }
    this.drawDrag(context, scene);
  }

  /**
   * The member at a point, or the nearest one within reach of a finger.
   * @param {number} px
   * @param {number} py
   * @returns {number | undefined}
   */
  memberAt(px, py) {
    const { x, y, radius } = this.layout;
    let [best, nearest] = [/** @type {number | undefined} */ (undefined), Math.max(radius + 6, 16)];
    for (let member = 0; member < x.length; member++) {
      const distance = Math.hypot(x[member] - px, y[member] - py);
      if (distance < nearest) {
        [best, nearest] = [member, distance];
      }
    }
    return best;
  }

  /** @param {World} world @param {number} width @param {number} height */
  lay(world, width, height) {
    const key = `${width}x${height}${document.documentElement.dataset.theme}`;
    if (world === this.world && key === this.laidOutFor) {
      return;
    }
    const { places, hosts, topology } = world.view;
    this.world = world;
    this.laidOutFor = key;
    this.land = undefined;
    const isPlane = places.every((place) => place.plane !== undefined) && !topology.startsWith("ring");
    if (isOnGlobe(places)) {
      const { layout, project } = mapLayout(places, width, height);
      this.layout = layout;
      this.land = document.createElement("canvas");
      this.land.width = this.canvas.width;
      this.land.height = this.canvas.height;
      const context = this.land.getContext("2d");
      context?.scale(this.canvas.width / width, this.canvas.height / height);
      if (context) {
        drawLand(context, project, colors());
      }
    } else {
      this.layout = isPlane ? mapLayout(places, width, height).layout : ringLayout(hosts, width, height);
    }
  }

  /**
   * How many members believe what, in the middle of the ring.
   * @param {CanvasRenderingContext2D} context
   * @param {Uint8Array} beliefs
   * @param {Uint8Array} life
   * @param {number} subject
   * @param {[number, number]} middle
   */
  drawCount(context, beliefs, life, subject, [x, y]) {
    const running = [...life.keys()].filter((member) => life[member] === LIFE.UP && member !== subject);
    const count = (/** @type {number} */ belief) => running.filter((member) => beliefs[member] === belief).length;
    const [dead, suspect, left] = [count(BELIEF.DEAD), count(BELIEF.SUSPECT), count(BELIEF.LEFT)];
    const [shown, text] = dead > 0 ? [dead, "declare it dead"] : left > 0 ? [left, "know that it left"] : suspect > 0 ? [suspect, "suspect it"] : [0, ""];
    if (shown === 0) {
      return;
    }
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    context.fillStyle = colors()["strong-line"];
    context.font = "300 40px ui-sans-serif, system-ui, sans-serif";
    context.fillText(`${shown} of ${running.length}`, x, y + 4);
    context.font = "14px ui-sans-serif, system-ui, sans-serif";
    context.fillText(text, x, y + 26);
  }

  /** @param {CanvasRenderingContext2D} context @param {World} world @param {number} t @param {Scene} scene */
  drawPackets(context, world, t, scene) {
    const { recording } = world;
    const beliefs = world.beliefs(scene.subject);
    const crowded = recording.packetCount / Math.max(1, recording.end / 1e6) > CROWDED;
    const glow = Math.max(AFTERGLOW_S * 1e6 * scene.speed, scene.step);
    const lostFor = Math.max(recording.medianDelay, glow * 0.3);
    recording.underWay(t - glow, t, lostFor, (row, packet) => {
      const lost = isLost(packet);
      const end = lost ? packet.sent + lostFor : packet.end;
      const change = beliefs.byPacket.get(row);
      const onPath = scene.path.has(row);
      const faded = t > end ? 1 - (t - end) / glow : 1;
      const kind = recording.messageName(packet.kind);
      const color = change ? newsColor(colors(), change.belief) : packetColor(colors(), kind, packet);
      const strong = change !== undefined || onPath;
      if (crowded && !strong && t > packet.sent + Math.max(end - packet.sent, glow / 8)) {
        return;
      }
      // While steps replace motion, a step shows all packets of its span in full.
      const done = scene.step > 0 ? 1 : Math.min(1, (t - packet.sent) / Math.max(1, end - packet.sent));
      const reach = lost ? done * 0.55 : done;
      context.globalAlpha = Math.max(0, scene.step > 0 ? 1 : faded) * (strong ? 1 : crowded ? 0.4 : 0.75);
      context.strokeStyle = onPath ? colors().ink : color;
      context.lineWidth = onPath ? 3 : strong ? 2.2 : 1.1;
      this.drawWay(context, packet, reach);
      const [px, py] = this.pointOn(packet, reach);
      if (lost && done === 1) {
        cross(context, px, py, 4, colors().ink, 1.6);
      } else if (crowded && !strong) {
        return;
      } else if (t <= end || scene.step > 0) {
        context.fillStyle = color;
        context.beginPath();
        context.arc(px, py, strong ? 4.5 : 2.6, 0, 2 * Math.PI);
        context.fill();
      } else if (!packet.handled) {
        // Nobody is there to handle it.
        cross(context, px, py, 3.5, colors().soft, 1.2);
      }
    });
    context.globalAlpha = 1;
    this.drawPath(context, world, scene.path);
  }

  /** The path by which the news reached a member. @param {CanvasRenderingContext2D} context @param {World} world @param {Set<number>} path */
  drawPath(context, world, path) {
    context.strokeStyle = colors().ink;
    context.fillStyle = colors().ink;
    context.lineWidth = 2.5;
    for (const row of path) {
      const packet = world.recording.packet(row);
      this.drawWay(context, packet, 1);
      const [x, y] = this.pointOn(packet, 0.55);
      const [nextX, nextY] = this.pointOn(packet, 0.6);
      const angle = Math.atan2(nextY - y, nextX - x);
      context.beginPath();
      context.moveTo(x + 9 * Math.cos(angle), y + 9 * Math.sin(angle));
      context.lineTo(x + 6 * Math.cos(angle + 2.3), y + 6 * Math.sin(angle + 2.3));
      context.lineTo(x + 6 * Math.cos(angle - 2.3), y + 6 * Math.sin(angle - 2.3));
      context.fill();
    }
  }

  /**
   * The point of a packet's way at a share of it.
   * @param {Packet} packet
   * @param {number} share
   * @returns {[number, number]}
   */
  pointOn({ from, to }, share) {
    const { x, y } = this.layout;
    const [dx, dy] = [x[to] - x[from], y[to] - y[from]];
    const bend = BEND * 4 * share * (1 - share);
    return [x[from] + dx * share - dy * bend, y[from] + dy * share + dx * bend];
  }

  /** @param {CanvasRenderingContext2D} context @param {Packet} packet @param {number} reach */
  drawWay(context, packet, reach) {
    const { x, y } = this.layout;
    const [middleX, middleY] = this.pointOn(packet, reach / 2);
    const [endX, endY] = this.pointOn(packet, reach);
    const [startX, startY] = [x[packet.from], y[packet.from]];
    context.beginPath();
    context.moveTo(startX, startY);
    context.quadraticCurveTo(2 * middleX - (startX + endX) / 2, 2 * middleY - (startY + endY) / 2, endX, endY);
    context.stroke();
  }

  /** @param {CanvasRenderingContext2D} context @param {Scene} scene */
  drawCuts(context, scene) {
    const { x, y } = this.layout;
    for (const { from, to, oneWay } of scene.cuts) {
      if (from >= x.length || to >= x.length) {
        continue;
      }
      context.strokeStyle = colors().dead;
      context.lineWidth = 2;
      context.setLineDash([2, 7]);
      context.beginPath();
      context.moveTo(x[from], y[from]);
      context.lineTo(x[to], y[to]);
      context.stroke();
      context.setLineDash([]);
      const share = oneWay ? 0.72 : 0.5;
      cross(context, x[from] + (x[to] - x[from]) * share, y[from] + (y[to] - y[from]) * share, 6, colors().dead, 2.5);
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {Scene} scene */
  drawDrag(context, { drag }) {
    if (drag === undefined) {
      return;
    }
    context.strokeStyle = colors().dead;
    context.lineWidth = 2.5;
    context.setLineDash([6, 6]);
    context.beginPath();
    context.moveTo(this.layout.x[drag.from], this.layout.y[drag.from]);
    context.lineTo(drag.x, drag.y);
    context.stroke();
    context.setLineDash([]);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 * @param {string} color
 * @param {number[]} dash
 */
function halo(context, x, y, radius, color, dash) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.lineWidth = 2.5;
  context.strokeStyle = color;
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
}
