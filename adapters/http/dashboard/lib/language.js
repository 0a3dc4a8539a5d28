/** The language of the page: `t("job.stop")`, with values for the {names} in it. */

import { Emitter } from "./emitter.js";
import { en } from "../lang/en.js";
import { ja } from "../lang/ja.js";
import { sweeps } from "../lang/sweeps.js";

export const LANGUAGES = { en: { ...en, ...sweeps.en }, ja: { ...ja, ...sweeps.ja } };
const STORED = "grpo-language";

class Language extends Emitter {
  code = localStorage.getItem(STORED) ?? (navigator.language.startsWith("ja") ? "ja" : "en");

  /** The code with the user's region, which decides on the form of dates: en-GB. */
  get locale() {
    return navigator.languages.find((one) => one.split("-")[0] === this.code) ?? this.code;
  }

  set(code) {
    this.code = code;
    localStorage.setItem(STORED, code);
    this.#tell();
    this.emit(code);
  }

  start() {
    if (!(this.code in LANGUAGES)) this.code = "en";
    this.#tell();
  }

  #tell() {
    document.documentElement.lang = this.code;
    document.title = t("title");
  }
}

export const language = new Language();

/** The sentence of that name; English where a translation is missing. */
export function t(name, values = {}) {
  const sentence = LANGUAGES[language.code][name] ?? LANGUAGES.en[name] ?? name;
  return sentence.replace(/\{(\w+)\}/g, (whole, part) => (part in values ? String(values[part]) : whole));
}

/** The sentence of that name, or `otherwise` where no dictionary has one. */
export function tOr(name, otherwise, values) {
  return name in LANGUAGES[language.code] ? t(name, values) : otherwise;
}
