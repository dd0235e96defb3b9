/** The histogram of the trials of a measure, beside the guess and the value of a formula. */

import { prepare } from "swimlab/dom.js";
import { colors } from "swimlab/theme.js";

/** @typedef {{value: number, label: string, color: "accent" | "ink" | "refute"}} Mark */

const BINS = 40;
const BASE = 26;
const TOP = 56;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} values
 * @param {Mark[]} marks
 * @param {{max: number, unit: string}} axis
 */
export function drawHistogram(canvas, values, marks, { max, unit }) {
  const { context, width, height } = prepare(canvas);
  const x = (/** @type {number} */ value) => 8 + ((width - 16) * Math.min(value, max)) / max;
  const bins = new Array(BINS).fill(0);
  for (const value of values) {
    bins[Math.min(BINS - 1, Math.floor((value / max) * BINS))]++;
  }
  const highest = Math.max(1, ...bins);
  context.fillStyle = colors()["alive-edge"];
  bins.forEach((count, n) => {
    const tall = ((height - BASE - TOP) * count) / highest;
    const [left, right] = [x((n * max) / BINS), x(((n + 1) * max) / BINS)];
    context.globalAlpha = 0.75;
    context.fillRect(left + 0.5, height - BASE - tall, right - left - 1, tall);
  });
  context.globalAlpha = 1;
  context.strokeStyle = colors()["strong-line"];
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(8, height - BASE + 0.5);
  context.lineTo(width - 8, height - BASE + 0.5);
  context.stroke();
  context.font = "12px ui-sans-serif, system-ui, sans-serif";
  context.textBaseline = "top";
  context.fillStyle = colors().soft;
  for (let n = 0; n <= 4; n++) {
    context.textAlign = n === 0 ? "left" : n === 4 ? "right" : "center";
    context.fillText(`${Number(((max * n) / 4).toPrecision(3))} ${unit}`.trim(), x((max * n) / 4), height - BASE + 7);
  }
  marks.forEach(({ value, label, color }, n) => {
    const at = x(value);
    const y = 2 + 17 * n;
    context.strokeStyle = colors()[color];
    context.lineWidth = 2;
    context.setLineDash(color === "accent" ? [] : [5, 4]);
    context.beginPath();
    context.moveTo(at, y + 15);
    context.lineTo(at, height - BASE);
    context.stroke();
    context.setLineDash([]);
    context.font = "600 12px ui-sans-serif, system-ui, sans-serif";
    const text = `${label}${value > max ? " →" : ""}`;
    const half = context.measureText(text).width / 2;
    context.textAlign = "center";
    context.fillStyle = colors()[color];
    context.fillText(text, Math.min(width - half - 2, Math.max(half + 2, at)), y);
  });
}

/**
 * Median and 95 % interval of the median, by ranks; values that were not reached count as more than any.
 * @param {number[]} reached ascending
 * @param {number} censored
 */
export function median(reached, censored) {
  const n = reached.length + censored;
  const at = (/** @type {number} */ rank) => reached[Math.min(n - 1, Math.max(0, Math.floor(rank)))] ?? Infinity;
  const half = 0.98 * Math.sqrt(n);
  return { median: at(n / 2), low: at(n / 2 - half), high: at(n / 2 + half) };
}
