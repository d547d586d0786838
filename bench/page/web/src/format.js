// Numbers as the page writes them.

/** Return a number with thousands apart. */
export function count(value) {
  return Math.round(value).toLocaleString("en-GB");
}

/** Return a count with its noun. */
export function many(value, noun) {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Return a share as percent with one decimal. */
export function percent(share, sign = false) {
  const text = (100 * share).toFixed(1);
  return sign && share >= 0 ? `+${text}` : text.replace("-", "−");
}

/** Return a value in [-1, 1] with its sign. */
export function signed(value, digits = 2) {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : `+${text}`;
}

/** Return a p value. */
export function pValue(p) {
  if (p >= 0.1) return p.toFixed(2);
  return p >= 0.001 ? p.toFixed(3) : p.toExponential(0).replace("-", "−");
}

/** Return a number of an axis or a table with the digits that it needs. */
export function plain(value) {
  if (Number.isInteger(value)) return count(value);
  return Math.abs(value) >= 100 ? count(value) : String(Number(value.toPrecision(3)));
}
