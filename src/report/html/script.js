"use strict";
// Conveniences of the report: theme, filter by selector, sorted tables, values under the pointer. Without scripts the report
// shows all the same.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/* Theme: the reader's system decides until the button is pressed. */
function themes() {
  const button = document.getElementById("theme");
  const dark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme:dark)").matches;
  };
  const label = () => (button.textContent = dark() ? "light" : "dark");
  button.hidden = false;
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    label();
  });
  label();
}

/* Filter: a click on a selector in any legend hides it everywhere; a double click shows it alone. */
function filters() {
  const hidden = new Set();
  const keys = all(".key li");
  const names = new Set(keys.map(key => key.dataset.s));
  const apply = () => {
    for (const element of all("[data-s]:not(.key li)")) element.classList.toggle("off", hidden.has(element.dataset.s));
    for (const key of keys) key.firstElementChild.setAttribute("aria-pressed", String(!hidden.has(key.dataset.s)));
    for (const key of keys) key.classList.toggle("faded", hidden.has(key.dataset.s));
  };
  for (const key of keys) {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "click: hide or show; double click: show alone";
    button.append(...key.childNodes);
    key.append(button);
    const name = key.dataset.s;
    button.addEventListener("click", () => {
      if (!hidden.delete(name)) hidden.add(name);
      apply();
    });
    button.addEventListener("dblclick", () => {
      const alone = hidden.size === names.size - 1 && !hidden.has(name);
      hidden.clear();
      if (!alone) for (const other of names) if (other !== name) hidden.add(other);
      apply();
    });
  }
  apply();
}

/* Sorting: a click on a heading sorts by the first number of its column, again the other way round. */
function sorting() {
  for (const table of all("table.sortable")) {
    const heads = all("thead th", table);
    const body = table.tBodies[0];
    const rows = [...body.rows];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const order = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", order);
        const value = row => Number(row.cells[column].dataset.v ?? "Infinity");
        const sorted = rows.slice().sort((one, other) =>
          column === 0 ? rows.indexOf(one) - rows.indexOf(other) : value(one) - value(other) || 0);
        body.append(...(order === "ascending" ? sorted : sorted.reverse()));
      });
    });
  }
}

const digits = value => String(Number(value.toPrecision(3)));

/* A value of an axis with its unit. */
function figure(value, unit) {
  if (unit === "share") return `${digits(100 * value)} %`;
  if (unit !== "s") return digits(value);
  if (value >= 1 || value === 0) return `${digits(value)} s`;
  return value >= 1e-3 ? `${digits(1e3 * value)} ms` : `${digits(1e6 * value)} µs`;
}

/* An axis that maps values to positions: both ends of either, and whether it is logarithmic. */
function axis([low, high, from, to], isLog) {
  const share = at => (at - from) / (to - from);
  return at => (isLog ? low * (high / low) ** share(at) : low + share(at) * (high - low));
}

/* The height of a step curve (path of M, H and V) at a position: beyond its end the last one, null before its start. */
function heightAt(steps, x) {
  let height = null;
  for (const [from, y] of steps) {
    if (from > x) break;
    height = y;
  }
  return height;
}

function stepsOf(path) {
  const steps = [];
  let [x, y] = [0, 0];
  for (const [, letter, first, second] of path.matchAll(/([MHV])(-?[\d.]+)(?: (-?[\d.]+))?/g)) {
    if (letter === "M") [x, y] = [Number(first), Number(second)];
    else if (letter === "H") x = Number(first);
    else y = Number(first);
    steps.push([x, y]);
  }
  return steps;
}

/* Values under the pointer: of all curves of a plot at once, or of one mark. */
function hovering() {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  const show = (event, lines) => {
    tip.replaceChildren(...lines.map(({ text, color }) => {
      const line = document.createElement("div");
      line.textContent = text;
      if (color) line.style.color = color;
      return line;
    }));
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 4))}px`;
    tip.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - height - 4))}px`;
  };
  for (const title of all("svg title")) {
    title.parentElement.dataset.tip ??= title.textContent;
    title.remove();
  }
  for (const svg of all("svg[data-axes]")) {
    const { x, y, xLog, yLog, xUnit, yUnit } = JSON.parse(svg.dataset.axes);
    const [across, up] = [axis(x, xLog), axis(y, yLog)];
    const curves = all("path.curve[data-s]", svg).map(path => ({ path, steps: stepsOf(path.getAttribute("d")) }));
    const ruler = document.createElementNS(svg.namespaceURI, "path");
    ruler.setAttribute("class", "ruler");
    svg.append(ruler);
    svg.addEventListener("pointermove", event => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse()).x;
      if (at < x[2] || at > x[3]) return;
      ruler.setAttribute("d", `M${at} ${y[3]}V${y[2]}`);
      const lines = curves.filter(({ path }) => !path.classList.contains("off")).map(({ path, steps }) => {
        // A tail ends with the last trial: nothing is left beyond it.
        const isOver = yLog && at > steps[steps.length - 1][0];
        const height = isOver ? null : heightAt(steps, at);
        const value = height === null ? "" : ` ${figure(up(height), yUnit)}`;
        return { text: path.dataset.tip + value, color: getComputedStyle(path).color };
      });
      show(event, [{ text: figure(across(at), xUnit) }, ...lines]);
    });
    svg.addEventListener("pointerleave", () => ruler.removeAttribute("d"));
  }
  document.addEventListener("pointermove", event => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (target.closest("svg[data-axes]")) return;
    const marked = target.closest("[data-tip]");
    if (marked) show(event, [{ text: marked.dataset.tip }]);
    else tip.hidden = true;
  });
  document.addEventListener("scroll", () => (tip.hidden = true), { passive: true });
}

themes();
filters();
sorting();
hovering();
