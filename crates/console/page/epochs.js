// In which epochs numbers were given, and why each was opened.

import { byId, keep } from "./dom.js";
import { since } from "./format.js";

export function show({ at, epochs }) {
  keep(byId("epoch-rows"), epochs, (epoch) => epoch.number, [
    (epoch) => String(epoch.number),
    (epoch) => since(epoch.opened_at, at),
    (epoch) => epoch.reason.replaceAll("_", " "),
    (epoch) => (epoch.is_closed ? "closed" : "open"),
  ]);
}
