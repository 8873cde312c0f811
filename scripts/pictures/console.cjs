// Takes a picture of the console at API_URL at work, light and dark, into the folder that is named. Whoever calls it gives the system work.

const path = require("node:path");
const { chromium } = require("playwright-core");

const { API_URL, CHROMIUM } = process.env;
const [, , folder] = process.argv;
const PATIENCE_MS = 60_000;

/** There are lines to be seen, and what was accepted a second ago is a figure. */
function isAtWork() {
  const rate = document.querySelector('#stages [data-key="accept"] td')?.textContent;
  const line = document.querySelector("#stages polyline")?.getAttribute("points")?.split(" ").length;
  return rate && rate !== "–" && rate !== "0" && line > 6;
}

async function main() {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    await page.goto(`${API_URL}/console/`);
    await page.waitForFunction(isAtWork, undefined, { timeout: PATIENCE_MS });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      const picture = path.join(folder, `console-${colorScheme}.png`);
      await page.screenshot({ path: picture });
      console.log(picture);
    }
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
