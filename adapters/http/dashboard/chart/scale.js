/** The arithmetic of a chart: ticks, scales, smoothing, paths. Knows nothing of the page. */

/** Smallest and largest of the finite numbers, [0, 1] where there are none. */
export function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}

/** Round numbers that cover [low, high]: about `count` of them, a step of 1, 2 or 5 times a power of ten. */
export function ticks(low, high, count = 5) {
  const span = high - low || Math.abs(high) || 1;
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= raw * 0.999) ?? 10);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: Math.max(last, first + 1) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** From a domain to a range; a domain of one point is mapped to the range's middle. */
export function linear([low, high], [from, to]) {
  const span = high - low;
  return (value) => (span === 0 ? (from + to) / 2 : from + ((value - low) / span) * (to - from));
}

/**
 * Exponential moving average that starts without bias: each value is the mean of all before it, with weights that fall by `weight`.
 * @param {(number|null)[]} values
 * @param {number} weight 0 = as it is, towards 1 = smoother
 */
export function smooth(values, weight) {
  if (weight <= 0) return values;
  let sum = 0;
  let mass = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return sum / mass;
  });
}

/** Index of the entry of ascending `xs` that is nearest to `x`, -1 of an empty list. */
export function nearest(xs, x) {
  let low = 0;
  let high = xs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low > 0 && x - xs[low - 1] <= xs[low] - x ? low - 1 : low < xs.length ? low : -1;
}

/** The `d` of an SVG path through the points; unknown values leave a gap. */
export function path(xs, ys, x, y) {
  let d = "";
  let pen = false;
  for (let i = 0; i < xs.length; i += 1) {
    if (ys[i] === null || ys[i] === undefined) pen = false;
    else {
      d += `${pen ? "L" : "M"}${x(xs[i]).toFixed(1)} ${y(ys[i]).toFixed(1)}`;
      pen = true;
    }
  }
  return d;
}
