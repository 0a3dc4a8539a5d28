/** The frame of the page: name, ways to go, language, theme, help, and the banner of a lost connection. */

import { h, text } from "./lib/dom.js";
import { language, LANGUAGES, t } from "./lib/language.js";
import { theme } from "./lib/theme.js";
import { help } from "./shortcuts.js";

const NAVIGATION = ["jobs", "models", "sweeps", "new"];
const NEXT_THEME = { light: "dark", dark: "light" };

/** @param {{root: HTMLElement}} [before] the frame that this one takes the place of, with the focus */
export function frame(before) {
  const focused = document.activeElement?.id;
  const main = h("main", { id: "main", tabindex: "-1" });
  const banner = h("p", { class: "banner", role: "alert", hidden: true });
  const links = new Map(
    NAVIGATION.map((name) => [
      name,
      h("a", { href: `#/${name}`, class: name === "new" ? "button primary" : "nav-link" }, t(`nav.${name}`)),
    ]),
  );
  const languages = Object.keys(LANGUAGES).map((code) =>
    h(
      "button",
      {
        type: "button",
        id: `language-${code}`,
        lang: code,
        "aria-pressed": String(language.code === code),
        onclick: () => language.set(code),
      },
      LANGUAGES[code].languageName,
    ),
  );
  const light = h("button", { type: "button", id: "theme", class: "icon", onclick: () => theme.set(NEXT_THEME[theme.shown]) });
  const helping = h(
    "button",
    {
      type: "button",
      id: "help",
      class: "icon",
      "aria-label": t("help.title"),
      title: `${t("help.title")} (?)`,
      onclick: help,
    },
    "?",
  );
  const showTheme = () => {
    const next = NEXT_THEME[theme.shown];
    text(light, theme.shown === "dark" ? "☀" : "☾");
    light.setAttribute("aria-label", t(`theme.${next}`));
    light.title = t(`theme.${next}`);
  };
  const root = h(
    "div",
    { class: "page" },
    h("a", { class: "skip", href: "#main", onclick: (event) => (event.preventDefault(), main.focus()) }, t("skip")),
    h(
      "header",
      { class: "top" },
      h(
        "a",
        { class: "brand", href: "#/jobs", "aria-label": t("title") },
        h("img", { src: new URL("mark.svg", import.meta.url).href, alt: "", width: 26, height: 26 }),
        h("span", {}, "GRPO"),
      ),
      h("nav", { "aria-label": t("nav.label") }, links.get("jobs"), links.get("models"), links.get("sweeps")),
      h(
        "div",
        { class: "tools" },
        links.get("new"),
        h("div", { class: "switch", role: "group", "aria-label": t("language") }, languages),
        light,
        helping,
      ),
    ),
    banner,
    main,
  );
  showTheme();
  const end = theme.on(showTheme);
  if (before) {
    before.close();
    before.root.replaceWith(root);
    if (focused) document.getElementById(focused)?.focus();
  }
  return {
    root,
    main,
    banner,
    close: end,
    mark(name) {
      for (const [each, link] of links) {
        if (each === name) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
    },
  };
}
