// The page: learns what it may do, then shows every snapshot.

import { open } from "./calls.js";
import * as counts from "./counts.js";
import { byId, element, say, show } from "./dom.js";
import * as epochs from "./epochs.js";
import * as letters from "./letters.js";
import * as queues from "./queues.js";
import * as replicas from "./replicas.js";
import * as stages from "./stages.js";
import { follow } from "./stream.js";

const PARTS = { redis: "Redis", rabbitmq: "RabbitMQ", mysql: "MySQL" };
const STATES = { live: "live", connecting: "connecting …", silent: "no news: these figures are old" };
let missed = "";

/** Says what came of an action, to the eye and to a screen reader. */
function tell(sentence, isBad = false) {
  const said = byId("said");
  said.classList.toggle("bad", isBad);
  said.textContent = sentence;
}

/** Said once and not every second: a screen reader reads it out. */
function tellMissing(missing) {
  const names = JSON.stringify(missing.map(({ part }) => part));
  if (names === missed) return;
  missed = names;
  byId("missing").replaceChildren(...missing.map(({ part, why }) => element("li", `${PARTS[part] ?? part} does not answer: ${why}`)));
}

function shown(snapshot) {
  tellMissing(snapshot.missing);
  for (const part of [stages, queues, letters, counts, epochs, replicas]) part.show(snapshot);
}

function connection(state) {
  const node = byId("connection");
  node.dataset.state = state;
  say(node, STATES[state]);
}

async function begin() {
  const session = await open();
  show(byId("sign-out"), session.can_sign_out);
  show(byId("may-not"), !session.may_act);
  counts.prepare(tell);
  letters.prepare(tell);
  follow(shown, connection);
}

begin().catch((problem) => tell(problem.message, true));
