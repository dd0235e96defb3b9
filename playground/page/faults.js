/**
 * Faults made by hand: labels of the link such as `crash:at=5.25s,target=7`. Times are microseconds since the end of the
 * warm-up. Each function returns the new list of labels, or `undefined` if there is nothing to change.
 */

/** @typedef {{kind: string, params: Map<string, string>}} Spec */

/**
 * @param {string} label
 * @returns {Spec}
 */
export function parseSpec(label) {
  const colon = label.indexOf(":");
  const kind = colon < 0 ? label : label.slice(0, colon);
  /** @type {Map<string, string>} */
  const params = new Map();
  let last = "";
  for (const part of colon < 0 ? [] : label.slice(colon + 1).split(",")) {
    const equals = part.indexOf("=");
    if (equals < 0 && last !== "") {
      // A further member in a list such as target=3,14.
      params.set(last, `${params.get(last)},${part}`);
    } else {
      last = part.slice(0, equals);
      params.set(last, part.slice(equals + 1));
    }
  }
  return { kind, params };
}

/**
 * @param {string} kind
 * @param {Iterable<[string, string]>} params
 */
function label(kind, params) {
  return `${kind}:${[...params].map(([key, value]) => `${key}=${value}`).join(",")}`;
}

/** Microseconds as a span of a label. @param {number} micros */
export function span(micros) {
  return `${Number((micros / 1e6).toFixed(6))}s`;
}

/**
 * A span of a label as microseconds.
 * @param {string | undefined} text
 * @param {number} missing
 */
export function micros(text, missing) {
  const match = /^([\d.e-]+)(us|ms|s|m|min|h)?$/.exec(text ?? "");
  const unit = { us: 1, ms: 1e3, s: 1e6, m: 60e6, min: 60e6, h: 3600e6 }[match?.[2] ?? "s"] ?? 1e6;
  return match === null ? missing : Math.round(Number.parseFloat(match[1]) * unit);
}

/** The time at which a fault begins. @param {Spec} spec */
const beginning = (spec) => micros(spec.params.get("at"), 0);

/** The time at which a fault ends, if it lasts. @param {Spec} spec */
const ending = (spec) => beginning(spec) + micros(spec.params.get("lasts"), 10e6);

/**
 * The last fault of a kind for which `fits` holds, by its place in the list.
 * @param {string[]} labels
 * @param {string} kind
 * @param {(spec: Spec) => boolean} fits
 */
function findLast(labels, kind, fits) {
  return labels.findLastIndex((text) => {
    const spec = parseSpec(text);
    return spec.kind === kind && fits(spec);
  });
}

/**
 * @param {string[]} labels
 * @param {number} at
 * @param {number} member
 */
export function kill(labels, at, member) {
  return [...labels, label("crash", [["at", span(at)], ["target", `${member}`]])];
}

/**
 * Starts a member that was killed by hand.
 * @param {string[]} labels
 * @param {number} at
 * @param {number} member
 */
export function wake(labels, at, member) {
  const n = findLast(labels, "crash", (spec) => spec.params.get("target") === `${member}` && beginning(spec) <= at);
  if (n < 0) {
    return undefined;
  }
  const spec = parseSpec(labels[n]);
  const down = Math.max(1000, at - beginning(spec));
  return labels.with(n, label("restart", [...spec.params, ["down", span(down)]]));
}

/**
 * @param {string[]} labels
 * @param {number} at
 * @param {number} member
 * @param {number} end
 */
export function pause(labels, at, member, end) {
  const rest = Math.max(1000, end - at);
  return [...labels, label("pause", [["at", span(at)], ["target", `${member}`], ["lasts", span(rest)]])];
}

/**
 * @param {string[]} labels
 * @param {number} at
 * @param {number} member
 */
export function resume(labels, at, member) {
  return endLast(labels, at, "pause", (spec) => spec.params.get("target") === `${member}`);
}

/**
 * Cuts the link between two members; `direction` is what is lost as seen from the first.
 * @param {string[]} labels
 * @param {number} at
 * @param {[number, number]} pair
 * @param {"both" | "out"} direction
 * @param {number} end
 */
export function cut(labels, at, [first, second], direction, end) {
  const rest = Math.max(1000, end - at);
  const pair = [["target", `${first}`], ["peers", `${second}`], ["direction", direction]];
  return [...labels, label("partial-partition", [["at", span(at)], ...(/** @type {[string, string][]} */ (pair)), ["lasts", span(rest)]])];
}

/**
 * Heals the link between two members.
 * @param {string[]} labels
 * @param {number} at
 * @param {[number, number]} pair
 */
