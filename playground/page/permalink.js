/** The page's URL, the command line and the trace hashes: all that names the shown trial. */

import { byId, make } from "swimlab/dom.js";
import { Link } from "swimlab/link.js";

/** @typedef {import("swimlab/session.js").Session} Session */

/** The shortest time between two changes of the URL, in milliseconds: browsers allow about three a second. */
const PAUSE_MS = 700;

export class Permalink {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.command = byId("command", HTMLElement);
    this.written = "";
    this.writtenAt = 0;
    byId("copy-link", HTMLButtonElement).addEventListener("click", () => this.copy(`${location.href.split("#")[0]}${session.link}`));
    byId("copy-command", HTMLButtonElement).addEventListener("click", () => this.copy(this.command.textContent ?? ""));
    window.addEventListener("hashchange", () => {
      if (location.hash !== this.written && location.hash !== "" && location.hash !== "#stages") {
        session.tryToOpen(Link.parse(location.hash));
      }
    });
  }

  opened() {
    const { trial } = this.session;
    const hashes = trial.worlds.flatMap((world, n) => [make("dt", trial.worlds.length > 1 ? `Trace hash ${"ABCD"[n]}` : "Trace hash"), make("dd", world.hash)]);
    byId("hashes", HTMLElement).replaceChildren(...hashes);
    this.command.textContent = `swimlab replay '${withoutView(trial.link)}'`;
    this.writtenAt = 0;
  }

  frame() {
    const now = performance.now();
    if (now - this.writtenAt < PAUSE_MS) {
      return;
    }
    this.writtenAt = now;
    const link = this.session.link.toString();
    if (link !== this.written) {
      this.written = link;
      history.replaceState(null, "", link);
    }
  }

  /** @param {string} text */
  async copy(text) {
    const note = byId("copied", HTMLElement);
    try {
      await navigator.clipboard.writeText(text);
      note.textContent = "Copied.";
      this.session.say("Copied.");
    } catch {
      this.session.say(`The browser does not let this page copy. Here it is: ${text}`);
    }
  }
}

/** The link to the trial alone, without what is shown of it. @param {Link} link */
function withoutView(link) {
  return ["at", "subject", "member", "speed", "slow", "play"].reduce((rest, key) => rest.with(key), link);
}
