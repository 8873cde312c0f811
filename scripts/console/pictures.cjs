// Pictures of the console, held against what must be true of any: something is on them, on the right ground, and nothing is beside the
// screen.

const fs = require("node:fs");
const path = require("node:path");
const assert = require("node:assert/strict");

const SCREENS = { phone: { width: 360, height: 740 }, desk: { width: 1280, height: 900 } };
const GROUNDS = { light: (brightness) => brightness > 200, dark: (brightness) => brightness < 60 };

/** Takes a picture of a page as it is on each screen and on each ground, and checks it. `settled` waits until the page is there. */
async function take(page, name, settled) {
  for (const [screen, size] of Object.entries(SCREENS)) {
    for (const [colours, isGround] of Object.entries(GROUNDS)) {
      const title = `${name}-${screen}-${colours}`;
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme: colours });
      await settled();
      const wide = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
      assert.ok(wide[0] <= wide[1], `${title}: ${wide[0]} pixels wide on a screen of ${wide[1]}`);
      const picture = await page.screenshot({ fullPage: true });
      fs.writeFileSync(path.join(process.env.PICTURES, `${title}.png`), picture);
      const seen = await look(page.context(), picture);
      assert.ok(isGround(seen.ground), `${title}: its ground has brightness ${seen.ground}`);
      assert.ok(seen.drawn > 0.01 && seen.drawn < 0.6, `${title}: ${seen.drawn} of it is drawn on`);
      assert.ok(seen.colours > 20, `${title}: has ${seen.colours} colours`);
    }
  }
}

/** What is on a picture: how bright its commonest colour is, which share has another, and how many colours there are. */
async function look(context, picture) {
  const page = await context.newPage();
  try {
    return await page.evaluate(async (base64) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      const drawing = canvas.getContext("2d");
      drawing.drawImage(bitmap, 0, 0);
      const pixels = new Uint32Array(drawing.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer);
      const counts = new Map();
      for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
      const [ground, covered] = [...counts].reduce((most, entry) => (entry[1] > most[1] ? entry : most));
      const brightness = ((ground & 255) + ((ground >> 8) & 255) + ((ground >> 16) & 255)) / 3;
      return { ground: brightness, drawn: 1 - covered / pixels.length, colours: counts.size };
    }, picture.toString("base64"));
  } finally {
    await page.close();
  }
}

module.exports = { SCREENS, take };
