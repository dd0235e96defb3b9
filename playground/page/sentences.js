/** What happens in a trial, in words. */

import { EFFECT, EVENT, NONE } from "swimlab/recording.js";

/** @typedef {import("swimlab/trial.js").World} World */
/** @typedef {import("swimlab/recording.js").TrialEvent} TrialEvent */
/** @typedef {import("swimlab/recording.js").FaultEvent} FaultEvent */

/** A sentence with its time. @typedef {{at: number, text: string, strong: boolean}} Sentence */

/**
 * All sentences of a world, in the order of time.
 * @param {World} world
 * @returns {Sentence[]}
 */
export function sentences(world) {
  const { recording } = world;
  /** @type {Sentence[]} */
  const all = [];
  for (const fault of recording.faults) {
    const text = faultSentence(fault, world.lives.kinds[fault.fault]);
    if (text !== undefined) {
      all.push({ at: fault.at, text, strong: true });
    }
  }
  for (const event of recording.events) {
    const text = eventSentence(event);
    if (text !== undefined) {
      all.push({ at: event.at, text, strong: event.packet === NONE });
    }
  }
  return all.sort((a, b) => a.at - b.at);
}

/**
 * @param {FaultEvent} fault
 * @param {string} kind
 */
function faultSentence({ member, effect }, kind) {
  switch (effect) {
    case EFFECT.CRASHED:
      return `${member} crashes, and tells nobody`;
    case EFFECT.LEFT:
      return `${member} leaves and says so`;
    case EFFECT.JOINED:
      return `${member} joins`;
    case EFFECT.RESTARTED:
      return `${member} starts again and joins`;
    case EFFECT.DISTURBED:
      return { pause: `${member} is paused`, slow: `${member} becomes slow`, "partial-partition": `a link of ${member} is cut`, loss: undefined }[kind];
    case EFFECT.RELEASED:
      return { pause: `${member} goes on`, slow: `${member} is fast again`, "partial-partition": `a link of ${member} is whole again`, loss: undefined }[kind];
    default:
      return undefined;
  }
}

/**
 * @param {TrialEvent} event
 */
function eventSentence({ member, kind, about, source, packet }) {
  const heard = source !== NONE && packet !== NONE;
  const by = `${source} tells ${member} that ${about}`;
  switch (kind) {
    case EVENT.SUSPECTED:
      return heard ? `${by} is suspected` : `${member} suspects ${about}: it did not answer`;
    case EVENT.DIED:
      return heard ? `${by} is dead` : `${member} declares ${about} dead`;
    case EVENT.REFUTED:
      return heard ? `${by} lives` : `${member} finds that ${about} lives`;
    case EVENT.SELF_REFUTED:
      return `${member} learns that it is suspected, and refutes`;
    case EVENT.CONFIRMED:
      return heard ? `${by} is suspected by one more` : `${member} suspects ${about}, too`;
    case EVENT.JOINED:
      return heard ? `${by} is a member` : undefined;
    case EVENT.LEFT:
      return heard ? `${by} has left` : undefined;
    default:
      return undefined;
  }
}
