/** Which picture an environment has. */

import { acrobot } from "./acrobot.js";
import { anyWorld } from "./any.js";
import { cartpole } from "./cartpole.js";
import { mountainCar } from "./mountain_car.js";
import { pendulum } from "./pendulum.js";

const WORLDS = [cartpole, acrobot, pendulum, mountainCar];

/** @param {string} envName @param {any} space its observation space */
export const worldOf = (envName, space) => WORLDS.find((world) => world.fits(envName)) ?? anyWorld(space);
