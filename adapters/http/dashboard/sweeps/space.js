/** The values of a searched field as people write them, and as the API wants them: the same form as `grpo sweep --search`. */

/** What is sensible for the fields that matter most. */
const SENSIBLE = {
  learning_rate: "0.0001..0.01:log",
  n_epochs: "2..20",
  hidden_sizes: "[[32], [64, 64]]",
  gamma: "0.95..0.999",
  gae_lambda: "0.8..1.0",
  ent_coef: "0.0001..0.05:log",
  epsilon: "0.1..0.4",
  noise_correlation: "0.0..0.95",
  batch_size: "[256, 1024, 4096]",
};

/** Fields that all trials share: otherwise their values could not be compared. */
const SHARED = new Set(["env_name", "model_name", "seed", "total_timesteps", "eval_freq", "n_eval_episodes"]);

/** @param {Record<string, any>} properties of the schema of a run */
export const searchable = (properties) =>
  Object.keys(properties)
    .filter((name) => !SHARED.has(name) && !properties[name].deprecated)
    .sort();

/** Values to begin with. @param {any} schema of one property */
export function suggested(name, schema) {
  if (name in SENSIBLE) return SENSIBLE[name];
  const main = (schema.anyOf ?? [schema]).find((one) => one.type !== "null") ?? schema;
  const choices = main.enum ?? (main.type === "boolean" ? [true, false] : null);
  if (choices) return JSON.stringify(choices);
  const low = main.minimum ?? main.exclusiveMinimum;
  if (low === undefined || main.maximum === undefined) return "";
  return main.type === "integer" ? `${low}..${main.maximum}` : `${real(low)}..${real(main.maximum)}`;
}

const real = (value) => (Number.isInteger(value) ? value.toFixed(1) : String(value));

/**
 * LOW..HIGH, LOW..HIGH:log, or a JSON list of choices.
 * @returns {object|null} null where it is none of these
 */
export function dimension(typed) {
  const text = typed.trim();
  const list = json(text);
  if (Array.isArray(list)) return { type: "categorical", choices: list };
  if (list && typeof list === "object") return list;
  const found = /^(.+?)\.\.(.+?)(:log)?$/.exec(text);
  const ends = found?.slice(1, 3).map((end) => end.trim());
  if (!ends?.every((end) => typeof json(end) === "number")) return null;
  const type = ends.every((end) => /^-?\d+$/.test(end)) ? "int" : "float";
  return { type, low: Number(ends[0]), high: Number(ends[1]), log: Boolean(found[3]) };
}

function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
