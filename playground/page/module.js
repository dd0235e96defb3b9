/**
 * The WebAssembly module with the worlds. It imports nothing, so workers can load it by its URL alone.
 */

/**
 * What the module exports; see playground/src/exports.rs.
 * @typedef {{
 *   memory: WebAssembly.Memory,
 *   input: (len: number) => number,
 *   call: () => number,
 *   output: () => number,
 *   words: () => number,
 *   word_count: () => number,
 * }} Exports
 */

/** A request that the module refuses. Its message is a sentence for the user. */
export class Refusal extends Error {
  name = "Refusal";
}

/** The module, instantiated: answers requests of playground/src/request.rs. */
export class Module {
  /** @param {Exports} exports */
  constructor(exports) {
    this.exports = exports;
  }

  /**
   * @param {BufferSource} bytes
   * @returns {Promise<Module>}
   */
  static async instantiate(bytes) {
    const { instance } = await WebAssembly.instantiate(bytes, {});
    return new Module(/** @type {Exports} */ (/** @type {unknown} */ (instance.exports)));
  }

  /**
   * Answers a request.
   * @param {object | string} request
   * @returns {any}
   */
  call(request) {
    const { memory, input, call, output } = this.exports;
    const bytes = new TextEncoder().encode(JSON.stringify(request));
    const address = input(bytes.length);
    new Uint8Array(memory.buffer, address, bytes.length).set(bytes);
    const length = call();
    const response = JSON.parse(new TextDecoder().decode(new Uint8Array(memory.buffer, output(), length)));
    if (response?.error !== undefined) {
      throw new Refusal(response.error);
    }
    return response;
  }

  /** A copy of the words beside the last response. */
  words() {
    const { memory, words, word_count } = this.exports;
    return new Uint32Array(memory.buffer, words(), word_count()).slice();
  }
}

/**
 * Decompresses bytes that the page holds deflated, in base64.
 * @param {string} text
 * @returns {Promise<ArrayBuffer>}
 */
export async function unpack(text) {
  const binary = atob(text.trim());
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) {
    bytes[i] = binary.charCodeAt(i);
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}
