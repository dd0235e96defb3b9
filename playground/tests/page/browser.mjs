/** The built page in a headless browser, for the tests beside this file. */

import { existsSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const PAGE = fileURLToPath(new URL("../../dist/swimlab.html", import.meta.url));

/** Places of browsers; the variable comes first. */
const BROWSERS = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Starts the browser. */
export function launch() {
  const executablePath = BROWSERS.find((path) => path !== undefined && existsSync(path));
  if (executablePath === undefined) {
    throw new Error("there is no Chromium: install it, or set CHROMIUM to its path");
  }
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/**
 * A tab that notes its problems and its requests.
 * @param {import("playwright-core").Browser} browser
 * @param {object} options of the browser's context
 */
export async function watch(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const problems = [];
  const requests = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(`${error}`));
  page.on("request", (request) => /^(data|blob):/.test(request.url()) || requests.push(request.url()));
  return { page, problems, requests };
}

/**
 * Opens the page from disk.
 * @param {import("playwright-core").Browser} browser
 * @param {string} link
 * @param {object} options of the browser's context
 */
export async function open(browser, link = "#basic", options = {}) {
  if (!existsSync(PAGE)) {
    throw new Error("the page is not built: cargo xtask page");
  }
  const { page, problems, requests } = await watch(browser, options);
  await page.goto(pathToFileURL(PAGE).href + link);
  await page.waitForFunction(() => window.swimlab !== undefined, undefined, { timeout: 60_000 });
  return { page, problems, requests };
}

/** The point of a member on a world's stage, in the page's coordinates. */
export async function pointOf(page, member, world = 0) {
  await page.locator(`.stage[data-world="${world}"]`).scrollIntoViewIfNeeded();
  return page.evaluate(([number, of]) => {
    const { stage } = window.swimlab.panes.panes[of];
    const { left, top } = stage.canvas.getBoundingClientRect();
    return { x: left + stage.layout.x[number], y: top + stage.layout.y[number] };
  }, [member, world]);
}

export async function clickMember(page, member, modifiers = []) {
  const { x, y } = await pointOf(page, member);
  for (const key of modifiers) {
    await page.keyboard.down(key);
  }
  await page.mouse.click(x, y);
  for (const key of modifiers) {
    await page.keyboard.up(key);
  }
}

export async function drag(page, from, to) {
  const [start, end] = [await pointOf(page, from), await pointOf(page, to)];
  await page.mouse.move(start.x, start.y);
  await page.mouse.down();
  await page.mouse.move((start.x + end.x) / 2, (start.y + end.y) / 2);
  await page.mouse.move(end.x, end.y);
  await page.mouse.up();
}

/** What the page shows: time, states, beliefs, and the members as the module has them. */
export function state(page, members = [0, 5, 8, 12]) {
  return page.evaluate(async (looked) => {
    const { session } = window.swimlab;
    await session.recording;
    const t = session.player.time;
    return Promise.all(session.trial.worlds.map(async (world) => ({
      t,
      beliefs: [...world.beliefs(session.subject).at(t)],
      life: [...world.lives.at(t).life],
      paused: [...world.lives.at(t).impaired],
      views: (await Promise.all(looked.map((member) => world.inspect(t, member)))).map((view) => JSON.stringify(view)),
    })));
  }, members);
}

export const jump = (page, seconds) => page.evaluate((to) => window.swimlab.session.jump(to * 1e6), seconds);

/** Packets as text, up to a time in seconds. */
export function packets(page, world, until = Infinity) {
  return page.evaluate(async ([number, end]) => {
    await window.swimlab.session.recording;
    const { recording } = window.swimlab.session.trial.worlds[number];
    const all = Array.from({ length: recording.packetCount }, (_, row) => recording.packet(row));
    return all.filter(({ sent }) => sent < end * 1e6).map(({ sent, end: arrives, from, to, kind }) => ({ key: `${sent} ${from} ${to} ${kind}`, fate: arrives }));
  }, [world, until]);
}
