/** What a person does with a report of `swimlab run`. REPORT names one of the default experiment. */

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { launch, watch } from "./browser.mjs";

const REPORT = process.env.REPORT;

describe("a report", { skip: REPORT === undefined && "REPORT names no file (see README.md)" }, () => {
  let browser;
  before(async () => (browser = await launch()));
  after(() => browser.close());

  /** Opens the report from disk. */
  async function open(options) {
    const watched = await watch(browser, options);
    await watched.page.goto(pathToFileURL(resolve(REPORT)).href);
    return watched;
  }

  const names = (page) => page.locator(".key li").evaluateAll((keys) => [...new Set(keys.map((key) => key.dataset.s))]);
  const shown = (page) => page.locator("svg [data-s]:not(.off)").evaluateAll((all) => [...new Set(all.map((one) => one.dataset.s))].sort());

  test("opens from disk, makes no request and reports no error", async () => {
    const { page, problems, requests } = await open();
    assert.ok((await page.locator("svg").count()) > 3, "pictures");
    assert.deepEqual([problems, requests.length], [[], 1]);
  });

  test("a click on a selector hides it in all pictures, another one shows it again, a double click shows it alone", async () => {
    const { page } = await open();
    const all = (await names(page)).sort();
    assert.ok(all.length >= 3, `${all}`);
    assert.deepEqual(await shown(page), all);
    const key = page.locator(`.key li[data-s="${all[1]}"] button`).first();
    await key.click();
    assert.deepEqual(await shown(page), all.filter((name) => name !== all[1]));
    assert.equal(await key.getAttribute("aria-pressed"), "false");
    await page.waitForTimeout(600);
    await key.click();
    assert.deepEqual(await shown(page), all);
    await page.waitForTimeout(600);
    await key.dblclick();
    assert.deepEqual(await shown(page), [all[1]]);
  });

  test("a click on a heading sorts the table by the values of its column, a second one the other way round", async () => {
    const { page } = await open();
    const table = page.locator("table.sortable").first();
    const column = () => table.locator("tbody tr").evaluateAll((rows) => rows.map((row) => Number(row.cells[1].dataset.v ?? "Infinity")));
    const head = table.locator("thead th button").nth(1);
    await head.click();
    const values = await column();
    assert.ok(new Set(values).size > 1, "rows that differ");
    assert.deepEqual(values, [...values].sort((a, b) => a - b));
    await head.click();
    assert.deepEqual(await column(), [...values].reverse());
  });

  test("values under the pointer are of all selectors that are shown", async () => {
    const { page } = await open();
    const plot = page.locator("svg[data-axes]").first();
    await plot.scrollIntoViewIfNeeded();
    const { x, y, width, height } = await plot.boundingBox();
    await page.mouse.move(x + width / 2, y + height / 2);
    const lines = await page.locator(".tip div").allTextContents();
    const curves = await plot.locator("path.curve[data-s]").count();
    assert.ok(curves >= 3, `${curves} curves`);
    assert.equal(lines.length, curves + 1, "the position, and a line for each curve");
    assert.match(lines[0], /^[\d.]+ (s|ms)$/);
  });

  test("the theme follows the system until the button is pressed", async () => {
    const { page } = await open({ colorScheme: "dark" });
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await background();
    await page.locator("#theme").click();
    assert.notEqual(await background(), dark);
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
  });

  test("at 390 pixels the page itself does not scroll sideways", async () => {
    const { page } = await open({ viewport: { width: 390, height: 844 } });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  });
});
