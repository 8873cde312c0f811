// Figures as people read them. What was not measured is a dash.

const NONE = "–";
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

const known = (value) => value !== null && value !== undefined;

export const count = (value) => (known(value) ? whole.format(value) : NONE);

/** A rate or a mean: with a decimal where it is small. */
export function rate(value) {
  if (!known(value)) return NONE;
  if (value > 0 && value < 0.05) return "< 0.1";
  return (value < 100 ? fine : whole).format(value);
}

/** How long something took, in seconds. */
export function took(seconds) {
  if (!known(seconds)) return NONE;
  return seconds < 1 ? `${rate(seconds * 1000)} ms` : `${fine.format(seconds)} s`;
}

/** A span of time, in seconds, by its largest unit. */
export function span(seconds) {
  if (!known(seconds)) return NONE;
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (seconds >= 2 * size) return `${whole.format(Math.floor(seconds / size))} ${unit}`;
  }
  return `${whole.format(Math.floor(seconds))} s`;
}

export const ago = (seconds) => (known(seconds) ? `${span(seconds)} ago` : NONE);

/** How long ago a moment is, by the clock of whoever tells both. */
export const since = (moment, now) => ago(Math.max(0, (Date.parse(now) - Date.parse(moment)) / 1000));

/** A number that is counted up to a limit only. */
export const upTo = (value, most) => (value >= most ? `${count(most)} or more` : count(value));
