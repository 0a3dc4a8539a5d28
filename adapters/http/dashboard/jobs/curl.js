/** How to start a job from a shell. */

import { key, ROOT } from "../lib/api.js";

/** A command that starts a job with that body. The key itself stays out of it. */
export function curl(body) {
  const lines = [`curl -X POST ${new URL("train", ROOT).href}`, "-H 'Content-Type: application/json'"];
  if (key.get()) lines.push('-H "Authorization: Bearer $GRPO_KEY"');
  lines.push(`-d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`);
  return lines.join(" \\\n  ");
}
