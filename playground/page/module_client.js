/** The module in a worker of its own, so that the page stays alive while it records long trials. */

import { Module, Refusal } from "swimlab/module.js";

/**
 * @typedef {{response: any, words: Uint32Array}} Answer the response to a request, and the words beside it
 * @typedef {{call: (request: object | string) => Promise<Answer>, stop: () => void}} ModuleClient answers requests in
 *   the order of the calls; a call fails with a `Refusal` if the module refuses
 * @typedef {{resolve: (answer: Answer) => void, reject: (error: Error) => void}} Waiting
 */

/**
 * Starts an instance of the module: in a worker, or in this thread if the browser starts no worker.
 * @param {ArrayBuffer} bytes of the module
 * @returns {Promise<ModuleClient>}
 */
export async function startModule(bytes) {
  const client = new WorkerClient(bytes);
  try {
    await client.ready;
    return client;
  } catch {
    const module = await Module.instantiate(bytes);
    return { call: async (request) => ({ response: module.call(request), words: module.words() }), stop: () => {} };
  }
}

class WorkerClient {
  /** @param {ArrayBuffer} bytes */
  constructor(bytes) {
    /** Calls without an answer, by their numbers. @type {Map<number, Waiting>} */
    this.waiting = new Map();
    this.calls = 0;
    const source = `import(${JSON.stringify(import.meta.resolve("swimlab/module_worker.js"))}).then(() => postMessage({ loaded: true }))`;
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    this.worker = new Worker(url);
    /** @type {Promise<void>} */
    this.ready = new Promise((resolve, reject) => {
      this.worker.addEventListener("error", ({ message }) => reject(this.fail(message)));
      this.worker.addEventListener("message", ({ data }) => {
        if (data.loaded) {
          URL.revokeObjectURL(url);
          this.worker.postMessage({ url: import.meta.resolve("swimlab/module.js"), bytes });
        } else if (data.ready) {
          resolve();
        } else if (data.error !== undefined) {
          reject(this.fail(data.error));
        } else {
          this.answered(data);
        }
      });
    });
  }

  /**
   * @param {object | string} request
   * @returns {Promise<Answer>}
   */
  call(request) {
    return new Promise((resolve, reject) => {
      this.waiting.set(this.calls, { resolve, reject });
      this.worker.postMessage({ number: this.calls, request });
      this.calls++;
    });
  }

  /** @param {{number: number, refusal?: string} & Answer} answer */
  answered({ number, refusal, response, words }) {
    const waiting = this.waiting.get(number);
    this.waiting.delete(number);
    refusal === undefined ? waiting?.resolve({ response, words }) : waiting?.reject(new Refusal(refusal));
  }

  /** @param {string} message */
  fail(message) {
    const error = new Error(message || "the worker did not start");
    this.waiting.forEach(({ reject }) => reject(error));
    this.waiting.clear();
    return error;
  }

  /** Ends the worker, also amid a request; its calls stay without an answer. */
  stop() {
    this.worker.terminate();
    this.waiting.clear();
  }
}
