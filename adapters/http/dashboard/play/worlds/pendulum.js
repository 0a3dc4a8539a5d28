/** Pendulum: a rod swings up by a torque and must stay there. */

import { arc, arrow, disc, line } from "../pencil.js";

export const pendulum = {
  fits: (name) => /^Pendulum-v\d+$/.test(name),
  angles: [true, false],
  toState: ([cosine, sine, rate]) => [Math.atan2(sine, cosine), rate],
  toObservation: ([angle, rate]) => [Math.cos(angle), Math.sin(angle), rate],
  sliders: [
    { key: "pendulum.angle", low: -Math.PI, high: Math.PI, unit: "rad" },
    { key: "pendulum.rate", low: -8, high: 8, unit: "rad/s" },
  ],
  actions: null,
  continuous: "action.torque",
  // Along the way that the tip moves when the angle grows; on the keyboard, right is with the clock.
  force: ([angle], [dx, dy]) => -Math.cos(angle) * dx + Math.sin(angle) * dy,
  right: -1,
  draw(g, { width, height }, [angle], { colours, push, action }) {
    const scale = Math.min(width, height) * 0.38;
    const [x, y] = [width / 2, height / 2];
    // The simulation's zero is upright and its angle grows against the clock.
    const [tipX, tipY] = [x - Math.sin(angle) * scale, y - Math.cos(angle) * scale];
    line(g, x, y - scale - 14, x, y - scale - 4, colours.line, 2);
    line(g, x, y, tipX, tipY, colours.accent, scale * 0.13);
    disc(g, x, y, scale * 0.05, colours.text);
    const torque = Array.isArray(action) ? action[0] : 0;
    if (torque) arc(g, x, y, scale * 0.28, -Math.PI / 2, -torque * 1.1, colours.muted, 3);
    if (push) arrow(g, x + push * 10, y - scale * 0.75, -push * scale * 0.7, 0, colours.push, scale * 0.04);
  },
};
