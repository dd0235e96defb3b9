/** The space-time diagrams of all worlds: pointing at a member or a packet, and dragging to scrub. */

import { byId, make, seconds } from "swimlab/dom.js";
import { NONE } from "swimlab/recording.js";
import { ALL_LINES, SpaceTime, chooseLines } from "swimlab/space_time.js";

/** @typedef {import("swimlab/session.js").Session} Session */

/** Time that a diagram shows, in seconds of the screen, if it follows the speed. */
const SHOWN_S = 5;

export class Diagrams {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.container = byId("diagrams", HTMLElement);
    this.window = byId("window", HTMLSelectElement);
    this.choice = byId("lines", HTMLSelectElement);
    this.note = byId("packet", HTMLElement);
    /** @type {{element: HTMLElement, frame: HTMLElement, title: HTMLElement, diagram: SpaceTime, lines: number[]}[]} */
    this.shown = [];
    /** The shown span, in microseconds. */
    this.span = 1e6;
    this.choice.addEventListener("change", () => this.opened());
  }

  opened() {
    const { trial, subject } = this.session;
    while (this.shown.length < trial.worlds.length) {
      this.shown.push(this.make(this.shown.length));
    }
    this.shown.length = trial.worlds.length;
    this.container.replaceChildren(...this.shown.map(({ element }) => element));
    this.shown.forEach((one, n) => {
      one.lines = chooseLines(trial.worlds[n], subject, this.choice.value);
      one.frame.style.height = `${SpaceTime.height(one.lines.length, trial.worlds.length)}px`;
      one.title.textContent = `${"ABCD"[n]}: ${trial.worldTitle(n)}`;
      one.title.hidden = trial.worlds.length < 2;
    });
    byId("lines-field", HTMLElement).hidden = trial.worlds.every(({ view }) => view.hosts <= ALL_LINES);
  }

  /** @param {number} world */
  make(world) {
    const element = make("div");
    const title = make("h3");
    const frame = make("div", "", "diagram");
    const canvas = make("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "Space-time diagram; the list “What happens” tells the same in words");
    frame.append(canvas);
    element.append(title, frame);
    const diagram = new SpaceTime(canvas);
    this.listen(canvas, diagram, world);
    return { element, frame, title, diagram, lines: /** @type {number[]} */ ([]) };
  }

  /** @param {HTMLCanvasElement} canvas @param {SpaceTime} diagram @param {number} world */
  listen(canvas, diagram, world) {
    /** @type {{x: number, time: number, moved: boolean} | undefined} */
    let drag;
    canvas.addEventListener("pointerdown", (event) => {
      drag = { x: event.offsetX, time: this.session.player.time, moved: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (drag === undefined) {
        this.hover(diagram, world, event);
      } else if (drag.moved || Math.abs(event.offsetX - drag.x) > 4) {
        drag.moved = true;
        this.session.jump(drag.time - (event.offsetX - drag.x) / (diagram.scale ?? 1));
      }
    });
    canvas.addEventListener("pointerup", (event) => {
      if (drag !== undefined && !drag.moved) {
        this.session.jump(diagram.timeAt(event.offsetX));
      }
      drag = undefined;
    });
    canvas.addEventListener("pointercancel", () => (drag = undefined));
    canvas.addEventListener("pointerleave", () => {
      this.session.hovered = undefined;
      this.note.textContent = "\u00a0";
    });
  }

  /** @param {SpaceTime} diagram @param {number} world @param {PointerEvent} event */
  hover(diagram, world, event) {
    const row = diagram.packetAt(event.offsetX, event.offsetY);
    const packet = row === undefined ? undefined : this.session.trial.worlds[world].recording.packet(row);
    const member = diagram.memberAt(event.offsetY);
    this.session.hovered = packet ? { world, member: packet.to } : member === undefined ? undefined : { world, member };
    this.note.textContent = row === undefined ? "\u00a0" : packetSentence(this.session.trial.worlds[world], row);
  }

  frame() {
    const { trial, player, subject, hovered } = this.session;
    const wanted = this.window.value === "auto" ? Math.max(SHOWN_S * 1e6 * player.current, 4 * trial.worlds[0].recording.medianDelay) : Number(this.window.value) * 1e6;
    // The eye follows a change of scale better than a jump.
    this.span *= player.reducedMotion ? wanted / this.span : (wanted / this.span) ** 0.12;
    this.shown.forEach(({ diagram, lines }, n) => {
      const world = trial.worlds[n];
      const path = hovered === undefined ? [] : world.beliefs(subject).path(hovered.member, Math.max(player.time, diagram.timeAt(diagram.width ?? 0)));
      diagram.draw({ world, t: player.time, span: this.span, subject, path, hovered: hovered?.member, lines });
    });
  }
}

/**
 * A packet in a sentence.
 * @param {import("swimlab/trial.js").World} world
 * @param {number} row
 */
function packetSentence(world, row) {
  const packet = world.recording.packet(row);
  const end = packet.end >= NONE - 1 ? (packet.end === NONE ? "lost" : "cut off") : `arrives after ${((packet.end - packet.sent) / 1000).toFixed(2)} ms`;
  const ignored = packet.end < NONE - 1 && !packet.handled ? ", and nobody handles it" : "";
  return `${world.recording.messageName(packet.kind)} from ${packet.from} to ${packet.to}, sent at ${seconds(packet.sent)}, ${packet.bytes} bytes: ${end}${ignored}`;
}
