// What waits in each queue, and who works it off.

import { byId, keep } from "./dom.js";
import { ago, count } from "./format.js";

function consumer(queue) {
  if (!queue.is_consumed) return "none";
  return queue.holder ?? "one that has taken nothing yet";
}

const COLUMNS = [
  (queue) => String(queue.partition),
  (queue) => count(queue.messages),
  consumer,
  (queue) => (queue.is_consumed ? ago(queue.taken_ago) : "–"),
  (queue) => count(queue.epoch),
];

export function show({ queues }) {
  const body = byId("queue-rows");
  keep(body, queues, (queue) => queue.partition, COLUMNS);
  queues.forEach((queue, place) => body.rows[place].classList.toggle("bad", !queue.is_consumed));
}
