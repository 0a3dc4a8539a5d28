/** The page: its frame, the views by address, shortcuts, the banner, and the key where one is needed. */

import { key } from "./lib/api.js";
import { connection } from "./lib/connection.js";
import { ask } from "./lib/dialog.js";
import { h, show } from "./lib/dom.js";
import { language, t } from "./lib/language.js";
import { theme } from "./lib/theme.js";
import { frame } from "./frame.js";
import { shortcuts } from "./shortcuts.js";
import { jobsPage } from "./jobs/page.js";
import { newJobPage } from "./jobs/new.js";
import { modelsPage } from "./models/page.js";
import { sweepsPage } from "./sweeps/page.js";
import { store } from "./jobs/store.js";

const PAGES = { jobs: jobsPage, new: newJobPage, models: modelsPage, sweeps: sweepsPage };

let page = null;
let shown = "";
let parts = frame();

/** What stands after the # of the address: the page and what it is to show. */
function address() {
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decoded);
  return Object.hasOwn(PAGES, name) ? [name, rest] : ["jobs", []];
}

/** An address that was cut short, perhaps within a letter, is taken as it stands. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function route() {
  const [name, rest] = address();
  if (name === shown && page.go) page.go(rest);
  else {
    page?.close();
    page = PAGES[name](rest);
    shown = name;
    show(parts.main, page.element);
  }
  parts.mark(name);
  retitle();
}

function retitle() {
  document.title = `${page.title()} · GRPO`;
}

/** After a step to another view a screen reader and the keyboard go on at its heading. */
function moved() {
  route();
  const heading = parts.main.querySelector("h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Everything anew in another language; what was filled in is kept outside of the views. */
function rebuild() {
  page.close();
  page = null;
  shown = "";
  parts = frame(parts);
  route();
  showBanner();
}

function showBanner() {
  const locked = declined && !connection.lost;
  const said = connection.lost ? t("connection.lost") : locked ? t("key.needed") : "";
  parts.banner.hidden = !said;
  show(parts.banner, said, locked && [" ", h("button", { type: "button", onclick: enter }, t("key.enter"))]);
}

async function enter() {
  declined = false;
  if (await key.ask(false)) rebuild();
}

/** Whoever turned away from the question for a key is not asked again, but finds a button. */
let declined = false;
let asking = null;
key.ask = async (wrong) => {
  if (declined) return false;
  asking ??= ask({
    title: t("key.title"),
    text: t("key.text"),
    confirm: t("key.use"),
    error: wrong ? t("key.wrong") : "",
    field: { label: t("key.label"), name: "key", type: "password", autocomplete: "off" },
    act: async (value) => key.set(value.trim()),
  }).then((given) => {
    asking = null;
    declined = !(given && key.get());
    showBanner();
    return !declined;
  });
  return asking;
};

language.start();
theme.apply();
show(document.body, parts.root, document.querySelector(".notices"));
connection.on(() => {
  showBanner();
  if (!connection.lost) store.refresh();
});
language.on(rebuild);
addEventListener("hashchange", moved);
addEventListener("titled", retitle);
shortcuts();
route();
document.documentElement.dataset.ready = String(Math.round(performance.now()));
