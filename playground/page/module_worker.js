/** A worker with an instance of the module: it answers requests in the order in which they come. */

export {};

/**
 * @typedef {import("./module.js").Module} Module
 * @typedef {{url: string, bytes: ArrayBuffer}} Start where the code of module.js is, and the bytes of the module
 * @typedef {{number: number, request: object | string}} Call
 */

/** @type {Module | undefined} */
let module;

self.addEventListener("message", async (/** @type {MessageEvent<Start | Call>} */ { data }) => {
  try {
    if ("url" in data) {
      // Import maps do not hold in workers.
      const { Module } = await import(data.url);
      module = await Module.instantiate(data.bytes);
      self.postMessage({ ready: true });
    } else if (module !== undefined) {
      answer(module, data);
    }
  } catch (error) {
    self.postMessage({ error: `${error}` });
  }
});

/**
 * @param {Module} started
 * @param {Call} call
 */
function answer(started, { number, request }) {
  try {
    const response = started.call(request);
    const words = started.words();
    self.postMessage({ number, response, words }, { transfer: [words.buffer] });
  } catch (error) {
    if (!(error instanceof Error && error.name === "Refusal")) {
      throw error;
    }
    self.postMessage({ number, refusal: error.message });
  }
}
