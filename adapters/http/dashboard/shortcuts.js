/** Keys that work wherever no text is being typed, and the dialog that tells of them. */

import { tell } from "./lib/dialog.js";
import { h } from "./lib/dom.js";
import { language, LANGUAGES, t } from "./lib/language.js";
import { theme } from "./lib/theme.js";

const go = (hash) => () => (location.hash = hash);

/** @type {Record<string, () => void>} */
const KEYS = {
  j: go("#/jobs"),
  m: go("#/models"),
  s: go("#/sweeps"),
  n: go("#/new"),
  d: () => theme.set(theme.shown === "dark" ? "light" : "dark"),
  l: () => language.set(Object.keys(LANGUAGES).find((code) => code !== language.code)),
  "/": () => document.querySelector("input[type=search]")?.focus(),
  "?": help,
};
const NOT_A_COMMAND = "input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, dialog";

export function shortcuts() {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]") || event.target.closest?.(NOT_A_COMMAND)) return;
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

export function help() {
  const rows = [...Object.keys(KEYS).map((key) => [key, t(`help.${key}`)]), ["← →", t("help.arrows")]];
  tell(
    t("help.title"),
    h(
      "dl",
      { class: "keys" },
      rows.map(([key, words]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, words)]),
    ),
  );
}
