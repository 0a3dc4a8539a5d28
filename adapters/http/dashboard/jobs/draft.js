/** What the user has filled in and not yet sent. It outlives a look at another view and a change of the language. */

class Draft {
  /** As typed, by field; a field that is not there was not touched. @type {Record<string, string>} */
  given = {};
  /** Whether the user opened the advanced groups, by group. @type {Record<string, boolean>} */
  open = {};

  set(name, value) {
    if (value === "") delete this.given[name];
    else this.given[name] = value;
  }

  /** Start from a whole configuration; the new run gets a name and a seed of its own. */
  take(config) {
    const { model_name: _name, seed: _seed, ...rest } = config;
    this.given = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, written(value)]));
  }

  clear() {
    this.given = {};
  }
}

export const draft = new Draft();

/** A value as it is typed. */
export function written(value) {
  if (value === null) return "null";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/**
 * What was typed as the API wants it. What cannot be read is sent as it is: the service says best what is wrong with it.
 * @param {string} typed
 * @param {{type: string, nullable: boolean}} kind
 */
export function parsed(typed, { type, nullable }) {
  const text = typed.trim();
  if (nullable && text === "null") return null;
  if (type === "boolean") return text === "true";
  if (type === "array")
    return text
      .split(/[\s,]+/)
      .filter(Boolean)
      .map(number);
  return type === "integer" || type === "number" ? number(text) : text;
}

/** A whole number beyond 2^53, a seed perhaps, goes out digit by digit: rounded it would be another. */
function number(text) {
  if (text === "" || !Number.isFinite(Number(text))) return text;
  if (/^\d+$/.test(text) && !Number.isSafeInteger(Number(text))) return JSON.rawJSON?.(text.replace(/^0+/, "")) ?? text;
  return Number(text);
}
