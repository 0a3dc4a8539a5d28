/** Strokes on a canvas, in pixels of the page. */

export function line(g, x1, y1, x2, y2, colour, width) {
  g.beginPath();
  g.moveTo(x1, y1);
  g.lineTo(x2, y2);
  g.strokeStyle = colour;
  g.lineWidth = width;
  g.lineCap = "round";
  g.stroke();
}

export function disc(g, x, y, r, colour) {
  g.beginPath();
  g.arc(x, y, r, 0, 2 * Math.PI);
  g.fillStyle = colour;
  g.fill();
}

export function roundBox(g, x, y, width, height, r, colour) {
  g.beginPath();
  g.roundRect(x, y, width, height, r);
  g.fillStyle = colour;
  g.fill();
}

export function ground(g, width, y, colours) {
  g.fillStyle = colours.soft;
  g.fillRect(0, y, width, 2_000);
  line(g, 0, y, width, y, colours.line, 1);
}

/** From (x, y) along (dx, dy), with a head. */
export function arrow(g, x, y, dx, dy, colour, width) {
  const length = Math.hypot(dx, dy);
  if (length < 1) return;
  const [ux, uy] = [dx / length, dy / length];
  const head = Math.min(length, width * 2.6 + 4);
  const [neckX, neckY] = [x + dx - ux * head, y + dy - uy * head];
  if (length > head) line(g, x, y, neckX, neckY, colour, width);
  g.beginPath();
  g.moveTo(x + dx, y + dy);
  g.lineTo(neckX - uy * head * 0.6, neckY + ux * head * 0.6);
  g.lineTo(neckX + uy * head * 0.6, neckY - ux * head * 0.6);
  g.fillStyle = colour;
  g.fill();
}

/** Round (x, y) from an angle on by `sweep`, with a head at its end. */
export function arc(g, x, y, r, from, sweep, colour, width) {
  const to = from + sweep;
  g.beginPath();
  g.arc(x, y, r, from, to, sweep < 0);
  g.strokeStyle = colour;
  g.lineWidth = width;
  g.stroke();
  const way = Math.sign(sweep);
  arrow(g, x + Math.cos(to) * r, y + Math.sin(to) * r, -Math.sin(to) * way * 9, Math.cos(to) * way * 9, colour, width);
}
