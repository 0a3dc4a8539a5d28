/** Configurations of jobs that this page started, and how to start the same from a shell. */

import { key, ROOT } from "../lib/api.js";

const PREFIX = "grpo-config-";

export const rememberConfig = (id, config) => sessionStorage.setItem(PREFIX + id, JSON.stringify(config));
export const knownConfig = (id) => JSON.parse(sessionStorage.getItem(PREFIX + id));

/** A command that starts a job with that body. The key itself stays out of it. */
export function curl(body) {
  const lines = [`curl -X POST ${new URL("train", ROOT).href}`, "-H 'Content-Type: application/json'"];
  if (key.get()) lines.push('-H "Authorization: Bearer $GRPO_KEY"');
  lines.push(`-d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`);
  return lines.join(" \\\n  ");
}
