/** What is open and shown, and all that can be done with it. */

import { IMPAIRED, LIFE } from "swimlab/beliefs.js";
import * as faults from "swimlab/faults.js";
import { Link } from "swimlab/link.js";
import { Refusal } from "swimlab/module.js";
import { eventTimes, moments, neighborTime, spreading } from "swimlab/moments.js";
import { Player } from "swimlab/player.js";
import { Trial } from "swimlab/trial.js";

/**
 * @typedef {"kill" | "pause" | "cut" | "look"} Tool
 * @typedef {{opened?: () => void, frame?: () => void}} Part
 * @typedef {import("swimlab/moments.js").Moment} Moment
 * @typedef {import("swimlab/module_client.js").ModuleClient} ModuleClient
 */

/** Faults begin at whole milliseconds, which makes short links; in microseconds. */
const GRAIN = 1000;

export class Session {
  /**
   * @param {ModuleClient} module
   * @param {Trial} trial what is shown first
   */
  constructor(module, trial) {
    this.module = module;
    this.player = new Player();
    /** Parts of the page that follow what is open and shown. @type {Part[]} */
    this.parts = [];
    this.trial = trial;
    /** The link whose trial is being recorded, and what to do then. @type {{link: Link, show: () => void} | undefined} */
    this.wanted = undefined;
    /** Ends when the wanted trial is shown, or refused. @type {Promise<void> | undefined} */
    this.recording = undefined;
    /** Times of all events. @type {Float64Array} */
    this.times = new Float64Array();
    /** The moments of the first world. @type {Moment[]} */
    this.moments = [];
    this.subject = 0;
    /** The member that the panel shows. @type {number | undefined} */
    this.selected = undefined;
    /** The member chosen by keyboard. @type {number | undefined} */
    this.focused = undefined;
    /** The member pointed at. @type {{world: number, member: number} | undefined} */
    this.hovered = undefined;
    /** The first member of a link that is about to be cut. @type {number | undefined} */
    this.cutFrom = undefined;
    /** @type {Tool} */
    this.tool = "kill";
    this.oneWay = false;
    /** Tells the user a sentence. @type {(text: string) => void} */
    this.say = () => {};
  }

  /**
   * Opens a link, at the time and with the subject that it names.
   * @param {Link} link
   * @returns {Promise<void>} rejected with a `Refusal` if the link is wrong
   */
  open(link) {
    return this.want(link, () => this.show());
  }

  /**
   * Records the trial of a link and then shows it. Of the links that are wanted meanwhile only the last one is shown.
   * @param {Link} link
   * @param {() => void} show
   * @returns {Promise<void>} rejected with a `Refusal` if the link is wrong
   */
  want(link, show) {
    this.wanted = { link, show };
    this.recording ??= this.record().finally(() => (this.recording = undefined));
    return this.recording;
  }

  async record() {
    while (this.wanted !== undefined) {
      const { wanted } = this;
      try {
        const trial = await Trial.record(this.module, wanted.link);
        if (wanted === this.wanted) {
          this.trial = trial;
          this.wanted = undefined;
          wanted.show();
        }
      } catch (error) {
        if (wanted === this.wanted) {
          this.wanted = undefined;
          // The module may have opened another link meanwhile, which nobody wanted any more.
          await this.module.call({ open: { link: this.trial.link.toString() } });
          throw error;
        }
      }
    }
  }

  /** Shows the trial from the time and with the subject that its link names. */
  show() {
    const { player, trial } = this;
    const { link } = trial;
    const most = trial.worlds[0].view.hosts - 1;
    this.subject = Math.min(most, link.number("subject") ?? trial.firstSubject);
    const selected = link.number("member");
    this.selected = selected === undefined ? undefined : Math.min(most, selected);
    this.cutFrom = undefined;
    this.focused = undefined;
    player.end = trial.end;
    player.speed = link.number("speed") ?? 1;
    player.slowsDown = link.get("slow") !== "no";
    player.playing = link.get("play") !== "no";
    this.recorded();
    const first = trial.worlds[0].recording.faults[0]?.at ?? 0;
    player.seek(link.number("at") === undefined ? Math.max(0, first - 1.5e6) : (link.number("at") ?? 0) * 1e6);
  }

  /** Opens a link, or tells why that is not possible. @param {Link} link */
  tryToOpen(link) {
    return this.open(link).catch((error) => this.refused(error));
  }

