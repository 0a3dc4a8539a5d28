/** A canvas as sharp as the screen, with the colours of the theme. */

import { h } from "../lib/dom.js";
import { colour, theme } from "../lib/theme.js";

const NAMES = {
  text: "text",
  muted: "muted",
  line: "line",
  soft: "soft",
  accent: "accent",
  body: "body",
  danger: "danger",
  good: "good",
  push: "push",
};

export class Stage {
  /** @param {Record<string, any>} attributes @param {() => void} [redraw] the picture must be drawn anew */
  constructor(attributes, redraw = () => {}) {
    this.element = h("canvas", { class: "stage", ...attributes });
    this.size = { width: 0, height: 0 };
    this.#observer = new ResizeObserver(() => {
      this.#fit();
      redraw();
    });
    this.#observer.observe(this.element);
    this.#unlisten = theme.on(() => {
      this.#colours = null;
      redraw();
    });
  }

  #observer;
  #unlisten;
  #colours = null;

  get colours() {
    this.#colours ??= Object.fromEntries(Object.entries(NAMES).map(([name, variable]) => [name, colour(variable)]));
    return this.#colours;
  }

  /** @param {any} world @param {number[]} state */
  draw(world, state, { action = null, push = 0 } = {}) {
    const g = this.element.getContext("2d");
    const { width, height } = this.size;
    if (!width) return;
    const ratio = this.element.width / width;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, width, height);
    world.draw(g, this.size, state, { colours: this.colours, action, push });
  }

  close() {
    this.#observer.disconnect();
    this.#unlisten();
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.element;
    const ratio = Math.min(devicePixelRatio, 2);
    this.size = { width, height };
    this.element.width = Math.round(width * ratio);
    this.element.height = Math.round(height * ratio);
  }
}
