// What who hears the page instead of seeing it, or has a keyboard alone, must find on it.

const assert = require("node:assert/strict");

/** Headings, landmarks, names: wrong ones by their sentence. */
async function structure(page) {
  const wrong = await page.evaluate(() => {
    const problems = [];
    const must = (holds, sentence) => holds || problems.push(sentence);
    const all = (selector) => [...document.querySelectorAll(selector)];
    must(document.documentElement.lang === "en", "the page has no language");
    must(document.title !== "", "the page has no title");
    must(all("h1").length === 1, "one h1");
    must(all("main").length === 1, "one main");
    const levels = all("h1, h2, h3").filter((heading) => heading.checkVisibility()).map((heading) => Number(heading.tagName[1]));
    must(levels.every((level, place) => place === 0 || level <= levels[place - 1] + 1), `headings skip a level: ${levels}`);
    for (const section of all("section")) {
      const label = document.getElementById(section.getAttribute("aria-labelledby"));
      must(label?.textContent, "a section without a heading");
    }
    for (const table of all("table")) {
      must(table.caption?.textContent, "a table without a caption");
      must([...table.tHead.querySelectorAll("th")].every((head) => head.scope === "col"), "a column's heading without a scope");
      const columns = table.tHead.rows[0].cells.length;
      for (const row of table.tBodies[0].rows) {
        must(row.cells[0].tagName === "TH" && row.cells[0].scope === "row", "a row without a heading");
        must(row.cells.length <= columns, "a row with more cells than there are headings");
      }
      must(table.closest("[role=region][tabindex='0']"), "a table that cannot be scrolled by keyboard");
    }
    for (const control of all("button, input, a")) {
      const label = control.getAttribute("aria-label") ?? control.labels?.[0]?.textContent ?? control.textContent;
      must(label.trim() !== "", `a ${control.tagName} without a name`);
    }
    const ids = all("[id]").map((node) => node.id);
    must(new Set(ids).size === ids.length, "an id twice");
    // Read out are outcomes and outages, not figures that change every second.
    for (const live of all("[aria-live], [role=status], [role=alert]")) {
      must(!live.querySelector("table, dl"), "figures in a live region");
    }
    return problems;
  });
  assert.deepEqual(wrong, []);
}

/** Every pair of text and ground that is seen has the contrast that WCAG 2.2 asks for at level AA (1.4.3). */
async function contrast(page) {
  const weak = await page.evaluate(() => {
    const parse = (colour) => colour.match(/[\d.]+/g).map(Number);
    const light = ([red, green, blue]) => {
      const [r, g, b] = [red, green, blue].map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (node) => {
      for (let at = node; at; at = at.parentElement) {
        const colour = parse(getComputedStyle(at).backgroundColor);
        if (colour.length < 4 || colour[3] > 0) return colour;
      }
      return [255, 255, 255];
    };
    const found = new Set();
    for (const node of document.querySelectorAll("body *")) {
      const text = [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.textContent.trim() !== "");
      if (!text || !node.checkVisibility()) continue;
      const [one, other] = [light(parse(getComputedStyle(node).color)), light(ground(node))].sort((a, b) => b - a);
      const ratio = (one + 0.05) / (other + 0.05);
      if (ratio < 4.5) found.add(`${node.tagName} “${node.textContent.trim().slice(0, 30)}”: ${ratio.toFixed(2)}`);
    }
    return [...found];
  });
  assert.deepEqual(weak, []);
}

module.exports = { contrast, structure };
