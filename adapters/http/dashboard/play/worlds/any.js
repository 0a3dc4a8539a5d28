/** An environment that has no picture of its own: a bar for each number that it shows. */

const MOST_BARS = 48;

/** @param {any} space observation space of GET /environments */
export function anyWorld(space) {
  const discrete = space?.type === "discrete";
  const count = discrete
    ? 1
    : Math.max(
        1,
        (space?.shape ?? [1]).reduce((all, n) => all * n, 1),
      );
  const range = (i) => {
    const [low, high] = discrete
      ? [space.start ?? 0, (space.start ?? 0) + space.n - 1]
      : [bound(space?.low, i) ?? -3, bound(space?.high, i) ?? 3];
    return Math.abs(low) > 1e4 || Math.abs(high) > 1e4 ? [-3, 3] : [low, high];
  };
  const names = Array.from({ length: count }, (_, i) => i);
  return {
    angles: names.map(() => false),
    toState: (observation) => [observation].flat(Infinity),
    toObservation: (state) => state,
    sliders: names.map((i) => ({ key: null, index: i, low: range(i)[0], high: range(i)[1], unit: "", whole: discrete })),
    actions: null,
    draw(g, { width, height }, state, { colours }) {
      const shown = state.slice(0, MOST_BARS);
      const row = Math.min(34, (height - 24) / shown.length);
      const top = (height - row * shown.length) / 2;
      g.font = `${Math.max(9, Math.min(13, row * 0.5))}px sans-serif`;
      g.textBaseline = "middle";
      shown.forEach((value, i) => {
        const [low, high] = range(i);
        const [from, to] = [width * 0.14, width * 0.82];
        const x = (v) => from + ((Math.max(low, Math.min(high, v)) - low) / (high - low || 1)) * (to - from);
        const [y, zero] = [top + row * i, x(Math.max(low, Math.min(high, 0)))];
        g.fillStyle = colours.soft;
        g.fillRect(from, y + row * 0.2, to - from, row * 0.6);
        g.fillStyle = colours.accent;
        g.fillRect(Math.min(zero, x(value)), y + row * 0.2, Math.max(2, Math.abs(x(value) - zero)), row * 0.6);
        g.fillStyle = colours.muted;
        g.textAlign = "right";
        g.fillText(`o${i}`, from - 10, y + row / 2);
        g.textAlign = "left";
        g.fillText(discrete ? String(Math.round(value)) : value.toFixed(3), to + 10, y + row / 2);
      });
    },
  };
}

/** A bound is one number for all, or one for each. */
function bound(bounds, i) {
  return Array.isArray(bounds) ? bounds.flat(Infinity)[i] : bounds;
}
