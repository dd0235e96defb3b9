/** Which experiment, trial and worlds are shown: the lists at the top, and the experiment's text. */

import { byId } from "swimlab/dom.js";
import { Link } from "swimlab/link.js";
import { Refusal } from "swimlab/module.js";

/** @typedef {import("swimlab/session.js").Session} Session */

export class ExperimentPanel {
  /**
   * @param {Session} session
   * @param {{name: string, text: string}[]} scenes
   */
  constructor(session, scenes) {
    this.session = session;
    this.scenes = scenes;
    this.scene = byId("scene", HTMLSelectElement);
    this.beside = byId("beside", HTMLSelectElement);
    this.cell = byId("cell", HTMLSelectElement);
    this.cell.addEventListener("change", () => session.tryToOpen(session.link.with("cell", this.cell.value)));
    this.text = byId("text", HTMLTextAreaElement);
    this.error = byId("text-error", HTMLElement);
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
  async showBeside(choice) {
    const { session } = this;
    const { link, description, worlds } = session.trial;
    const [what, value] = choice.split(" ");
    if (what === "profile") {
      const both = `profile = ["${worlds[0].view.profile}", "${value}"]`;
      const line = /^profile\s*=.*$/m;
      const text = line.test(description.text) ? description.text.replace(line, both) : `${both}\n${description.text}`;
      const { experiment } = await this.pack(text);
      await this.tryText(new Link(experiment, session.link.pairs).with("cell", "0", "1").with("speed"));
    } else {
      const cells = [description.shown[0], ...(what === "cell" ? [Number(value)] : [])];
      await session.tryToOpen(session.link.with("cell", ...cells.map(String)));
    }
  }

  /** @param {number} step */
  goToTrial(step) {
    const { session } = this;
    const trial = Math.max(0, session.trial.description.trial + step);
    session.tryToOpen(session.trial.link.with("trial", ...(trial > 0 ? [`${trial}`] : [])).with("at").with("subject").with("play"));
  }

  async runText() {
    await this.tryText(await this.pack(this.text.value));
  }

  /** Opens a link to an experiment's text, or tells beside the text what is wrong with it. @param {Link} link */
  async tryText(link) {
    try {
      this.error.textContent = "";
      await this.session.open(link);
    } catch (error) {
      if (!(error instanceof Refusal)) {
        throw error;
      }
      this.error.textContent = error.message;
    }
  }

  /** A link to an experiment's text. @param {string} text @returns {Promise<Link>} */
  async pack(text) {
    const { module, trial } = this.session;
    const { response } = await module.call({ link: { name: trial.description.name, text } });
    return Link.parse(response.link);
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
