/** The environments and reward functions of the service, asked for once. */

import { get } from "../lib/api.js";

let environmentList = null;
let rewardList = null;

/** @returns {Promise<any[]>} */
export function environments() {
  environmentList ??= get("environments").then(
    (answer) => answer.environments,
    forget(() => (environmentList = null)),
  );
  return environmentList;
}

/** @returns {Promise<any[]>} */
export function rewardFunctions() {
  rewardList ??= get("reward-functions").then(
    (answer) => answer.reward_functions,
    forget(() => (rewardList = null)),
  );
  return rewardList;
}

/** The environment of that name, null where the service does not list it. */
export const environmentOf = async (name) => (await environments()).find((one) => one.env_name === name) ?? null;

/** A failure must not stay: the next one who asks tries again. */
function forget(reset) {
  return (error) => {
    reset();
    throw error;
  };
}