  /** @param {unknown} error */
  refused(error) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    this.say(error.message);
  }

  recorded() {
    const { worlds } = this.trial;
    this.player.spreading = spreading(worlds);
    this.times = eventTimes(worlds);
    this.moments = moments(worlds[0], this.subject);
    this.parts.forEach((part) => part.opened?.());
  }

  /** The labels of the faults made by hand. */
  get byHand() {
    return (this.wanted?.link ?? this.trial.link).all("fault");
  }

  /** The shown time after the warm-up, as faults made now have it. */
  get faultTime() {
    return Math.max(0, Math.ceil(this.player.time / GRAIN) * GRAIN - this.trial.warmup);
  }

  /** The end of the trial, after the warm-up. */
  get faultEnd() {
    return this.trial.end - this.trial.warmup;
  }

  /** Records the trial anew with other faults made by hand, if there are any. Time stays where it is. @param {string[] | undefined} labels */
  changeFaults(labels) {
    if (labels === undefined) {
      return false;
    }
    // What begins now is shown at once.
    this.player.time = Math.min(this.trial.end, Math.ceil(this.player.time / GRAIN) * GRAIN);
    const show = () => {
      this.player.end = this.trial.end;
      this.recorded();
    };
    const link = (this.wanted?.link ?? this.trial.link).with("fault", ...labels);
    this.want(link, this.wanted?.show ?? show).catch((error) => this.refused(error));
    return true;
  }

  /** Undoes the fault with this place in the list. @param {number} n */
  undo(n) {
    if (this.byHand.length > 0) {
      this.changeFaults(this.byHand.toSpliced(n, 1));
    }
  }

  /** @param {number} member */
  setSubject(member) {
    this.subject = member;
    this.moments = moments(this.trial.worlds[0], member);
    this.parts.forEach((part) => part.opened?.());
  }

  /**
   * Does to a member what the tool does.
   * @param {number} member
   * @param {Tool} [tool]
   */
  act(member, tool = this.tool) {
    this.selected = member;
    if (tool === "cut") {
      this.chooseForCut(member);
      return;
    }
    if (tool === "look") {
      return;
    }
    const { life, impaired } = this.trial.worlds[0].lives.at(this.player.time);
    const at = this.faultTime;
    this.subject = member;
    if (tool === "kill" && life[member] === LIFE.UP) {
      this.changeFaults(faults.kill(this.byHand, at, member)) && this.say(`Member ${member} is killed.`);
    } else if (tool === "kill") {
      const woken = this.changeFaults(faults.wake(this.byHand, at, member));
      this.say(woken ? `Member ${member} starts again.` : `Member ${member} is stopped by the experiment itself: only members that were killed here can be started again.`);
    } else if (impaired[member] === IMPAIRED.PAUSED) {
      const resumed = this.changeFaults(faults.resume(this.byHand, at, member));
      this.say(resumed ? `Member ${member} goes on.` : `Member ${member} is paused by the experiment itself.`);
    } else if (life[member] === LIFE.UP) {
      this.changeFaults(faults.pause(this.byHand, at, member, this.faultEnd)) && this.say(`Member ${member} is paused.`);
    } else {
      this.say(`Member ${member} does not run: it cannot be paused.`);
    }
  }

  /** @param {number} member */
  chooseForCut(member) {
    if (this.cutFrom === undefined || this.cutFrom === member) {
      this.cutFrom = this.cutFrom === member ? undefined : member;
      if (this.cutFrom !== undefined) {
        this.say(`Now choose the other end of the link of member ${member}.`);
      }
      return;
    }
    const from = this.cutFrom;
    this.cutFrom = undefined;
    this.cut(from, member, this.oneWay);
  }

  /**
   * Cuts the link between two members, or heals it if it is cut.
   * @param {number} from
   * @param {number} to
   * @param {boolean} oneWay
   */
  cut(from, to, oneWay) {
    const at = this.faultTime;
    if (this.changeFaults(faults.heal(this.byHand, at, [from, to]))) {
      this.say(`The link between ${from} and ${to} is whole again.`);
      return;
    }
    const { life } = this.trial.worlds[0].lives.at(this.player.time);
    if (life[from] !== LIFE.UP || life[to] !== LIFE.UP) {
      this.say("A link can be cut while both its members run.");
      return;
    }
    if (this.changeFaults(faults.cut(this.byHand, at, [from, to], oneWay ? "out" : "both", this.faultEnd))) {
      this.say(oneWay ? `Packets from ${from} to ${to} are lost.` : `The link between ${from} and ${to} is cut.`);
    }
  }

  /** Sets the share of packets that are lost from now on. @param {number} rate */
  setLoss(rate) {
    this.changeFaults(faults.setLoss(this.byHand, this.faultTime, rate, this.faultEnd));
  }

  /** Goes to a time and stays there. @param {number} time */
  jump(time) {
    this.player.playing = false;
    this.player.seek(time);
  }

  /** Goes to the next or the previous event. @param {1 | -1} direction */
  step(direction) {
    const time = neighborTime(this.times, this.player.time, direction);
    this.jump(time ?? (direction > 0 ? this.trial.end : 0));
  }

  /** The link to the shown state. */
  get link() {
    const { trial, player, subject, selected } = this;
    const optional = (/** @type {boolean} */ given, /** @type {string} */ value) => (given ? [value] : []);
    return trial.link
      .with("at", `${Number((player.time / 1e6).toFixed(6))}`)
      .with("subject", ...optional(subject !== trial.firstSubject, `${subject}`))
      .with("member", ...optional(selected !== undefined, `${selected}`))
      .with("speed", ...optional(player.speed !== 1, `${player.speed}`))
      .with("slow", ...optional(!player.slowsDown, "no"))
      .with("play", ...optional(!player.playing, "no"));
  }

  /** Runs until the next frame. @param {number} elapsed seconds */
  frame(elapsed) {
    // Time waits for what was changed at it.
    this.recording === undefined && this.player.advance(elapsed);
    this.parts.forEach((part) => part.frame?.());
  }
}
