/** The page: unpacks the module, opens the link of the URL, and draws with each frame of the screen. */

import { Diagrams } from "swimlab/diagrams.js";
import { byId } from "swimlab/dom.js";
import { ExperimentPanel } from "swimlab/experiment_panel.js";
import { FaultList } from "swimlab/fault_list.js";
import { startKeyboard } from "swimlab/keyboard.js";
import { Link } from "swimlab/link.js";
import { MemberPanel } from "swimlab/member_panel.js";
import { Refusal, unpack } from "swimlab/module.js";
import { startModule } from "swimlab/module_client.js";
import { Permalink } from "swimlab/permalink.js";
import { Predict } from "swimlab/predict.js";
import { Session } from "swimlab/session.js";
import { Story } from "swimlab/story.js";
import { startTheme } from "swimlab/theme.js";
import { Transport } from "swimlab/transport.js";
import { Trial } from "swimlab/trial.js";
import { Panes } from "swimlab/two_worlds.js";

/** Frames whose times are kept for measurements. */
const FRAMES = 600;

/** The longest time that one frame moves on, in seconds: a page in the background stands still. */
const LONGEST_S = 0.1;

/** Time for which a notice stays, in milliseconds. */
const NOTICE_MS = 4500;

/** Starts the page. */
export async function start() {
  startTheme(byId("theme", HTMLButtonElement));
  const bytes = await unpack(byId("module", HTMLScriptElement).textContent ?? "");
  const module = await startModule(bytes);
  const { response: scenes } = await module.call("scenes");
  const session = new Session(module, await firstTrial(module));
  session.say = notify;
  const faultList = new FaultList(session);
  const transport = new Transport(session);
  const member = new MemberPanel(session);
  const panes = new Panes(session);
  session.parts.push(new ExperimentPanel(session, scenes), transport, faultList, panes, new Diagrams(session), new Story(session), member, new Predict(session, bytes), new Permalink(session));
  faultList.choose("kill");
  const subject = byId("subject", HTMLInputElement);
  subject.addEventListener("input", () => {
    const chosen = subject.valueAsNumber;
    if (Number.isInteger(chosen) && chosen >= 0 && chosen < session.trial.worlds[0].view.hosts) {
      session.setSubject(chosen);
    }
  });
  startKeyboard(session, { choose: (tool) => faultList.choose(tool), faster: (steps) => transport.change(steps) });
  followMotion(session);
  session.show();
  const frameTimes = run(session);
  Object.assign(window, { swimlab: { session, panes, member, frameTimes } });
}

/**
 * The trial of the first link, or, if it is wrong, that of the first scene.
 * @param {import("swimlab/module_client.js").ModuleClient} module
 */
async function firstTrial(module) {
  try {
    return await Trial.record(module, firstLink());
  } catch (error) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    notify(error.message);
    return Trial.record(module, Link.parse("#basic"));
  }
}

/** The URL's link, or the one that the page holds, or the first scene. */
function firstLink() {
  if (location.hash.length > 1 && location.hash !== "#stages") {
    return Link.parse(location.hash);
  }
  const start = byId("start", HTMLScriptElement).textContent?.trim() ?? "";
  return Link.parse(start === "" ? "#basic" : JSON.parse(start).link);
}

/** @param {Session} session */
function followMotion(session) {
  const reduced = window.matchMedia("(prefers-reduced-motion: reduce)");
  const follow = () => (session.player.reducedMotion = reduced.matches);
  follow();
  reduced.addEventListener("change", follow);
}

/**
 * Draws with each frame.
 * @param {Session} session
 * @returns {{work: number[], between: number[]}} milliseconds that the last frames took, and between them
 */
function run(session) {
  const times = { work: /** @type {number[]} */ ([]), between: /** @type {number[]} */ ([]) };
  let before = performance.now();
  const keep = (/** @type {number[]} */ list, /** @type {number} */ time) => {
    list.push(time);
    list.length > FRAMES && list.shift();
  };
  const frame = (/** @type {number} */ now) => {
    const began = performance.now();
    keep(times.between, now - before);
    session.frame(Math.min(LONGEST_S, Math.max(0, (now - before) / 1000)));
    before = now;
    keep(times.work, performance.now() - began);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  return times;
}

let noticeTimer = 0;

/** Tells the user a sentence, by sight and by screen reader. @param {string} text */
function notify(text) {
  const notice = byId("notice", HTMLElement);
  notice.textContent = text;
  notice.hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = window.setTimeout(() => (notice.hidden = true), NOTICE_MS);
}
