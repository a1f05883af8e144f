/**
 * The servers of a test that can run here, with the commands that start them.
 *
 * @typedef {import('./model.mjs').TestDefinition} TestDefinition
 * @typedef {import('./model.mjs').ServerDefinition} ServerDefinition
 * @typedef {import('./model.mjs').Failure} Failure
 * @typedef {import('./runtimes.mjs').Runtime} Runtime
 *
 * @typedef {object} Equipment What there is on this machine.
 * @property {Runtime} node
 * @property {Partial<Readonly<Record<'bun' | 'deno', Runtime>>>} peers
 * @property {Readonly<Record<string, string>>} missing Why a runtime is not there.
 * @property {boolean} hasPortside
 *
 * @typedef {object} Entrant
 * @property {string} name
 * @property {readonly string[]} command
 */
import path from 'node:path';
import { buildPortside } from './build.mjs';
import { messageOf } from './message-of.mjs';
import { BUILD, SERVER_SOURCES } from './paths.mjs';
import { findNode, findPeer } from './runtimes.mjs';
import { serverNamed } from './servers.mjs';

/**
 * Finds, builds and installs what the tests need. What cannot be had is said once, and left out.
 *
 * @param {readonly ServerDefinition[]} servers
 * @param {string | undefined} nodeWish
 * @param {(line: string) => void} say
 * @returns {Promise<Equipment>}
 */
export async function equip(servers, nodeWish, say) {
  const node = await findNode(nodeWish, say);
  /** @type {Partial<Record<'bun' | 'deno', Runtime>>} */
  const peers = {};
  /** @type {Record<string, string>} */
  const missing = {};
  for (const name of /** @type {const} */ (['bun', 'deno'])) {
    if (!servers.some((server) => server.runtime === name)) continue;
    try {
      peers[name] = await findPeer(name, say);
    } catch (error) {
      missing[name] = `cannot be had: ${messageOf(error).split('\n', 1)[0] ?? ''}`;
      say(`skipping ${name}: it ${missing[name]}`);
    }
  }
  const hasPortside = servers.some((server) => server.needsBuild) ? await tryBuild(say) : false;
  return { node, peers, missing, hasPortside };
}

/** @param {(line: string) => void} say */
async function tryBuild(say) {
  try {
    if (await buildPortside()) return true;
    say('skipping Portside: it is not built (`npm run build`)');
  } catch (error) {
    say(`skipping Portside: its build failed: ${messageOf(error)}`);
  }
  return false;
}

/**
 * @param {TestDefinition} test
 * @param {readonly ServerDefinition[]} wanted
 * @param {Equipment} equipment
 * @returns {{ entrants: Entrant[], failures: Failure[] }}
 */
export function lineUp(test, wanted, equipment) {
  /** @type {Entrant[]} */
  const entrants = [];
  /** @type {Failure[]} */
  const failures = [];
  for (const server of test.servers.map(serverNamed)) {
    if (!wanted.includes(server)) continue;
    const why = whyNot(server, equipment);
    if (why === undefined) entrants.push({ name: server.name, command: commandOf(server, test, equipment) });
    else failures.push({ server: server.name, why });
  }
  return { entrants, failures };
}

/**
 * @param {ServerDefinition} server
 * @param {Equipment} equipment
 */
function whyNot(server, equipment) {
  if (server.needsBuild && !equipment.hasPortside) return 'Portside is not built';
  return equipment.missing[server.runtime];
}

/**
 * @param {ServerDefinition} server
 * @param {TestDefinition} test
 * @param {Equipment} equipment
 */
function commandOf(server, test, equipment) {
  const mode = test.mode === 'accept' ? 'accept' : 'echo';
  if (server.runtime === 'native') return [path.join(BUILD, server.name), mode];
  const runtime = server.runtime === 'node' ? equipment.node : equipment.peers[server.runtime];
  if (runtime === undefined) throw new Error(`no ${server.runtime} was looked for`);
  return [runtime.program, ...runtime.args, path.join(SERVER_SOURCES, `${server.name}.mjs`), mode];
}
