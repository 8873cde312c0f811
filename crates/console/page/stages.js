// The steps of the pipeline, each with a line of its last minutes.

import { byId, element, keep, say } from "./dom.js";
import { count, rate, span, took, upTo } from "./format.js";

const NAMES = {
  accept: "Create requests",
  publish: "Creates published",
  store: "Items stored",
  index: "Messages indexed",
  findable: "Findable after",
  read: "Reads and updates",
  search: "Searches",
};
// As wide as the line's view box.
const POINTS = 120;
const past = new Map();

function furnish(row, stage) {
  const cell = element("td", "", { className: "line" });
  cell.append(byId("line").content.cloneNode(true));
  row.cells[1].after(cell);
  past.set(stage.key, []);
}

function draw(row, stage) {
  const values = past.get(stage.key);
  values.push(stage.per_s ?? 0);
  if (values.length > POINTS) values.shift();
  const most = Math.max(...values, 1e-9);
  const points = values.map((value, place) => `${POINTS - values.length + place + 1},${(19 - (18 * value) / most).toFixed(1)}`);
  row.querySelector("polyline").setAttribute("points", points.join(" "));
}

// The line stands between the second and the third of these, and is no text.
const BEFORE = [(stage) => NAMES[stage.key] ?? stage.key, (stage) => rate(stage.per_s)];
const BEHIND = [
  (stage) => took(stage.p50),
  (stage) => took(stage.p99),
  (stage) => rate(stage.failed_per_s),
  (stage) => rate(stage.together),
  (stage) => count(stage.waiting),
];

export function show({ stages, outbox, gaps }) {
  const body = byId("stages");
  keep(body, stages, (stage) => stage.key, BEFORE, furnish);
  for (const stage of stages) {
    const row = body.querySelector(`[data-key="${CSS.escape(stage.key)}"]`);
    BEHIND.forEach((column, place) => {
      if (!row.cells[3 + place]) row.append(element("td"));
      say(row.cells[3 + place], column(stage));
    });
    row.classList.toggle("bad", stage.failed_per_s > 0);
    draw(row, stage);
  }
  say(byId("outbox-rows"), outbox ? upTo(outbox.rows, outbox.most) : "–");
  say(byId("outbox-oldest"), outbox ? (outbox.oldest === null ? "nothing waits" : span(outbox.oldest)) : "–");
  say(byId("gaps"), count(gaps.since_start));
  say(byId("gaps-rate"), rate(gaps.per_min));
}
