// Who is alive, and of which version.

import { byId, keep } from "./dom.js";
import { ago, rate, since } from "./format.js";

export function show({ at, replicas }) {
  const body = byId("replica-rows");
  keep(body, replicas, (replica) => replica.instance, [
    (replica) => replica.place,
    (replica) => replica.service,
    (replica) => replica.version,
    (replica) => since(replica.started_at, at),
    (replica) => rate(replica.per_s),
    (replica) => ago(replica.silent),
  ]);
  const versions = new Set(replicas.map((replica) => replica.version));
  replicas.forEach((replica, place) => body.rows[place].classList.toggle("odd", versions.size > 1));
}
