/** Numbers and times as people of the chosen language read them. */

import { language, t } from "./language.js";

/** A figure in at most `digits` significant digits: 0.0123, 21.9, 1,234. */
export function figure(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(2).replace("e", " e").replace("+", "");
  const fraction = size === 0 ? 0 : Math.max(0, Math.min(6, digits - 1 - Math.floor(Math.log10(size))));
  return value.toLocaleString(language.locale, { maximumFractionDigits: fraction });
}

export const whole = (value) => Math.round(value).toLocaleString(language.locale);
export const percent = (share, digits = 0) =>
  share.toLocaleString(language.locale, { style: "percent", maximumFractionDigits: digits, minimumFractionDigits: digits });

/** For a bar: so coarse that what nobody sees is not drawn. */
export const share = (part) => `${(100 * part).toFixed(1)}%`;

/** 20000 → 20k: for axes, whose numbers share the unit of the `largest`. */
export function compact(value, largest = value) {
  const size = Math.abs(value);
  if (value !== 0 && Math.abs(largest) >= 2e6) return `${trim(value / 1e6)}M`;
  if (value !== 0 && Math.abs(largest) >= 1e4) return `${trim(value / 1e3)}k`;
  if (size !== 0 && size < 1e-3) return value.toExponential(0);
  return trim(value);
}

/** A bound of a field: as it is, unless it is too long to be read. */
export const bound = (value) =>
  Math.abs(value) > 1e12 ? compactExponent(value) : value.toLocaleString(language.locale, { maximumFractionDigits: 6 });

const compactExponent = (value) => value.toExponential(1).replace("e+", " · 10^");
const trim = (value) => String(Number(value.toPrecision(4)));

/** 75 → 1 min 15 s. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return t("time.seconds", { s });
  if (s < 3600) return t("time.minutes", { m: Math.floor(s / 60), s: s % 60 });
  return t("time.hours", { h: Math.floor(s / 3600), m: Math.floor((s % 3600) / 60) });
}

/** How long ago, roughly: 3 minutes ago. */
export function ago(iso) {
  const seconds = (Date.parse(iso) - Date.now()) / 1000;
  const relative = new Intl.RelativeTimeFormat(language.locale, { numeric: "auto", style: "short" });
  for (const [unit, length] of [
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
  ]) {
    if (Math.abs(seconds) >= length) return relative.format(Math.round(seconds / length), unit);
  }
  return relative.format(Math.min(0, Math.round(seconds / 5) * 5), "second");
}

export const clock = (iso) => new Date(iso).toLocaleTimeString(language.locale);
export const moment = (iso) => new Date(iso).toLocaleString(language.locale, { dateStyle: "medium", timeStyle: "short" });
export const bytes = (count) => (count < 1e6 ? `${figure(count / 1e3, 3)} kB` : `${figure(count / 1e6, 3)} MB`);
