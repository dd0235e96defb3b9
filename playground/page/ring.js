/** Members on a ring. */

/**
 * Positions of members and the size in which they are drawn.
 * @typedef {{x: Float64Array, y: Float64Array, radius: number, labels: boolean}} Layout
 */

/** The most members on one circle; more of them are in several. */
const GAP = 8;

/**
 * @param {number} hosts
 * @param {number} width
 * @param {number} height
 * @returns {Layout}
 */
export function ringLayout(hosts, width, height) {
  const outer = Math.max(40, Math.min(width, height) / 2 - 26);
  const circles = Math.max(1, Math.ceil(hosts / ((2 * Math.PI * outer) / GAP)));
  const room = (2 * Math.PI * outer * circles) / Math.max(1, hosts);
  const radius = Math.min(17, Math.max(2.5, room * 0.3));
  const [x, y] = [new Float64Array(hosts), new Float64Array(hosts)];
  for (let member = 0; member < hosts; member++) {
    const angle = (2 * Math.PI * member) / hosts - Math.PI / 2;
    const distance = outer - (member % circles) * (2 * radius + 3);
    x[member] = width / 2 + distance * Math.cos(angle);
    y[member] = height / 2 + distance * Math.sin(angle);
  }
  return { x, y, radius, labels: radius >= 9 };
}
