/** Tabs by the ARIA practice: arrows move between them, Home and End to the ends, and the panel belongs to its tab. */

import { h, show, uniqueId } from "./dom.js";

/**
 * @param {string} label of the list of tabs
 * @param {[string, string][]} names key and words of each tab
 * @param {(key: string) => void} choose the user chose a tab
 */
export function tabs(label, names, choose) {
  const base = uniqueId("tabs");
  const panel = h("div", { role: "tabpanel", id: `${base}-panel` });
  const buttons = new Map(
    names.map(([key, words]) => [
      key,
      h(
        "button",
        {
          type: "button",
          role: "tab",
          id: `${base}-${key}`,
          "aria-controls": `${base}-panel`,
          onclick: () => choose(key),
          onkeydown: (event) => move(event, key),
        },
        words,
      ),
    ]),
  );
  const keys = [...buttons.keys()];

  function move(event, key) {
    const place = keys.indexOf(key);
    const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: keys.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const chosen = keys[(next + keys.length) % keys.length];
    buttons.get(chosen).focus();
    choose(chosen);
  }

  return {
    element: h("div", { class: "tabs" }, h("div", { role: "tablist", "aria-label": label }, [...buttons.values()]), panel),
    /** @param {string} key @param {Node} content */
    open(key, content) {
      for (const [each, button] of buttons) {
        button.setAttribute("aria-selected", String(each === key));
        button.tabIndex = each === key ? 0 : -1;
      }
      panel.setAttribute("aria-labelledby", `${base}-${key}`);
      show(panel, content);
    },
  };
}
