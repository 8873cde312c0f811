// Dead letters: the list, one of them with what its client wrote, and what may be done to it.

import { act, mayAct, read } from "./calls.js";
import { byId, element, keep, list, say, show as reveal } from "./dom.js";
import { count, since, upTo } from "./format.js";

const name = (reason) => reason.replaceAll("_", " ");

function where(letter) {
  const parts = [["application", letter.application], ["chat", letter.chat], ["message", letter.message]];
  return parts.filter(([, number]) => number !== null).map((part) => part.join(" ")).join(", ") || "unknown";
}

/** Shows one letter as a whole. */
async function look(id) {
  const letter = await read(`letters/${id}`);
  say(byId("letter-title"), `Dead letter ${letter.id}`);
  list(byId("letter-facts"), [
    ["Reason", name(letter.reason)],
    ["Detail", letter.detail],
    ["Where", where(letter)],
    ["Event", letter.event],
    ["When", letter.at],
    ["Resolution", letter.resolution && `${letter.resolution}, ${letter.resolved_at}`],
    ["Size", `${count(letter.bytes)} bytes${letter.is_cut ? ", of which the beginning is shown" : ""}`],
  ]);
  const sides = [["Stored under the number", letter.stored], ["In the letter", letter.own]];
  byId("letter-sides").replaceChildren(...(letter.stored ? sides.filter(([, side]) => side).flatMap(([title, side]) => rival(title, side)) : []));
  say(byId("letter-payload"), letter.payload);
  byId("letter").showModal();
}

function rival(title, side) {
  const facts = element("dl", "", { className: "facts" });
  list(facts, [["Event", side.event], ["Created", side.created_at], ["Version", side.version], ["Text", side.text]]);
  return [element("h3", title), facts];
}

/** Asks whether a letter is to be let go. */
function sure(id) {
  const dialog = byId("sure");
  say(byId("sure-text"), `Letter ${id} was acknowledged to a client. Discarded, it will not be stored; its number stays taken.`);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

export function prepare(tell) {
  const doing = {
    look: async (id) => look(id),
    retry: async (id) => tell(`Letter ${id}: ${(await act(`letters/${id}/retry`)).told}.`),
    discard: async (id) => {
      if (await sure(id)) tell(`Letter ${id}: ${(await act(`letters/${id}/discard`)).told}.`);
    },
  };
  byId("letter-rows").addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button || button.hasAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    const { action, id } = button.dataset;
    try {
      await doing[action](id);
    } catch (problem) {
      tell(`Letter ${id}: ${problem.message}`, true);
    } finally {
      button.removeAttribute("aria-disabled");
      // The row may be gone by the next snapshot: then the keyboard is not to begin at the page's top.
      if (!button.isConnected) byId("main").focus();
    }
  });
}

function furnish(row, letter) {
  if (!mayAct()) return;
  const cell = element("td", "", { className: "actions" });
  for (const [action, label] of [["look", "Look"], ["retry", "Retry"], ["discard", "Discard"]]) {
    const button = element("button", label, { type: "button" });
    Object.assign(button.dataset, { action, id: letter.id });
    button.setAttribute("aria-label", `${label} letter ${letter.id}`);
    cell.append(button);
  }
  row.append(cell);
}

export function show({ at, letters }) {
  const { unresolved, most } = letters;
  list(byId("letter-reasons"), unresolved.map(([reason, number]) => [name(reason), upTo(number, most)]));
  keep(
    byId("letter-rows"),
    letters.list,
    (letter) => letter.id,
    [(letter) => String(letter.id), (letter) => name(letter.reason), where, (letter) => since(letter.at, at), (letter) => letter.detail],
    furnish,
  );
  reveal(byId("letter-table"), letters.list.length > 0);
  reveal(byId("no-letters"), unresolved.length > 0 && letters.list.length === 0);
  reveal(byId("more-letters"), letters.are_more);
}
