/** Members on a map: on the globe with coastlines, or in the plane. */

/** @typedef {import("swimlab/ring.js").Layout} Layout */
/** @typedef {import("swimlab/trial.js").Place} Place */

/** The golden angle, by which members of one site are spread around it. */
const GOLDEN = Math.PI * (3 - Math.sqrt(5));

const MARGIN = 26;

/** Units of the coastline's file per degree. */
const PER_DEGREE = 5;

/** A projection of longitude and latitude, or of a plane. @typedef {(x: number, y: number) => [number, number]} Projection */

/**
 * Whether all members have a place on the globe.
 * @param {Place[]} places
 */
export const isOnGlobe = (places) => places.length > 0 && places.every((place) => place.globe !== undefined);

/**
 * @param {Place[]} places
 * @param {number} width
 * @param {number} height
 * @returns {{layout: Layout, project: Projection}}
 */
export function mapLayout(places, width, height) {
  const points = places.map((place) => (place.globe ? [place.globe[1], place.globe[0]] : (place.plane ?? [0, 0])));
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const onGlobe = isOnGlobe(places);
  const spare = onGlobe ? 12 : 0;
  const [west, east] = [Math.min(...xs) - spare, Math.max(...xs) + spare];
  const [south, north] = [Math.min(...ys) - spare, Math.max(...ys) + spare];
  // Equirectangular, true to length at the middle latitude.
  const squeeze = onGlobe ? Math.cos((((south + north) / 2) * Math.PI) / 180) : 1;
  const [spanX, spanY] = [Math.max(1e-9, (east - west) * squeeze), Math.max(1e-9, north - south)];
  const scale = Math.min((width - 2 * MARGIN) / spanX, (height - 2 * MARGIN) / spanY);
  /** @type {Projection} */
  const project = (x, y) => [
    width / 2 + (x - (west + east) / 2) * squeeze * scale,
    height / 2 - (y - (south + north) / 2) * scale,
  ];
  const radius = Math.min(12, Math.max(2.5, Math.sqrt((width * height) / places.length) * 0.13));
  const [x, y] = [new Float64Array(places.length), new Float64Array(places.length)];
  /** @type {Map<string, number>} */
  const atSite = new Map();
  points.forEach(([px, py], member) => {
    const [mx, my] = project(px, py);
    const key = `${Math.round(mx / radius)},${Math.round(my / radius)}`;
    const before = atSite.get(key) ?? 0;
    atSite.set(key, before + 1);
    const away = radius * 1.75 * Math.sqrt(before);
    x[member] = clamp(mx + away * Math.cos(before * GOLDEN), radius, width - radius);
    y[member] = clamp(my + away * Math.sin(before * GOLDEN), radius, height - radius);
  });
  return { layout: { x, y, radius, labels: radius >= 9 }, project };
}

/** @param {number} value @param {number} low @param {number} high */
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** @type {Float64Array[] | undefined} */
let rings;

/** The outlines of land: longitude and latitude alternate. */
function coastline() {
  const text = document.getElementById("coastline")?.textContent ?? "";
  rings ??= text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map(ring);
  return rings;
}

/** @param {string} line */
function ring(line) {
  const numbers = line.split(" ").map(Number);
  for (let n = 2; n < numbers.length; n++) {
    // Across the antimeridian the outline goes on beyond 180 degrees.
    const jump = n % 2 === 0 && Math.abs(numbers[n]) > 180 * PER_DEGREE ? 360 * PER_DEGREE * Math.sign(numbers[n]) : 0;
    numbers[n] += numbers[n - 2] - jump;
  }
  return Float64Array.from(numbers, (value) => value / PER_DEGREE);
}

/**
 * Draws land with its coastline.
 * @param {CanvasRenderingContext2D} context
 * @param {Projection} project
 * @param {{land: string, coast: string}} colors
 */
export function drawLand(context, project, { land, coast }) {
  context.beginPath();
  for (const turn of [-360, 0, 360]) {
    for (const points of coastline()) {
      for (let n = 0; n < points.length; n += 2) {
        const [x, y] = project(points[n] + turn, points[n + 1]);
        n === 0 ? context.moveTo(x, y) : context.lineTo(x, y);
      }
      context.closePath();
    }
  }
  context.fillStyle = land;
  context.fill();
  context.strokeStyle = coast;
  context.lineWidth = 0.8;
  context.stroke();
}
