/** The page's module against the native build: the same links, the same trace hashes. HASHES names the native ones. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Module, unpack } from "../../page/module.js";

test("all profiles have the same trace hashes as natively, for 20 seeds each", { skip: process.env.HASHES === undefined && "HASHES names no file (see README.md)" }, async () => {
  const html = readFileSync(fileURLToPath(new URL("../../dist/swimlab.html", import.meta.url)), "utf8");
  const packed = /id="module">([^<]*)</.exec(html)[1];
  const module = await Module.instantiate(await unpack(packed));
  const lines = readFileSync(process.env.HASHES, "utf8").trim().split("\n").map(JSON.parse);
  assert.ok(lines.length >= 200, `${lines.length} trials`);
  for (const { link, hash } of lines) {
    module.call({ open: { link } });
    assert.equal(module.call({ record: { world: 0 } }).trace_hash, hash, link);
  }
  console.log(`${lines.length} trials have the same hashes`);
});
