/** Shoves: drag or click on the stage, arrow keys while it has the focus, or two buttons. */

import { h } from "../lib/dom.js";
import { t } from "../lib/language.js";

const FULL_DRAG = 0.3; // of the width of the stage
const CLICK_FORCE = 0.5;
const KEY_FORCE = 0.5;
const CLICK_PIXELS = 6;

/** @param {HTMLCanvasElement} canvas @param {(how: [number, number]|number) => void} push */
export function pushes(canvas, push) {
  let allowed = false;
  let from = null;
  let to = null;
  const button = (label, force) =>
    h("button", { type: "button", class: "push", disabled: true, onclick: () => push(force) }, label);
  const [left, right] = [button(t("play.pushLeft"), -KEY_FORCE), button(t("play.pushRight"), KEY_FORCE)];
  const reach = () => canvas.clientWidth * FULL_DRAG;

  canvas.addEventListener("pointerdown", (event) => {
    if (!allowed) return;
    canvas.setPointerCapture(event.pointerId);
    from = to = [event.offsetX, event.offsetY];
  });
  canvas.addEventListener("pointermove", (event) => {
    if (from) to = [event.offsetX, event.offsetY];
  });
  canvas.addEventListener("pointerup", () => {
    if (!from) return;
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    if (Math.hypot(dx, dy) > CLICK_PIXELS) push([dx / reach(), dy / reach()]);
    else push([Math.sign(from[0] - canvas.clientWidth / 2) * CLICK_FORCE, 0]);
    from = null;
  });
  canvas.addEventListener("pointercancel", () => (from = null));
  canvas.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!allowed || !way || event.repeat) return;
    event.preventDefault();
    push(way * (event.shiftKey ? 1 : KEY_FORCE));
  });

  return {
    element: h("div", { class: "pushes", role: "group", "aria-label": t("play.push") }, left, right),
    /** @param {boolean} yes whether the environment can be pushed */
    allow(yes) {
      allowed = yes;
      left.disabled = right.disabled = !yes;
      canvas.classList.toggle("pushable", yes);
    },
    /** While the mouse draws back: the force that would be given. @returns {number|null} */
    aim: () =>
      from && Math.abs(to[0] - from[0]) > CLICK_PIXELS ? Math.max(-1, Math.min(1, (to[0] - from[0]) / reach())) : null,
  };
}
