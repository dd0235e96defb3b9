/** Predict, then see: a guess, then a thousand trials in a worker. */

import { byId, make } from "swimlab/dom.js";
import { drawHistogram, median } from "swimlab/histogram.js";
import { startModule } from "swimlab/module_client.js";

/**
 * @typedef {import("swimlab/session.js").Session} Session
 * @typedef {import("swimlab/module_client.js").ModuleClient} ModuleClient
 * @typedef {{value: number} | {censored: number} | null} Reading
 * @typedef {import("swimlab/histogram.js").Mark} Mark
 */

const TRIALS = 1000;
const CHUNK = 25;

/** Measures that are asked for first, the first one that trials have. */
const ASKED = ["first_suspicion_s", "first_declaration_s", "false_suspicions"];

export class Predict {
  /**
   * @param {Session} session
   * @param {ArrayBuffer} bytes of the module
   */
  constructor(session, bytes) {
    this.session = session;
    this.bytes = bytes;
    this.measure = byId("measure", HTMLSelectElement);
    this.guess = byId("guess", HTMLInputElement);
    this.guessValue = byId("guess-value", HTMLOutputElement);
    this.button = byId("predict", HTMLButtonElement);
    this.progress = byId("predict-progress", HTMLElement);
    this.verdict = byId("verdict", HTMLElement);
    this.canvas = byId("histogram", HTMLCanvasElement);
    /** Values in ascending order, in the shown unit. @type {number[]} */
    this.values = [];
    this.censored = 0;
    this.absent = 0;
    /** The module that measures. @type {ModuleClient | undefined} */
    this.module = undefined;
    /** Counts the runs that began and were stopped. */
    this.running = 0;
    this.asked = "";
    this.max = 1;
    this.measure.addEventListener("change", () => this.reset());
    this.guess.addEventListener("input", () => this.show());
    this.button.addEventListener("click", () => this.run());
    new ResizeObserver(() => this.show()).observe(this.canvas);
    new MutationObserver(() => this.show()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  opened() {
    const { trial } = this.session;
    const { measures } = trial.description;
    if (this.measure.options.length !== measures.length) {
      const options = measures.map(({ name }) => new Option(words(name), name));
      this.measure.replaceChildren(...options);
    }
    const asked = trial.link.with("at").with("subject").with("member").with("play").toString();
    if (asked !== this.asked) {
      this.asked = asked;
      const wanted = trial.link.get("predict");
      const suspects = trial.worlds[0].recording.events.some(({ kind }) => kind === 2);
      const known = measures.some(({ name }) => name === wanted);
      this.measure.value = known && wanted !== undefined ? wanted : ASKED[suspects ? 0 : 1];
      this.reset();
    }
  }

  get unit() {
    return this.session.trial.description.measures.find(({ name }) => name === this.measure.value)?.unit ?? "";
  }

  /** Forgets what was measured. */
  reset() {
    this.stop();
    const { trial } = this.session;
    this.values = [];
    this.censored = 0;
    this.absent = 0;
    this.verdict.textContent = "";
    this.progress.textContent = "";
    const isTime = this.unit === "s";
    const formula = trial.link.number("formula");
    this.max = isTime ? Math.max(8 * (trial.period / 1e6), formula === undefined ? 0 : nice(2.5 * formula)) : this.unit === "%" ? 100 : 100;
    this.setGuess(0.3 * this.max);
    byId("question", HTMLElement).textContent = trial.description.measures.find(({ name }) => name === this.measure.value)?.about ?? "";
    this.show();
  }

  /** @param {number} value */
  setGuess(value) {
    this.guess.max = `${this.max}`;
    this.guess.step = `${this.max / 200}`;
    this.guess.value = `${value}`;
  }

  stop() {
    this.module?.stop();
    this.module = undefined;
    this.running++;
    this.button.textContent = `Run ${TRIALS.toLocaleString("en")} trials`;
  }

  async run() {
    if (this.button.textContent === "Stop") {
      this.stop();
      return;
    }
    this.values = [];
    this.censored = 0;
    this.absent = 0;
    this.verdict.textContent = "";
    this.button.textContent = "Stop";
    const number = ++this.running;
    try {
      const module = await startModule(this.bytes);
      if (number === this.running) {
        this.module = module;
        await this.measureWith(module);
      } else {
        module.stop();
      }
    } catch (error) {
      this.stop();
      this.progress.textContent = `The trials cannot be run: ${error instanceof Error ? error.message : error}`;
    }
  }

  /** @param {ModuleClient} module */
  async measureWith(module) {
    await module.call({ open: { link: this.session.trial.link.toString() } });
    for (let first = 0; first < TRIALS; first += CHUNK) {
      const count = Math.min(CHUNK, TRIALS - first);
      const { response } = await module.call({ measure: { world: 0, measure: this.measure.value, first, count } });
      if (this.module !== module) {
        return;
      }
      this.add(response.trials);
    }
  }

  /** @param {Reading[]} trials */
  add(trials) {
    const factor = this.unit === "%" ? 100 : 1;
    for (const reading of trials) {
      if (reading === null) {
        this.absent++;
      } else if ("value" in reading) {
        this.values.push(reading.value * factor);
      } else {
        this.censored++;
      }
    }
    this.values.sort((a, b) => a - b);
    const done = this.values.length + this.censored + this.absent;
    this.progress.textContent = `${done.toLocaleString("en")} trials`;
    const tail = this.values[Math.floor(this.values.length * 0.995)] ?? 0;
    if (tail > this.max || (this.unit !== "s" && tail > 0 && tail < this.max / 3)) {
      const guess = Number(this.guess.value);
      this.max = nice(Math.max(tail, guess * 1.1));
      this.setGuess(guess);
    }
    this.show();
    if (done >= TRIALS) {
      this.stop();
      this.judge();
    }
  }

  show() {
    const { unit } = this;
    const guess = Number(this.guess.value);
    const digits = this.max >= 100 ? 0 : this.max >= 10 ? 1 : 2;
    const text = (/** @type {number} */ value) => `${value.toFixed(digits)} ${unit}`.trim();
    this.guessValue.textContent = text(guess);
    /** @type {Mark[]} */
    const marks = [{ value: guess, label: `your guess ${text(guess)}`, color: "accent" }];
    const { link } = this.session.trial;
    const formula = link.number("formula");
    if (this.values.length > 0) {
      const found = median(this.values, this.censored);
      if (Number.isFinite(found.median)) {
        marks.push({ value: found.median, label: `median ${text(found.median)}`, color: "ink" });
      }
      if (formula !== undefined && unit === "s") {
        marks.push({ value: formula, label: `${link.get("formula_name") ?? "formula"} ${text(formula)}`, color: "refute" });
      }
    }
    drawHistogram(this.canvas, this.values, marks, { max: this.max, unit });
  }

  judge() {
    const { unit } = this;
    const { median: middle, low, high } = median(this.values, this.censored);
    this.verdict.replaceChildren();
    if (this.values.length === 0) {
      this.verdict.textContent = this.censored > 0 ? "It did not happen within any of the trials." : "There is nothing to measure: the trials have no such event.";
      return;
    }
    const text = (/** @type {number} */ value) => (Number.isFinite(value) ? `${Number(value.toPrecision(3))} ${unit}`.trim() : "not reached");
    const mean = this.values.reduce((sum, value) => sum + value, 0) / this.values.length;
    const earlier = this.values.filter((value) => value < Number(this.guess.value)).length / (this.values.length + this.censored);
    this.verdict.append(
      make("strong", `Median ${text(middle)}`),
      ` (95 % interval ${text(low)} to ${text(high)}), mean ${text(mean)}. ${Math.round(100 * earlier)} % of the trials were below your guess.`,
      this.censored > 0 ? ` In ${this.censored} it did not happen before the end.` : "",
    );
  }
}

/** The name of a measure in words. @param {string} name */
function words(name) {
  return name.replace(/_s$/, "").replaceAll("_", " ").replace(/ (50|99|100)$/, " $1 %");
}

/** A round figure that is not below a value. @param {number} value */
function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 5, 8, 10].find((factor) => factor * power >= value) ?? 10) * power;
}
