/** CartPole: a cart on a track of ±2.4 m balances a pole. */

import { arrow, disc, ground, line, roundBox } from "../pencil.js";

const TRACK = 2.4;
const POLE = 1.0; // metres: twice the half-length of the simulation

export const cartpole = {
  fits: (name) => /^CartPole-v\d+$/.test(name),
  angles: [false, false, true, false],
  toState: (observation) => observation,
  toObservation: (state) => state,
  sliders: [
    { key: "cart.x", low: -2.4, high: 2.4, unit: "m" },
    { key: "cart.v", low: -3, high: 3, unit: "m/s" },
    { key: "pole.angle", low: -0.2095, high: 0.2095, unit: "rad" },
    { key: "pole.rate", low: -3, high: 3, unit: "rad/s" },
  ],
  actions: ["action.left", "action.right"],
  draw(g, { width, height }, [x, , angle], { colours, push, action }) {
    const scale = Math.min(width / (2 * TRACK + 0.8), height / 1.75);
    const floor = height * 0.76;
    const at = width / 2 + x * scale;
    ground(g, width, floor + 0.19 * scale, colours);
    for (const side of [-1, 1])
      line(
        g,
        width / 2 + side * TRACK * scale,
        floor - 0.1 * scale,
        width / 2 + side * TRACK * scale,
        floor + 0.26 * scale,
        colours.danger,
        3,
      );
    line(g, width / 2 - TRACK * scale, floor + 0.1 * scale, width / 2 + TRACK * scale, floor + 0.1 * scale, colours.line, 2);
    roundBox(g, at - 0.26 * scale, floor - 0.11 * scale, 0.52 * scale, 0.2 * scale, 0.05 * scale, colours.body);
    for (const side of [-0.15, 0.15]) disc(g, at + side * scale, floor + 0.12 * scale, 0.065 * scale, colours.text);
    const [topX, topY] = [at + Math.sin(angle) * POLE * scale, floor - 0.06 * scale - Math.cos(angle) * POLE * scale];
    line(g, at, floor - 0.06 * scale, topX, topY, colours.accent, 0.075 * scale);
    disc(g, at, floor - 0.06 * scale, 0.045 * scale, colours.text);
    if (action !== null)
      arrow(g, at + (action ? 0.3 : -0.3) * scale, floor, (action ? 0.16 : -0.16) * scale, 0, colours.muted, 0.03 * scale);
    if (push) arrow(g, at - push * 0.9 * scale, floor - 0.35 * scale, push * 0.8 * scale, 0, colours.push, 0.06 * scale);
  },
};
