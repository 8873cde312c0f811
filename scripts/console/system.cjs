// The system behind the console, as its clients and its operator's other tools see it. It makes work for the pipeline, and dead letters in
// the way in which they come about: by messages in the queue that cannot be stored.

const { randomUUID } = require("node:crypto");
const amqp = require("amqplib");

const { API_URL, INGEST_URL, AMQP_URL, ADMIN_TOKEN } = process.env;
for (const [name, value] of Object.entries({ API_URL, INGEST_URL, AMQP_URL, ADMIN_TOKEN })) {
  if (!value) throw new Error(`${name} is not set: run this by \`make console-check\``);
}

const HEADERS = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };
const PATIENCE_MS = 30_000;

async function ask(url, method, path, body) {
  const answer = await fetch(url + path, { method, headers: HEADERS, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

const snapshot = () => ask(API_URL, "GET", "/console/snapshot");

/** Asks until `holds`, and returns what it asked for. */
async function until(what, read, holds) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (Date.now() > end) throw new Error(`did not come about: ${what}\n${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** An application with a chat in which there is a message. It is the system's first, and so its key is 1. */
async function prepare() {
  const { token } = await ask(API_URL, "POST", "/applications", { name: "console check" });
  const path = `/applications/${token}`;
  await ask(INGEST_URL, "POST", `${path}/chats`, {});
  await ask(INGEST_URL, "POST", `${path}/chats/1/messages`, { body: "what is stored" });
  await until("the message is stored", () => ask(API_URL, "GET", `${path}/chats/1/messages`), (listed) => listed.length > 0);
  return path;
}

const post = (path, text) => ask(INGEST_URL, "POST", `${path}/chats/1/messages`, { body: text });
const createChat = (path) => ask(INGEST_URL, "POST", `${path}/chats`, {});

/** What an ingest would publish. */
function message(chat, number, body) {
  return {
    type: "message", event_id: randomUUID(), application_id: 1, chat, number, body,
    created_at: new Date().toISOString(), request_id: "console-check",
  };
}

/** Publishes these payloads where ingest publishes, and waits until the consumer has made as many dead letters as are given. */
async function bury(payloads, letters) {
  const epoch = (await until("an epoch", snapshot, (shown) => shown.epochs.length > 0)).epochs[0].number;
  const connection = await amqp.connect(AMQP_URL);
  try {
    const channel = await connection.createConfirmChannel();
    for (const payload of payloads(epoch)) {
      channel.publish("chat.writes", `${epoch}.0`, Buffer.from(payload), { persistent: true, mandatory: true });
    }
    await channel.waitForConfirms();
  } finally {
    await connection.close();
  }
  const shown = await until("the dead letters", snapshot, (shown) => shown.letters.list.length === letters);
  return Object.fromEntries(shown.letters.list.map((letter) => [letter.reason, letter.id]));
}

const items = (epoch, ...all) => JSON.stringify({ v: 1, kind: "items", epoch, items: all });

module.exports = { ADMIN_TOKEN, API_URL, PATIENCE_MS, bury, createChat, items, message, post, prepare, snapshot, until };
