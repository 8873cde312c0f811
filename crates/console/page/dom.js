// Builds and changes the page. Everything becomes text: nothing that comes from the system is ever read as markup. What has not
// changed is not touched, so that focus and selection stay where they are.

export const byId = (id) => document.getElementById(id);

/** An element with this text. */
export function element(tag, text = "", properties = {}) {
  const made = Object.assign(document.createElement(tag), properties);
  if (text !== "") made.textContent = text;
  return made;
}

/** Has an element say something. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export const show = (node, visible) => {
  if (node.hidden === visible) node.hidden = !visible;
};

/**
 * Keeps the rows of a table: one for each item, found again by its key. The first of `columns` is the row's heading; each is a
 * function from an item to its text. `furnish` is given a new row once, with its item, to add what is more than text.
 */
export function keep(body, items, key, columns, furnish = () => {}) {
  const names = new Set(items.map((item) => String(key(item))));
  const present = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  // First, so that no row that stays is moved because of one that goes: a moved row loses the focus.
  for (const [name, row] of present) if (!names.has(name)) row.remove();
  let before = body.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let row = present.get(name);
    if (!row) {
      row = element("tr");
      row.dataset.key = name;
      columns.forEach((_, place) => row.append(place === 0 ? element("th", "", { scope: "row" }) : element("td")));
      furnish(row, item);
    }
    if (row !== before) body.insertBefore(row, before);
    else before = before.nextElementSibling;
    columns.forEach((column, place) => say(row.cells[place], column(item)));
  }
}

const listed = new WeakMap();

/** Puts pairs of a name and a text into a list. Those without a text are left out. */
export function list(node, pairs) {
  const told = pairs.filter(([, text]) => text !== null && text !== undefined && text !== "");
  const whole = JSON.stringify(told);
  if (listed.get(node) === whole) return;
  listed.set(node, whole);
  node.replaceChildren(
    ...told.map(([name, text]) => {
      const pair = element("div");
      pair.append(element("dt", name), element("dd", String(text)));
      return pair;
    }),
  );
}
