/** The keys. They hold everywhere but in fields that one types into. */

import { byId } from "swimlab/dom.js";

/**
 * @typedef {import("swimlab/session.js").Session} Session
 * @typedef {import("swimlab/session.js").Tool} Tool
 */

/** @type {Record<string, Tool>} */
const TOOLS = { k: "kill", p: "pause", c: "cut", l: "look" };

/**
 * @param {Session} session
 * @param {{choose: (tool: Tool) => void, faster: (steps: number) => void}} actions
 */
export function startKeyboard(session, { choose, faster }) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) {
      return;
    }
    const onStage = event.target instanceof HTMLElement && event.target.classList.contains("stage");
    const handled = (onStage && stageKey(session, event.key)) || globalKey(session, event, { choose, faster });
    if (handled) {
      event.preventDefault();
    }
  });
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  if (target instanceof HTMLInputElement) {
    return target.type === "number" || target.type === "text";
  }
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/** Keys while the members have the focus. @param {Session} session @param {string} key */
function stageKey(session, key) {
  const { hosts } = session.trial.worlds[0].view;
  const focused = session.focused ?? session.subject;
  switch (key) {
    case "ArrowDown":
      session.focused = session.focused === undefined ? session.subject : (focused + 1) % hosts;
      return true;
    case "ArrowUp":
      session.focused = session.focused === undefined ? session.subject : (focused + hosts - 1) % hosts;
      return true;
    case "Enter":
      session.focused = focused;
      session.act(focused);
      return true;
    case "s":
      session.setSubject(focused);
      return true;
    default:
      return false;
  }
}

/**
 * @param {Session} session
 * @param {KeyboardEvent} event
 * @param {{choose: (tool: Tool) => void, faster: (steps: number) => void}} actions
 */
function globalKey(session, { key, shiftKey, target }, { choose, faster }) {
  const isButton = target instanceof HTMLButtonElement || target instanceof HTMLElement && target.tagName === "SUMMARY";
  const isSlider = target instanceof HTMLInputElement && target.type === "range" && target.id !== "time";
  const { player } = session;
  if (key in TOOLS) {
    choose(TOOLS[key]);
    return true;
  }
  if (/^[1-9]$/.test(key)) {
    const moment = session.moments[Number(key) - 1];
    moment && session.jump(moment.at);
    return true;
  }
  switch (key) {
    case " ":
      // A button's own press comes first.
      return isButton || (target instanceof HTMLInputElement && target.type === "checkbox") ? false : (player.toggle(), true);
    case "ArrowRight":
    case "ArrowLeft": {
      if (isSlider) {
        return false;
      }
      const direction = key === "ArrowRight" ? 1 : -1;
      shiftKey ? session.jump(player.time + direction * 1e5) : session.step(direction);
      return true;
    }
    case "Home":
      return isSlider ? false : (session.jump(0), true);
    case "End":
      return isSlider ? false : (session.jump(session.trial.end), true);
    case "+":
      faster(1);
      return true;
    case "-":
      faster(-1);
      return true;
    case "u":
      session.undo(session.byHand.length - 1);
      return true;
    case "?":
      byId("keys", HTMLDetailsElement).open = true;
      byId("keys", HTMLDetailsElement).scrollIntoView({ block: "nearest" });
      return true;
    default:
      return false;
  }
}
