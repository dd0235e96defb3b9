/** The page by keyboard, by touch, on a small screen, with reduced motion; and the time of its frames. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { jump, launch, open, pointOf, state } from "./browser.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const session = (page, key) => page.evaluate((name) => window.swimlab.session[name], key);
const time = (page) => page.evaluate(() => window.swimlab.session.player.time);

test("the keyboard alone kills, scrubs, jumps and undoes", async () => {
  const { page } = await open(browser, "#basic?at=3&play=no");
  await page.keyboard.press("k");
  for (let n = 0; n < 40 && !(await page.evaluate(() => document.activeElement.classList.contains("stage"))); n++) {
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  const chosen = await session(page, "focused");
  await page.keyboard.press("Enter");
  assert.deepEqual(await session(page, "byHand"), [`crash:at=3s,target=${chosen}`]);
  assert.equal((await state(page))[0].life[chosen], 1);
  await page.keyboard.press("2");
  const second = await page.evaluate(() => window.swimlab.session.moments[1].at);
  assert.equal(await time(page), second);
  await page.keyboard.press("ArrowRight");
  assert.ok((await time(page)) > second);
  await page.keyboard.press("ArrowLeft");
  assert.equal(await time(page), second);
  await page.keyboard.press("Home");
  assert.equal(await time(page), 0);
  await page.keyboard.press("Space");
  await page.waitForFunction(() => window.swimlab.session.player.time > 0);
  await page.keyboard.press("Space");
  assert.equal(await page.evaluate(() => window.swimlab.session.player.playing), false);
  await page.keyboard.press("u");
  assert.deepEqual(await session(page, "byHand"), []);
});

test("what happens is told in words to those who do not see it", async () => {
  const { page } = await open(browser, "#basic?at=4.9&play=no");
  await jump(page, 5.001);
  await page.waitForFunction(() => document.getElementById("live").textContent.includes("crashes"));
  const unnamed = await page.locator("button, input, select, textarea").evaluateAll((all) => all.filter((one) => {
    return !(one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length);
  }).map((one) => one.id || one.outerHTML));
  assert.deepEqual(unnamed, []);
});

test("at 390 pixels nothing scrolls sideways, and a tap kills", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const { page } = await open(browser, "#basic?at=3&play=no", { viewport: { width: 390, height: 844 }, hasTouch: true, colorScheme });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), colorScheme);
    const { x, y } = await pointOf(page, 6);
    await page.touchscreen.tap(x, y);
    assert.deepEqual(await session(page, "byHand"), ["crash:at=3s,target=6"]);
  }
});

test("with reduced motion time goes on in steps", async () => {
  const { page } = await open(browser, "#basic?at=1", { reducedMotion: "reduce" });
  const times = new Set();
  for (let n = 0; n < 12; n++) {
    times.add(await time(page));
    await page.waitForTimeout(150);
  }
  assert.ok(times.size <= 4, `${times.size} different times in about two seconds`);
});

test("a frame with 100 members leaves room for 60 in a second", async () => {
  const { page } = await open(browser, "#basic");
  await page.evaluate(async () => {
    const { session } = window.swimlab;
    const { Link } = await import("swimlab/link.js");
    const text = session.trial.description.text.replace("members = 24", "members = 100").replace("swim-basic", "swim");
    const { response } = await session.module.call({ link: { name: "large", text } });
    await session.open(Link.parse(response.link));
    window.swimlab.frameTimes.work.length = 0;
    window.swimlab.frameTimes.between.length = 0;
  });
  await page.waitForFunction(() => window.swimlab.frameTimes.work.length >= 200, undefined, { timeout: 60_000 });
  const { work, between } = await page.evaluate(() => window.swimlab.frameTimes);
  const quantile = (list, share) => [...list].sort((a, b) => a - b)[Math.floor(list.length * share)];
  const figures = [work, between].flatMap((list) => [quantile(list, 0.5), quantile(list, 0.95)]).map((one) => one.toFixed(1));
  console.log(`frames with 100 members: work ${figures[0]} ms (95 %: ${figures[1]}), between ${figures[2]} ms (95 %: ${figures[3]})`);
  // The machine may be busy with other things: the median is far below the budget of 16.7 ms on an idle one.
  assert.ok(quantile(work, 0.5) < 16.7, `${figures[0]} ms`);
});
