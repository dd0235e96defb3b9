/** A worker that measures trials with an instance of the module of its own. */

export {};

/**
 * @typedef {{url: string, bytes: ArrayBuffer, link: string, world: number, measure: string, first: number, count: number,
 *   chunk: number}} Task
 * @typedef {{value: number} | {censored: number} | null} Reading
 */

self.addEventListener("message", async (/** @type {MessageEvent<Task>} */ { data }) => {
  try {
    // Import maps do not hold in workers.
    const { Module } = await import(data.url);
    const module = await Module.instantiate(data.bytes);
    module.call({ open: { link: data.link } });
    for (let n = 0; n < data.count; n += data.chunk) {
      const count = Math.min(data.chunk, data.count - n);
      const request = { world: data.world, measure: data.measure, first: data.first + n, count };
      self.postMessage({ trials: module.call({ measure: request }).trials });
    }
  } catch (error) {
    self.postMessage({ error: error instanceof Error ? error.message : `${error}` });
  }
});