export function heal(labels, at, [first, second]) {
  return endLast(labels, at, "partial-partition", ({ params }) => {
    const ends = [params.get("target"), params.get("peers")];
    return ends.includes(`${first}`) && ends.includes(`${second}`);
  });
}

/**
 * Sets the share of packets that are lost at random from a time on.
 * @param {string[]} labels
 * @param {number} at
 * @param {number} rate
 * @param {number} end
 */
export function setLoss(labels, at, rate, end) {
  const n = findLast(labels, "loss", (spec) => spec.params.get("target") === "share:1" && beginning(spec) <= at && ending(spec) > at);
  let rest = labels;
  if (n >= 0) {
    const begun = beginning(parseSpec(labels[n])) < at;
    rest = begun ? endAt(labels, n, at) : labels.toSpliced(n, 1);
  }
  if (rate === 0) {
    return rest;
  }
  const lasts = span(Math.max(1000, end - at));
  return [...rest, label("loss", [["at", span(at)], ["rate", `${Number(rate.toFixed(3))}`], ["target", "share:1"], ["lasts", lasts]])];
}

/** The share of packets lost by hand at a time. @param {string[]} labels @param {number} at */
export function lossAt(labels, at) {
  const spec = labels.map(parseSpec).findLast((one) => one.kind === "loss" && beginning(one) <= at && ending(one) > at);
  return Number.parseFloat(spec?.params.get("rate") ?? "0");
}

/**
 * Ends the last fault of a kind that is in force.
 * @param {string[]} labels
 * @param {number} at
 * @param {string} kind
 * @param {(spec: Spec) => boolean} fits
 */
function endLast(labels, at, kind, fits) {
  const n = findLast(labels, kind, (spec) => fits(spec) && beginning(spec) <= at && ending(spec) > at);
  return n < 0 ? undefined : endAt(labels, n, at);
}

/**
 * Ends a fault that lasts, by its place in the list.
 * @param {string[]} labels
 * @param {number} n
 * @param {number} at
 */
export function endAt(labels, n, at) {
  const spec = parseSpec(labels[n]);
  spec.params.set("lasts", span(Math.max(1000, at - beginning(spec))));
  return labels.with(n, label(spec.kind, spec.params));
}

/** Whether a fault lasts and is in force at a time. @param {string} text @param {number} at */
export function isInForce(text, at) {
  const spec = parseSpec(text);
  return spec.params.has("lasts") && beginning(spec) <= at && ending(spec) > at;
}

/**
 * The links between two members that are cut at a time.
 * @param {string[]} labels
 * @param {number} at
 * @returns {{from: number, to: number, oneWay: boolean}[]}
 */
export function cutsAt(labels, at) {
  const cuts = labels.map(parseSpec).filter((spec) => spec.kind === "partial-partition" && beginning(spec) <= at && ending(spec) > at);
  return cuts.flatMap(({ params }) => {
    const [target, peer] = [Number(params.get("target")), Number(params.get("peers"))];
    const direction = params.get("direction") ?? "both";
    if (!Number.isInteger(target) || !Number.isInteger(peer)) {
      return [];
    }
    return [direction === "in" ? { from: peer, to: target, oneWay: true } : { from: target, to: peer, oneWay: direction === "out" }];
  });
}

/** A fault in words. @param {string} text @param {number} end the trial's end */
export function describe(text, end) {
  const spec = parseSpec(text);
  const { kind, params } = spec;
  const target = params.get("target") ?? "a random member";
  const at = seconds(beginning(spec));
  const until = ending(spec) >= end - 1000 ? "on" : `to ${seconds(ending(spec))} s`;
  switch (kind) {
    case "crash":
      return `Member ${target} killed at ${at} s`;
    case "restart":
      return `Member ${target} killed at ${at} s, started again at ${seconds(beginning(spec) + micros(params.get("down"), 5e6))} s`;
    case "pause":
      return `Member ${target} paused from ${at} s ${until}`;
    case "loss":
      return `${Number((100 * Number(params.get("rate") ?? 0.1)).toFixed(1))} % of packets lost from ${at} s ${until}`;
    case "partial-partition": {
      const arrow = { both: "↔", out: "→", in: "←" }[params.get("direction") ?? "both"] ?? "↔";
      return `Link ${target} ${arrow} ${params.get("peers")} cut from ${at} s ${until}`;
    }
    default:
      return text;
  }
}

/** @param {number} time */
const seconds = (time) => `${Number((time / 1e6).toFixed(3))}`;
