// The count job: its last run, and one more now.

import { act, mayAct } from "./calls.js";
import { byId, say, show as reveal } from "./dom.js";
import { count, since, span, took } from "./format.js";

export function prepare(tell) {
  const button = byId("count-now");
  reveal(button, mayAct());
  button.addEventListener("click", async () => {
    button.setAttribute("aria-disabled", "true");
    try {
      tell(`Counts: ${(await act("counts/run")).told}.`);
    } catch (problem) {
      tell(`Counts: ${problem.message}`, true);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}

export function show({ at, counts }) {
  const { last, is_wanted, every } = counts;
  const when = last ? since(last.at, at) : "not since the consumers were started";
  say(byId("counted-at"), is_wanted ? `${when}; asked to run now` : when);
  say(byId("counted-marks"), last && last.marks === null ? "failed" : count(last?.marks));
  say(byId("counted-took"), took(last?.took));
  say(byId("counted-by"), last?.place ?? "–");
  say(byId("counted-every"), span(every));
}
