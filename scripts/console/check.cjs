// Tries the console as an operator would. Each step prints a line; the first that fails ends the run.

const assert = require("node:assert/strict");
const { chromium } = require("playwright-core");
const pictures = require("./pictures.cjs");
const reading = require("./reading.cjs");
const system = require("./system.cjs");

const { ADMIN_TOKEN, API_URL, PATIENCE_MS } = system;
const MARKUP = '<img src="x" onerror="document.title=\'broken\'"><script>document.title="broken"</script>';
const done = (sentence) => console.log(`console: ${sentence}`);

/** Whatever a browser complains of. The one answer that is meant to be refused is not among it. */
function complaints(page) {
  const found = [];
  page.on("pageerror", (error) => found.push(String(error)));
  page.on("console", (said) => {
    const meant = said.text().includes("401") && said.location().url.endsWith("/console/session");
    if (["error", "warning"].includes(said.type()) && !meant) found.push(`${said.text()} (${said.location().url})`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(API_URL)) found.push(`asked for ${request.url()}`);
  });
  return found;
}

// The page there may lead elsewhere before it is loaded.
const go = (page, path) => page.goto(API_URL + path, { waitUntil: "commit" });
const live = (page) => page.locator('#connection[data-state="live"]').waitFor();
const said = (page, text) => page.locator("#said", { hasText: text }).waitFor();
const letter = (page, id) => page.locator(`#letter-rows tr[data-key="${id}"]`);

async function signIn(page) {
  await go(page, "/console");
  await page.waitForURL("**/console/sign-in");
  await reading.structure(page);
  await pictures.take(page, "sign-in", () => page.locator("#token").waitFor());
  await page.getByLabel("Administrator's token").fill("not the token");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("#refused").waitFor({ state: "visible" });
  await page.getByLabel("Administrator's token").fill(ADMIN_TOKEN);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/console/");
  await live(page);
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, "Strict", "/console"]);
  assert.ok(!cookie.value.includes(ADMIN_TOKEN));
  assert.equal(await page.evaluate(() => document.cookie), "");
  // Who is signed in and comes from elsewhere, without the cookie of that first request, is let in all the same.
  await go(page, "/console/sign-in");
  await page.waitForURL("**/console/");
  await live(page);
  done("signed in; a wrong token is refused");
}

async function figures(page, path) {
  const working = setInterval(() => system.post(path, "work for the pipeline").catch(() => {}), 100);
  try {
    const moving = () => {
      const rates = ["accept", "publish", "store"].map((key) => document.querySelector(`#stages [data-key="${key}"] td`)?.textContent);
      const line = document.querySelector("#stages polyline")?.getAttribute("points")?.split(" ").length;
      return rates.every((rate) => rate && rate !== "–" && rate !== "0") && line > 3;
    };
    await page.waitForFunction(moving, undefined, { timeout: PATIENCE_MS });
  } finally {
    clearInterval(working);
  }
  await page.waitForFunction(() => document.querySelectorAll("#replica-rows tr").length === 3);
  assert.equal(await page.locator("#stages tr").count(), 7);
  const queues = await page.locator("#queue-rows tr").count();
  assert.equal(queues, (await system.snapshot()).queues.length);
  assert.ok((await page.locator("#epoch-rows tr").count()) >= 1);
  await page.waitForFunction(() => document.querySelector("#queue-rows td:nth-of-type(2)")?.textContent.includes(":"));
  done("shows the pipeline at work, queues and their consumers, epochs, replicas");
}

async function look(page, id) {
  const button = page.getByRole("button", { name: `Look letter ${id}` });
  await button.click();
  const dialog = page.locator("#letter");
  await dialog.waitFor({ state: "visible" });
  const text = await dialog.textContent();
  assert.ok(text.includes("what is stored") && text.includes(MARKUP), text);
  assert.equal(await dialog.locator("img, script").count(), 0);
  assert.equal(await page.title(), "Chat console");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), `Look letter ${id}`);
  done("shows both sides of a conflict, and what a client wrote as text");
}

async function retry(page, id, path) {
  const button = page.getByRole("button", { name: `Retry letter ${id}` });
  await button.click();
  await said(page, "refused, chat_missing");
  await system.createChat(path);
  await system.until("the chat is stored", system.snapshot, (shown) => shown.outbox && shown.queues.every((queue) => queue.messages === 0));
  await page.waitForFunction(([name]) => !document.querySelector(`[aria-label="${name}"]`).hasAttribute("aria-disabled"), [`Retry letter ${id}`]);
  // By keyboard alone, and while snapshots come: the focus stays where it is until the row goes.
  await button.focus();
  const at = await page.locator("#replica-rows td").last().textContent();
  await page.waitForFunction((before) => [...document.querySelectorAll("#replica-rows td")].at(-1).textContent !== before, at);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), `Retry letter ${id}`);
  await page.keyboard.press("Enter");
  await said(page, "stored: 1 item");
  await letter(page, id).waitFor({ state: "detached" });
  done("stores a letter after all, once its chat is there");
}

async function discard(page, id) {
  const button = page.getByRole("button", { name: `Discard letter ${id}` });
  await button.click();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Keep it");
  await page.keyboard.press("Enter");
  await page.locator("#sure").waitFor({ state: "hidden" });
  assert.equal(await letter(page, id).count(), 1);
  await button.click();
  await page.locator("#sure").getByRole("button", { name: "Discard" }).click();
  await said(page, `Letter ${id}: discarded.`);
  await letter(page, id).waitFor({ state: "detached" });
  done("lets a letter go, when it is asked twice");
}

async function count(page) {
  const before = (await system.snapshot()).counts.last?.at;
  await page.getByRole("button", { name: "Run now" }).click();
  await said(page, "a consumer has been asked");
  await system.until("a run of the count job", system.snapshot, (shown) => shown.counts.last && shown.counts.last.at !== before);
  await page.waitForFunction(() => /^\d+ s ago$/.test(document.querySelector("#counted-at").textContent));
  done("has the counts brought up to date");
}

async function keyboard(page) {
  await page.reload();
  await live(page);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "To the figures");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  const reached = new Set();
  for (let press = 0; press < 60; press += 1) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent));
  }
  for (const name of ["Pipeline, table", "Queues, table", "Run now"]) assert.ok(reached.has(name), `${name} is not reached by keyboard`);
  done("can be used by keyboard");
}

async function signOut(page) {
  await page.setViewportSize(pictures.SCREENS.desk);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/console/sign-in");
  assert.equal((await page.context().cookies()).length, 0);
  await go(page, "/console/");
  await page.waitForURL("**/console/sign-in");
  done("signed out");
}

async function main() {
  const path = await system.prepare();
  // As root, which containers often are, Chromium has no sandbox of its own.
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
  try {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const found = complaints(page);
    await signIn(page);
    await figures(page, path);
    const letters = await system.bury(
      (epoch) => [
        system.items(epoch, system.message(1, 1, MARKUP)),
        system.items(epoch, system.message(2, 1, "a message before its chat")),
        "no envelope",
      ],
      3,
    );
    await letter(page, letters.conflict).waitFor();
    await reading.structure(page);
    await pictures.take(page, "console", async () => {
      await live(page);
      await reading.contrast(page);
    });
    await look(page, letters.conflict);
    await retry(page, letters.chat_missing, path);
    await discard(page, letters.undecodable_payload);
    await count(page);
    await keyboard(page);
    await signOut(page);
    assert.deepEqual(found, []);
  } finally {
    await browser.close();
  }
  done(`all of it works; pictures are in ${process.env.PICTURES}`);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
