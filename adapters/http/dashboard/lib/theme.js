/** Light, dark, or as the system has it. */

import { Emitter } from "./emitter.js";

const STORED = "grpo-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

class Theme extends Emitter {
  /** @type {"light"|"dark"|"system"} */
  choice = localStorage.getItem(STORED) ?? "system";

  get shown() {
    return this.choice === "system" ? (dark.matches ? "dark" : "light") : this.choice;
  }

  set(choice) {
    this.choice = choice;
    localStorage.setItem(STORED, choice);
    this.apply();
  }

  apply() {
    document.documentElement.dataset.theme = this.shown;
    this.emit(this.shown);
  }
}

export const theme = new Theme();
dark.addEventListener("change", () => theme.apply());

/** A colour of the style sheet by its name, for what is drawn on a canvas. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Whether the user asked for less motion. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
