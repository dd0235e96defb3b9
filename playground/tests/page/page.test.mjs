/** What a person does with the page. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { clickMember, drag, jump, launch, open, packets, state } from "./browser.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const faults = (page) => page.evaluate(() => window.swimlab.session.byHand);
const time = (page) => page.evaluate(() => window.swimlab.session.player.time);
const fragment = (page) => page.evaluate(() => location.hash);

test("the page opens from disk, runs at once, makes no request and reports no error", async () => {
  const { page, problems, requests } = await open(browser, "");
  const first = await time(page);
  await page.waitForFunction((before) => window.swimlab.session.player.time > before + 200_000, first);
  assert.equal(await page.locator("h1").textContent(), await page.evaluate(() => window.swimlab.session.trial.title));
  assert.deepEqual(problems, []);
  assert.equal(requests.length, 1, "the page itself");
});

test("the title is the whole comment at the start of the experiment", async () => {
  const { page } = await open(browser, "#periods?play=no");
  const text = await page.evaluate(() => window.swimlab.session.trial.description.text);
  const title = await page.locator("h1").textContent();
  assert.match(text, /^# [^\n]*\n# /, "a comment of two lines");
  assert.match(title, /^Basic SWIM with periods .* One member crashes in the middle of a common period\.$/);
});

test("a click kills a member, and the update reaches all", async () => {
  const { page } = await open(browser, "#basic?at=20&play=no");
  await clickMember(page, 15);
  const [fault] = await faults(page);
  assert.match(fault, /^crash:at=20s,target=15$/);
  assert.equal(await page.evaluate(() => window.swimlab.session.subject), 15);
  await page.locator("#moments button", { hasText: "all informed" }).click();
  const [{ beliefs, life }] = await state(page);
  assert.equal(life[15], 1);
  beliefs.forEach((belief, member) => assert.ok(member === 15 || life[member] !== 0 || belief === 2, `${member} knows`));
  assert.match(await page.locator("#story").textContent(), /that 15 is dead/);
});

test("another click starts it again, and undo removes the fault", async () => {
  const { page } = await open(browser, "#basic?at=20&play=no");
  await clickMember(page, 15);
  await jump(page, 30);
  await clickMember(page, 15);
  assert.deepEqual(await faults(page), ["restart:at=20s,target=15,down=10s"]);
  assert.equal((await state(page))[0].life[15], 0);
  await page.getByRole("button", { name: /^Undo/ }).click();
  assert.deepEqual(await faults(page), []);
  assert.equal(await time(page), 30_000_000);
});

test("Shift and click pauses, a drag cuts a link, the slider loses packets", async () => {
  const { page } = await open(browser, "#basic?at=2&play=no");
  await clickMember(page, 4, ["Shift"]);
  await drag(page, 2, 14);
  await page.locator("#one-way").check();
  await drag(page, 6, 18);
  await page.locator("#loss").fill("30");
  assert.deepEqual(await faults(page), [
    "pause:at=2s,target=4,lasts=58s",
    "partial-partition:at=2s,target=2,peers=14,direction=both,lasts=58s",
    "partial-partition:at=2s,target=6,peers=18,direction=out,lasts=58s",
    "loss:at=2s,rate=0.3,target=share:1,lasts=58s",
  ]);
  assert.equal((await state(page))[0].paused[4], 1);
  await jump(page, 5);
  await clickMember(page, 4, ["Shift"]);
  assert.equal((await faults(page))[0], "pause:at=2s,target=4,lasts=3s");
  assert.equal((await state(page))[0].paused[4], 0);
  assert.equal(await page.locator("#faults li").count(), 4);
});

test("scrubbing back restores the earlier state exactly", async () => {
  const { page } = await open(browser, "#basic?at=4&play=no&fault=crash:at=9s,target=12");
  const earlier = {};
  for (const at of [4, 9.5, 10.7, 12]) {
    await jump(page, at);
    earlier[at] = await state(page);
  }
  await page.locator("#time").fill("45000");
  for (const at of [12, 4, 10.7, 9.5]) {
    await jump(page, at);
    assert.deepEqual(await state(page), earlier[at], `at ${at} s`);
  }
});

test("a fault by hand leaves the past untouched", async () => {
  const { page } = await open(browser, "#basic?at=8&play=no");
  const sent = await packets(page, 0, 8);
  const shown = await state(page);
  await clickMember(page, 3);
  assert.equal((await faults(page)).length, 1);
  assert.deepEqual(await packets(page, 0, 8), sent);
  const [after] = await state(page);
  assert.deepEqual(after.beliefs, await page.evaluate(() => [...window.swimlab.session.trial.worlds[0].beliefs(3).at(8e6)]));
  assert.equal(after.t, shown[0].t);
});

test("two worlds: packets that both send have the same fate, and faults by hand reach both", async () => {
  const { page } = await open(browser, "#basic?at=3&play=no");
  // Both send datagrams alone: a ping over a stream has another fate than a datagram of the same time.
  await page.locator("#beside").selectOption("profile lha-suspicion");
  await page.locator(".stage").nth(1).waitFor();
  await page.evaluate(async () => {
    const { session } = window.swimlab;
    const text = session.trial.description.text.replace("swim-basic", "swim");
    const { Link } = await import("swimlab/link.js");
    const { link } = (await session.module.call({ link: { name: "two", text } })).response;
    await session.open(Link.parse(`${link}?cell=0&cell=1&at=3&play=no&fault=loss:at=1s,rate=0.3,target=share:1,lasts=50s`));
  });
  assert.equal(await page.locator(".stage").count(), 2);
  const fates = new Map((await packets(page, 0)).map(({ key, fate }) => [key, fate]));
  const both = (await packets(page, 1)).filter(({ key }) => fates.has(key));
  assert.ok(both.length > 100, `${both.length} packets in both`);
  assert.ok(both.filter(({ fate }) => fate === 0xffffffff).length > 20, "some of them are lost");
  both.forEach(({ key, fate }) => assert.equal(fate, fates.get(key), key));
  await clickMember(page, 7);
  const worlds = await state(page);
  assert.deepEqual(worlds.map(({ life }) => life[7]), [1, 1]);
});

test("the URL names the shown state, and leads back to it", async () => {
  const { page } = await open(browser, "#basic?at=2&play=no");
  await clickMember(page, 9);
  await jump(page, 13);
  await page.waitForFunction(() => location.hash.includes("at=13"));
  const shown = await state(page);
  const { page: again } = await open(browser, await fragment(page));
  assert.deepEqual(await state(again), shown);
  assert.equal(await again.locator("#hashes dd").textContent(), await page.locator("#hashes dd").textContent());
  assert.match(await page.locator("#command").textContent(), /^swimlab replay '#basic\?fault=crash:at=2s,target=9'$/);
});

test("a thousand trials run in a worker beside the guess", async () => {
  const { page, problems, requests } = await open(browser, "#basic?play=no&predict=first_ping_s&formula=3.16&formula_name=1.58%20periods");
  await page.locator("#guess").fill("2");
  await page.locator("#predict").click();
  await page.waitForFunction(() => document.getElementById("verdict").textContent !== "", undefined, { timeout: 120_000 });
  assert.match(await page.locator("#predict-progress").textContent(), /^1,000 trials/);
  assert.match(await page.locator("#verdict").textContent(), /^Median [\d.]+ s/);
  assert.deepEqual([problems, requests.length], [[], 1]);
});

test("an experiment's text runs in the page, and an error names its line", async () => {
  const { page } = await open(browser, "#basic?play=no");
  await page.locator("#experiment summary").click();
  const text = await page.locator("#text").inputValue();
  await page.locator("#text").fill(text.replace("uniform", "nonsense"));
  await page.locator("#run-text").click();
  await page.locator("#text-error", { hasText: /^basic:\d+: .*nonsense/ }).waitFor();
  await page.locator("#text").fill(text.replace("members = 24", "members = 30"));
  await page.locator("#run-text").click();
  await page.waitForFunction(() => window.swimlab.session.trial.worlds[0].view.hosts === 30);
  assert.equal(await page.locator("#text-error").textContent(), "");
});

test("a trial of 1,000 members is recorded while the page goes on, and faults made meanwhile all count", async () => {
  const { page } = await open(browser, "#basic?play=no");
  const frames = await page.evaluate(async () => {
    const { session } = window.swimlab;
    const text = session.trial.description.text.replace("members = 24", "members = 1000").replace("swim-basic", "swim");
    const { link } = (await session.module.call({ link: { name: "large", text } })).response;
    const { Link } = await import("swimlab/link.js");
    await session.open(Link.parse(`${link}?at=3&play=no&duration=10s`));
    let frames = 0;
    const count = () => session.recording && requestAnimationFrame(() => (frames++, count()));
    session.act(7);
    session.act(9);
    count();
    await session.recording;
    return frames;
  });
  assert.ok(frames > 10, `${frames} frames while it was recorded`);
  assert.equal((await faults(page)).length, 2);
  assert.deepEqual((await state(page, []))[0].life.flatMap((life, member) => (life === 1 ? [member] : [])), [7, 9]);
});

test("a link that is wrong is refused in a sentence, and the page works on", async () => {
  const { page, problems } = await open(browser, "#nothing-of-this-name");
  assert.match(await page.locator("#notice").textContent(), /no experiment is called/);
  assert.equal(await page.evaluate(() => window.swimlab.session.trial.description.name), "basic");
  assert.deepEqual(problems, []);
});
