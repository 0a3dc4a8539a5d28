/** One model, in four tabs. */

import { get, path } from "../lib/api.js";
import { h, show, text } from "../lib/dom.js";
import { t } from "../lib/language.js";
import { complain, sentence } from "../lib/notice.js";
import { tabs } from "../lib/tabs.js";
import { playView } from "../play/view.js";
import { tryView } from "../play/try.js";
import { environmentOf } from "./environments.js";
import { evaluateView } from "./evaluate.js";
import { versionsView } from "./versions.js";

const TABS = ["play", "try", "evaluate", "versions"];

/** @param {string} name @param {string} first tab @param {() => void} changed the list of models is out of date */
export function modelView(name, first, changed) {
  const subtitle = h("p", { class: "muted" });
  const chooser = h("select", {
    "aria-label": t("models.version"),
    onchange: () => ((version = Number(chooser.value)), mount()),
  });
  const strip = tabs(
    t("models.tabs"),
    TABS.map((key) => [key, t(`tab.${key}`)]),
    (key) => {
      history.replaceState(null, "", `#/models/${encodeURIComponent(name)}/${key}`);
      open(key);
    },
  );
  const element = h(
    "article",
    { class: "stack" },
    h(
      "header",
      { class: "view-head" },
      h("div", { class: "grow" }, h("h1", {}, name), subtitle),
      h("label", { class: "version-choice" }, h("span", {}, t("models.version")), chooser),
    ),
    strip.element,
  );
  let tab = TABS.includes(first) ? first : "play";
  let versions = [];
  let version = null;
  let environment = null;
  let inside = null;
  let closed = false;

  async function load() {
    ({ versions } = await get(path`models/${name}`));
    environment = await environmentOf(versions.at(-1).env_name);
    if (closed) return;
    if (!versions.some((one) => one.version === version)) version = versions.at(-1).version;
    show(
      chooser,
      [...versions]
        .reverse()
        .map((one) => h("option", { value: one.version, selected: one.version === version }, `v${one.version}`)),
    );
    text(subtitle, versions.at(-1).env_name);
    mount();
  }

  function mount() {
    inside?.close?.();
    const model = { name, version, versions, environment, kept: versions.find((one) => one.version === version) };
    inside = { play: playView, try: tryView, evaluate: evaluateView, versions: (all) => versionsView(all, again) }[tab](model);
    strip.open(tab, inside.element);
  }

  function again() {
    changed();
    return load();
  }

  function open(key) {
    if (key === tab) return;
    tab = key;
    if (versions.length) mount();
  }

  load().catch((error) => {
    complain(error);
    if (error.status) show(element, h("p", { class: "callout error" }, sentence(error)));
  });
  return {
    element,
    open,
    has: (key) => TABS.includes(key),
    close() {
      closed = true;
      inside?.close?.();
    },
  };
}
