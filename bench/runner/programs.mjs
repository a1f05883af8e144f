/**
 * All programs that can be measured, servers and callers, by their names.
 *
 * @typedef {import('./model.mjs').ServerDefinition} ServerDefinition
 * @typedef {import('./model.mjs').CallerDefinition} CallerDefinition
 */
import { CALLERS } from './callers.mjs';
import { SERVERS } from './servers.mjs';

/** @type {readonly (ServerDefinition | CallerDefinition)[]} */
export const PROGRAMS = [...SERVERS, ...CALLERS];

/**
 * @param {string} name
 * @returns {ServerDefinition | CallerDefinition}
 */
export function programNamed(name) {
  const found = PROGRAMS.find((program) => program.name === name);
  if (found === undefined) throw new Error(`there is no server and no caller ${name}`);
  return found;
}
