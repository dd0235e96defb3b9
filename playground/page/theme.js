/**
 * Light and dark: colors by name, for drawings as for styles. They are safe for the color-blind (Okabe and Ito's hues), and
 * no meaning depends on color alone.
 */

const NAMES = /** @type {const} */ ([
  "page", "surface", "ink", "soft", "line", "strong-line", "accent", "alive", "alive-edge", "suspect", "suspect-edge", "dead",
  "dead-edge", "left", "left-edge", "unknown", "unknown-edge", "down", "probe", "indirect", "other", "refute", "land", "coast",
  "on-dead", "on-alive", "cursor",
]);

/** @typedef {Record<typeof NAMES[number], string>} Colors */

const dark = window.matchMedia("(prefers-color-scheme: dark)");

/** @type {Colors} */
let current;

/** The colors of the theme in force. */
export function colors() {
  return current;
}

/** @param {"light" | "dark"} theme */
function apply(theme) {
  document.documentElement.dataset.theme = theme;
  const style = getComputedStyle(document.documentElement);
  current = /** @type {Colors} */ (Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])));
}

/**
 * Applies the system's theme until the button chooses another one.
 * @param {HTMLButtonElement} button
 */
export function startTheme(button) {
  let chosen = false;
  apply(dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => chosen || apply(dark.matches ? "dark" : "light"));
  button.addEventListener("click", () => {
    chosen = true;
    apply(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  });
}
