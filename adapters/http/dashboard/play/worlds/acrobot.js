/** Acrobot: two links hang from a bar; a torque between them must swing the tip above the line. */

import { arc, arrow, disc, line } from "../pencil.js";

const REACH = 2.25;

export const acrobot = {
  fits: (name) => /^Acrobot-v\d+$/.test(name),
  angles: [true, true, false, false],
  toState: ([c1, s1, c2, s2, w1, w2]) => [Math.atan2(s1, c1), Math.atan2(s2, c2), w1, w2],
  toObservation: ([a1, a2, w1, w2]) => [Math.cos(a1), Math.sin(a1), Math.cos(a2), Math.sin(a2), w1, w2],
  sliders: [
    { key: "acrobot.first", low: -Math.PI, high: Math.PI, unit: "rad" },
    { key: "acrobot.second", low: -Math.PI, high: Math.PI, unit: "rad" },
    { key: "acrobot.firstRate", low: -4 * Math.PI, high: 4 * Math.PI, unit: "rad/s" },
    { key: "acrobot.secondRate", low: -9 * Math.PI, high: 9 * Math.PI, unit: "rad/s" },
  ],
  force: ([first], [dx, dy]) => Math.cos(first) * dx - Math.sin(first) * dy,
  actions: ["action.clockwise", "action.nothing", "action.counter"],
  draw(g, { width, height }, [first, second], { colours, push, action }) {
    const scale = Math.min(width, height) / (2 * REACH);
    const [x, y] = [width / 2, height / 2];
    const [elbowX, elbowY] = [x + Math.sin(first) * scale, y + Math.cos(first) * scale];
    const [tipX, tipY] = [elbowX + Math.sin(first + second) * scale, elbowY + Math.cos(first + second) * scale];
    g.setLineDash([6, 6]);
    line(g, x - REACH * scale, y - scale, x + REACH * scale, y - scale, colours.good, 2);
    g.setLineDash([]);
    line(g, x, y, elbowX, elbowY, colours.body, scale * 0.17);
    line(g, elbowX, elbowY, tipX, tipY, colours.accent, scale * 0.17);
    for (const [jointX, jointY] of [
      [x, y],
      [elbowX, elbowY],
    ])
      disc(g, jointX, jointY, scale * 0.07, colours.text);
    if (action === 0 || action === 2)
      arc(g, elbowX, elbowY, scale * 0.3, Math.PI / 2, action === 2 ? -1.2 : 1.2, colours.muted, 3);
    if (push) arrow(g, x - push * scale * 0.5, y + scale * 1.6, push * scale, 0, colours.push, scale * 0.07);
  },
};
