/** Buttons, sliders and moments with which time is moved. */

import { byId, make, seconds } from "swimlab/dom.js";
import { FASTEST } from "swimlab/player.js";

/** @typedef {import("swimlab/session.js").Session} Session */

/** The slowest speed of the slider. */
const SLOWEST = 0.01;

/** Speed at a position of the slider, from 0 to 100, in round figures. @param {number} position */
function speedAt(position) {
  const speed = SLOWEST * (FASTEST / SLOWEST) ** (position / 100);
  const power = 10 ** Math.floor(Math.log10(speed));
  const factor = [1, 2, 5, 10].reduce((best, one) => (Math.abs(Math.log(one / (speed / power))) < Math.abs(Math.log(best / (speed / power))) ? one : best));
  return Number((factor * power).toPrecision(2));
}

/** @param {number} speed */
const positionOf = (speed) => (100 * Math.log(speed / SLOWEST)) / Math.log(FASTEST / SLOWEST);

/** @param {number} speed */
const speedName = (speed) => (speed >= 0.35 ? `${Number(speed.toFixed(1))}×` : `1/${Math.round(1 / speed)}`);

export class Transport {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.play = byId("play", HTMLButtonElement);
    this.clock = byId("clock", HTMLOutputElement);
    this.slider = byId("time", HTMLInputElement);
    this.speed = byId("speed", HTMLInputElement);
    this.speedValue = byId("speed-value", HTMLOutputElement);
    this.slowsDown = byId("slows-down", HTMLInputElement);
    const { player } = session;
    this.play.addEventListener("click", () => player.toggle());
    byId("step-back", HTMLButtonElement).addEventListener("click", () => session.step(-1));
    byId("step-on", HTMLButtonElement).addEventListener("click", () => session.step(1));
    this.slider.addEventListener("input", () => session.jump(Number(this.slider.value) * 1000));
    this.speed.addEventListener("input", () => (player.speed = speedAt(Number(this.speed.value))));
    this.slowsDown.addEventListener("change", () => (player.slowsDown = this.slowsDown.checked));
  }

  opened() {
    const { trial, moments, player } = this.session;
    this.slider.max = `${Math.ceil(trial.end / 1000)}`;
    this.speed.value = `${positionOf(player.speed)}`;
    this.slowsDown.checked = player.slowsDown;
    const marks = moments.map(({ at, kind }) => {
      const mark = make("i", "", kind);
      mark.style.left = `${(100 * at) / trial.end}%`;
      return mark;
    });
    byId("marks", HTMLElement).replaceChildren(...marks);
    const buttons = moments.map(({ at, kind, text }) => {
      const button = make("button", "", kind);
      button.append(make("b", seconds(at)), text);
      button.addEventListener("click", () => this.session.jump(at));
      return button;
    });
    byId("moments", HTMLElement).replaceChildren(...buttons);
  }

  /** Multiplies the speed. @param {number} steps */
  change(steps) {
    const { player } = this.session;
    player.speed = speedAt(Math.min(100, Math.max(0, positionOf(player.speed) + steps * 10)));
    this.speed.value = `${positionOf(player.speed)}`;
  }

  frame() {
    const { player } = this.session;
    set(this.clock, seconds(player.time));
    this.play.classList.toggle("playing", player.playing);
    this.play.setAttribute("aria-label", player.playing ? "Pause (space)" : "Play (space)");
    const value = `${Math.round(player.time / 1000)}`;
    if (this.slider.value !== value) {
      this.slider.value = value;
    }
    this.slider.setAttribute("aria-valuetext", seconds(player.time));
    set(this.speedValue, speedName(player.current));
  }
}

/** @param {HTMLElement} element @param {string} text */
function set(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
