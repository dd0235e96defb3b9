/** The list of faults made by hand, the loss slider and the tools. */

import { byId, make } from "swimlab/dom.js";
import { describe, endAt, isInForce, lossAt } from "swimlab/faults.js";

/**
 * @typedef {import("swimlab/session.js").Session} Session
 * @typedef {import("swimlab/session.js").Tool} Tool
 */

export class FaultList {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.loss = byId("loss", HTMLInputElement);
    this.lossValue = byId("loss-value", HTMLOutputElement);
    this.oneWay = byId("one-way", HTMLInputElement);
    this.tools = [...document.querySelectorAll("button[data-tool]")];
    this.state = "";
    this.loss.addEventListener("input", () => (this.lossValue.textContent = `${this.loss.value} %`));
    this.loss.addEventListener("change", () => session.setLoss(Number(this.loss.value) / 100));
    this.oneWay.addEventListener("change", () => (session.oneWay = this.oneWay.checked));
    for (const button of this.tools) {
      button.addEventListener("click", () => this.choose(/** @type {Tool} */ (button.getAttribute("data-tool"))));
    }
  }

  /** @param {Tool} tool */
  choose(tool) {
    this.session.tool = tool;
    this.session.cutFrom = undefined;
    this.tools.forEach((button) => button.setAttribute("aria-checked", `${button.getAttribute("data-tool") === tool}`));
    byId("hint", HTMLElement).textContent = {
      kill: "Click one to kill it, again to start it. Drag from one to another to cut their link.",
      pause: "Click one to pause it, again to let it go on.",
      cut: "Click two, or drag from one to the other, to cut their link; again to mend it.",
      look: "Click one to see its table, timers and updates.",
    }[tool];
  }

  opened() {
    this.state = "";
  }

  frame() {
    const { session } = this;
    const at = session.player.time - session.trial.warmup;
    const inForce = session.byHand.map((label) => isInForce(label, at));
    const state = JSON.stringify([session.byHand, inForce]);
    if (state !== this.state) {
      this.state = state;
      const items = session.byHand.map((label, n) => this.item(label, n, inForce[n]));
      byId("faults", HTMLElement).replaceChildren(...items);
      byId("no-faults", HTMLElement).hidden = items.length > 0;
      if (document.activeElement !== this.loss || !this.loss.matches(":active")) {
        const rate = Math.round(100 * lossAt(session.byHand, at));
        this.loss.value = `${rate}`;
        this.lossValue.textContent = `${rate} %`;
      }
    }
  }

  /** @param {string} label @param {number} n @param {boolean} isNow */
  item(label, n, isNow) {
    const { session } = this;
    const item = make("li");
    item.append(make("span", describe(label, session.faultEnd)));
    if (isNow) {
      const end = make("button", "End now");
      end.addEventListener("click", () => session.changeFaults(endAt(session.byHand, n, session.faultTime)));
      item.append(end);
    }
    const undo = make("button", "Undo");
    undo.setAttribute("aria-label", `Undo: ${describe(label, session.faultEnd)}`);
    undo.addEventListener("click", () => session.undo(n));
    item.append(undo);
    return item;
  }
}
