/**
 * Links to trials: the fragment of the page's URL. src/experiment/link.rs defines them.
 */

/** Characters that stand for themselves in a link, besides letters and digits. */
const PLAIN = /[^A-Za-z0-9:=,.\-_]/gu;

/** A link whose parts can be changed. Keys that this page does not know are kept. */
export class Link {
  /**
   * @param {string} experiment the name of an experiment, or `~` and a packed text, as it is in the URL
   * @param {[string, string][]} pairs decoded keys and values
   */
  constructor(experiment, pairs) {
    this.experiment = experiment;
    this.pairs = pairs;
  }

  /**
   * @param {string} text a URL or a fragment
   * @returns {Link}
   */
  static parse(text) {
    const fragment = text.slice(text.indexOf("#") + 1);
    const question = fragment.indexOf("?");
    const experiment = question < 0 ? fragment : fragment.slice(0, question);
    const query = question < 0 ? "" : fragment.slice(question + 1);
    /** @type {[string, string][]} */
    const pairs = [];
    for (const part of query.split("&")) {
      if (part !== "") {
        const equals = part.indexOf("=");
        const key = equals < 0 ? part : part.slice(0, equals);
        pairs.push([decode(key), equals < 0 ? "" : decode(part.slice(equals + 1))]);
      }
    }
    return new Link(experiment, pairs);
  }

  /**
   * All values of a key.
   * @param {string} key
   */
  all(key) {
    return this.pairs.filter(([other]) => other === key).map(([, value]) => value);
  }

  /**
   * The first value of a key.
   * @param {string} key
   * @returns {string | undefined}
   */
  get(key) {
    return this.all(key)[0];
  }

  /**
   * The number that a key has, if it is one.
   * @param {string} key
   * @returns {number | undefined}
   */
  number(key) {
    const text = this.get(key);
    const value = Number.parseFloat(text ?? "");
    return Number.isFinite(value) ? value : undefined;
  }

  /**
   * The same link with other values of a key; none of them removes it.
   * @param {string} key
   * @param {string[]} values
   */
  with(key, ...values) {
    const at = this.pairs.findIndex(([other]) => other === key);
    /** @type {[string, string][]} */
    const added = values.map((value) => [key, value]);
    const others = this.pairs.filter(([other]) => other !== key);
    const place = at < 0 ? others.length : this.pairs.slice(0, at).filter(([other]) => other !== key).length;
    return new Link(this.experiment, [...others.slice(0, place), ...added, ...others.slice(place)]);
  }

  /** The fragment, from its `#` on. */
  toString() {
    const query = this.pairs.map(([key, value]) => `${encode(key)}=${encode(value)}`).join("&");
    return `#${this.experiment}${query === "" ? "" : `?${query}`}`;
  }
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {string} text */
function encode(text) {
  const escape = (/** @type {number} */ byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  return text.replace(PLAIN, (character) => [...new TextEncoder().encode(character)].map(escape).join(""));
}
