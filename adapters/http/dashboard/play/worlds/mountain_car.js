/** MountainCar, with discrete and with continuous force: a weak car swings itself out of a valley. */

import { arrow, disc, line, roundBox } from "../pencil.js";

const [LOW, HIGH] = [-1.2, 0.6];
const heightOf = (x) => Math.sin(3 * x) * 0.45 + 0.55;

export const mountainCar = {
  fits: (name) => /^MountainCar(Continuous)?-v\d+$/.test(name),
  angles: [false, false],
  toState: (observation) => observation,
  toObservation: (state) => state,
  sliders: [
    { key: "car.x", low: LOW, high: HIGH, unit: "" },
    { key: "car.v", low: -0.07, high: 0.07, unit: "" },
  ],
  actions: ["action.left", "action.nothing", "action.right"],
  continuous: "action.force",
  draw(g, { width, height }, [x], { colours, push, action, goal = 0.5 }) {
    const scale = Math.min(width / (HIGH - LOW + 0.1), height / 1.55);
    const left = (width - (HIGH - LOW) * scale) / 2;
    const [toX, toY] = [(value) => left + (value - LOW) * scale, (value) => height * 0.88 - value * scale];
    g.beginPath();
    g.moveTo(-4, height + 4);
    for (let pixel = -4; pixel <= width + 4; pixel += 4) g.lineTo(pixel, toY(heightOf(LOW + (pixel - left) / scale)));
    g.lineTo(width + 4, height + 4);
    g.closePath();
    g.fillStyle = colours.soft;
    g.fill();
    g.strokeStyle = colours.line;
    g.lineWidth = 2;
    g.stroke();
    line(g, toX(LOW), toY(heightOf(LOW)), toX(LOW), toY(heightOf(LOW) + 0.12), colours.danger, 3);
    const [flagX, flagY] = [toX(goal), toY(heightOf(goal))];
    line(g, flagX, flagY, flagX, flagY - 0.2 * scale, colours.text, 2);
    g.beginPath();
    g.moveTo(flagX, flagY - 0.2 * scale);
    g.lineTo(flagX + 0.09 * scale, flagY - 0.165 * scale);
    g.lineTo(flagX, flagY - 0.13 * scale);
    g.fillStyle = colours.good;
    g.fill();
    g.save();
    g.translate(toX(x), toY(heightOf(x)));
    g.rotate(-Math.atan(1.35 * Math.cos(3 * x)));
    roundBox(g, -0.075 * scale, -0.085 * scale, 0.15 * scale, 0.06 * scale, 0.015 * scale, colours.accent);
    roundBox(g, -0.04 * scale, -0.12 * scale, 0.08 * scale, 0.05 * scale, 0.015 * scale, colours.accent);
    for (const side of [-0.045, 0.045]) disc(g, side * scale, -0.022 * scale, 0.022 * scale, colours.text);
    const force = Array.isArray(action) ? action[0] : action === null ? 0 : action - 1;
    if (Math.abs(force) > 0.02)
      arrow(
        g,
        Math.sign(force) * 0.09 * scale,
        -0.055 * scale,
        Math.max(-1, Math.min(1, force)) * 0.09 * scale,
        0,
        colours.muted,
        0.014 * scale,
      );
    if (push) arrow(g, -push * 0.3 * scale, -0.2 * scale, push * 0.28 * scale, 0, colours.push, 0.025 * scale);
    g.restore();
  },
};
