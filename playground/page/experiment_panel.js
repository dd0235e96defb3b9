/** Which experiment, trial and worlds are shown: the lists at the top, and the experiment's text. */

import { byId } from "swimlab/dom.js";
import { Link } from "swimlab/link.js";
import { Refusal } from "swimlab/module.js";

/** @typedef {import("swimlab/session.js").Session} Session */

export class ExperimentPanel {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.scene = byId("scene", HTMLSelectElement);
    this.beside = byId("beside", HTMLSelectElement);
    this.cell = byId("cell", HTMLSelectElement);
    this.cell.addEventListener("change", () => session.tryToOpen(session.link.with("cell", this.cell.value)));
    this.text = byId("text", HTMLTextAreaElement);
    this.error = byId("text-error", HTMLElement);
    /** @type {{name: string, text: string}[]} */
    this.scenes = session.module.call("scenes");
    this.scene.addEventListener("change", () => session.tryToOpen(new Link(this.scene.value, [])));
    this.beside.addEventListener("change", () => this.showBeside(this.beside.value));
    byId("trial-previous", HTMLButtonElement).addEventListener("click", () => this.goToTrial(-1));
    byId("trial-next", HTMLButtonElement).addEventListener("click", () => this.goToTrial(1));
    byId("run-text", HTMLButtonElement).addEventListener("click", () => this.runText());
  }

  opened() {
    const { trial } = this.session;
    const { description, link } = trial;
    byId("title", HTMLElement).textContent = trial.title;
    document.title = `${description.name}: swimlab`;
    const named = this.scenes.some(({ name }) => name === link.experiment);
    this.scene.replaceChildren(...this.scenes.map(({ name }) => new Option(name, encodeURIComponent(name), false, name === link.experiment)));
    if (!named) {
      this.scene.prepend(new Option(`${description.name} (own text)`, link.experiment, true, true));
    }
    byId("trial-number", HTMLOutputElement).textContent = `${description.trial}`;
    byId("trial-previous", HTMLButtonElement).disabled = description.trial === 0;
    if (document.activeElement !== this.text) {
      this.text.value = description.text;
    }
    this.error.textContent = "";
    this.listBeside();
    const subject = byId("subject", HTMLInputElement);
    subject.max = `${trial.worlds[0].view.hosts - 1}`;
  }

  frame() {
    const subject = byId("subject", HTMLInputElement);
    const value = `${this.session.subject}`;
    if (document.activeElement !== subject && subject.value !== value) {
      subject.value = value;
    }
  }

  /** Offers the experiment's other cells; if it has none, other profiles. */
  listBeside() {
    const { description, worlds } = this.session.trial;
    const options = [new Option("nothing", "")];
    byId("cell-field", HTMLElement).hidden = description.cells.length < 2;
    this.cell.replaceChildren(...description.cells.map((label, cell) => {
      const other = description.cells[cell === 0 ? 1 : 0] ?? label;
      return new Option(difference(other, label), `${cell}`, false, cell === description.shown[0]);
    }));
    if (description.cells.length > 1) {
      const [shown, other] = description.shown;
      description.cells.forEach((label, cell) => {
        if (cell !== shown) {
          options.push(new Option(difference(description.cells[shown], label), `cell ${cell}`, false, cell === other));
        }
      });
    } else {
      for (const { name } of description.profiles ?? []) {
        if (name !== worlds[0].view.profile) {
          options.push(new Option(`profile ${name}`, `profile ${name}`));
        }
      }
    }
    this.beside.replaceChildren(...options);
  }

  /** @param {string} choice */
  showBeside(choice) {
    const { session } = this;
    const { link, description, worlds } = session.trial;
    const [what, value] = choice.split(" ");
    if (what === "profile") {
      const both = `profile = ["${worlds[0].view.profile}", "${value}"]`;
      const line = /^profile\s*=.*$/m;
      const text = line.test(description.text) ? description.text.replace(line, both) : `${both}\n${description.text}`;
      const packed = this.pack(text);
      packed && session.tryToOpen(new Link(packed.experiment, session.link.pairs).with("cell", "0", "1").with("speed"));
    } else {
      const cells = [description.shown[0], ...(what === "cell" ? [Number(value)] : [])];
      session.tryToOpen(session.link.with("cell", ...cells.map(String)));
    }
  }

  /** @param {number} step */
  goToTrial(step) {
    const { session } = this;
    const trial = Math.max(0, session.trial.description.trial + step);
    session.tryToOpen(session.trial.link.with("trial", ...(trial > 0 ? [`${trial}`] : [])).with("at").with("subject").with("play"));
  }

  runText() {
    const link = this.pack(this.text.value);
    if (link !== undefined) {
      this.text.blur();
      this.session.open(link);
    }
  }

  /** A link to an experiment's text, if it is a valid one. @param {string} text @returns {Link | undefined} */
  pack(text) {
    const { module, trial } = this.session;
    try {
      const link = Link.parse(module.call({ link: { name: trial.description.name, text } }).link);
      module.call({ open: { link: link.toString() } });
      this.error.textContent = "";
      return link;
    } catch (error) {
      if (!(error instanceof Refusal)) {
        throw error;
      }
      this.error.textContent = error.message;
      // The module has closed nothing: what is shown stays open.
      module.call({ open: { link: trial.link.toString() } });
      return undefined;
    }
  }
}

/**
 * What a cell's label has that another one has not.
 * @param {string} label
 * @param {string} other
 */
function difference(label, other) {
  const known = label.split(", ");
  const own = other.split(", ").filter((fact) => !known.includes(fact) && !fact.endsWith(" -"));
  return own.length === 0 ? other : own.join(", ");
}
