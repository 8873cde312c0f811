// Writes the Postman collection from the Bruno files, which are the source of both; never the other way round.
//
//     node export.cjs          writes it
//     node export.cjs --check  fails when it is not what the Bruno files say
//
// It refuses Bruno files that would lose something on the way: a request without tests or docs, and two of one name; and files that
// do not send each operation of the OpenAPI documents at least once.

const fs = require("node:fs");
const path = require("node:path");
const { parseCollection, parseFolder, parseRequest } = require("@usebruno/filestore");
const { brunoToPostman } = require("@usebruno/converters");
const { Url } = require("postman-collection");

const SOURCE = path.join(__dirname, "../bruno");
const DOCUMENTS = { api: "../../openapi/api.json", ingest: "../../openapi/ingest.json" };
const TARGET = path.join(__dirname, "../chat.postman_collection.json");

const parsed = (parse, ...names) => parse(fs.readFileSync(path.join(...names), "utf8"), { format: "bru" });

function collection() {
  const { name } = JSON.parse(fs.readFileSync(path.join(SOURCE, "bruno.json"), "utf8"));
  const folders = fs.readdirSync(SOURCE, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return { name, root: parsed(parseCollection, SOURCE, "collection.bru"), items: folders.map((entry) => folder(entry.name)) };
}

function folder(directory) {
  const root = parsed(parseFolder, SOURCE, directory, "folder.bru");
  const files = fs.readdirSync(path.join(SOURCE, directory)).filter((name) => name !== "folder.bru");
  const items = files.map((file) => parsed(parseRequest, SOURCE, directory, file));
  return { type: "folder", name: root.meta.name, seq: root.meta.seq, root, items };
}

function refuseLosses(requests) {
  const names = new Set();
  for (const { name, request } of requests) {
    if (names.has(name)) throw new Error(`two requests are named "${name}": a request that runs itself again finds itself by its name`);
    if (!request.tests?.includes("test(") || !request.docs) throw new Error(`"${name}" needs tests and docs`);
    names.add(name);
  }
}

// Paths are compared segment by segment; a parameter takes one segment, or its part of one (`messages:batch`).
function refuseGaps(requests) {
  const sent = requests.map(({ request }) => `${request.method} ${request.url.split("?")[0]}`);
  for (const [service, file] of Object.entries(DOCUMENTS)) {
    const { paths } = JSON.parse(fs.readFileSync(path.join(__dirname, file), "utf8"));
    for (const [pattern, operations] of Object.entries(paths)) {
      const form = pattern.split(/\{[^}]+\}/).map((text) => text.replace(/[.]/g, "\\$&")).join("[^/:]+");
      for (const method of Object.keys(operations).map((name) => name.toUpperCase())) {
        const asked = new RegExp(`^${method} \\{\\{${service}Url\\}\\}${form}$`);
        if (!sent.some((request) => asked.test(request))) throw new Error(`no request sends ${method} ${pattern} to ${service}`);
      }
    }
  }
}

// What the converter does not know. Bruno's variables live as long as the collection is open; those of Postman that it takes for the
// same live for one run, where a person who sends one request after another expects collection variables. And Postman has no
// sleep, but waits for a script's timers.
function portable(script) {
  return script
    .replace(/\bbru\.(get|set|delete)Var\(/g, "bru.$1CollectionVar(")
    .replace(/\bawait bru\.sleep\((\d+)\)/g, "setTimeout(() => {}, $1)");
}

function postman(bruno) {
  const requests = bruno.items.flatMap((item) => item.items);
  refuseLosses(requests);
  refuseGaps(requests);
  for (const { request } of requests) {
    request.tests = portable(request.tests);
    if (request.script?.req) request.script.req = portable(request.script.req);
  }
  const descriptions = new Map(bruno.items.map((item) => [item.name, item.root.docs]));
  const exported = brunoToPostman(bruno);
  exported.item = exported.item.map(({ name, ...rest }) => ({ name, description: descriptions.get(name), ...rest }));
  for (const { request } of exported.item.flatMap((item) => item.item)) {
    // The converter takes a variable at the beginning of an address for a part of its path.
    request.url = { raw: request.url.raw, ...new Url(request.url.raw).toJSON() };
  }
  return `${JSON.stringify(exported, null, 2)}\n`;
}

const text = postman(collection());
if (!process.argv.includes("--check")) {
  fs.writeFileSync(TARGET, text);
} else if (!fs.existsSync(TARGET) || fs.readFileSync(TARGET, "utf8") !== text) {
  console.error("chat.postman_collection.json is not what the Bruno files say; write it anew with: scripts/collections export");
  process.exit(1);
}
