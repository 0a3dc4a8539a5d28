/** A bar that says how far something is. */

import { h } from "./dom.js";
import { share } from "./format.js";
import { t } from "./language.js";

/** @returns {{element: HTMLElement, set: (part: number) => void}} part: 0 to 1 */
export function progressBar() {
  const fill = h("span", { class: "bar-fill" });
  const element = h(
    "div",
    {
      class: "bar-track thick",
      role: "progressbar",
      "aria-label": t("job.progress"),
      "aria-valuemin": "0",
      "aria-valuemax": "100",
    },
    fill,
  );
  return {
    element,
    set(part) {
      fill.style.setProperty("inline-size", share(part));
      element.setAttribute("aria-valuenow", String(Math.round(100 * part)));
    },
  };
}
