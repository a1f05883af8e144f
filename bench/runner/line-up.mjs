/**
 * The programs of a test that can run here, with the commands that start them.
 *
 * @typedef {import('./model.mjs').TestDefinition} TestDefinition
 * @typedef {import('./model.mjs').ServerDefinition} ServerDefinition
 * @typedef {import('./model.mjs').CallerDefinition} CallerDefinition
 * @typedef {import('./model.mjs').PeerName} PeerName
 * @typedef {import('./model.mjs').Failure} Failure
 * @typedef {import('./runtimes.mjs').Runtime} Runtime
 *
 * @typedef {object} Equipment What there is on this machine.
 * @property {Runtime} node
 * @property {Partial<Readonly<Record<PeerName, Runtime>>>} peers
 * @property {Readonly<Record<string, string>>} missing Why a runtime is not there.
 * @property {boolean} hasPortside
 * @property {string | undefined} noTls Why nothing can be measured that speaks TLS.
 *
 * @typedef {ServerDefinition | CallerDefinition} Program
 *
 * @typedef {object} Entrant
 * @property {string} name
 * @property {readonly string[]} command
 */
import path from 'node:path';
import { buildPortside } from './build.mjs';
import { messageOf } from './message-of.mjs';
import { BUILD, CALLER_SOURCES, SERVER_SOURCES } from './paths.mjs';
import { programNamed } from './programs.mjs';
import { findNode, findPeer, PEERS } from './runtimes.mjs';
import { operationOf } from './tests.mjs';
import { serviceFor } from './units.mjs';

/**
 * Finds, builds and installs what the tests need. What cannot be had is said once, and left out.
 *
 * @param {readonly Program[]} programs
 * @param {string | undefined} nodeWish
 * @param {string | undefined} noTls
 * @param {(line: string) => void} say
 * @returns {Promise<Equipment>}
 */
export async function equip(programs, nodeWish, noTls, say) {
  const node = await findNode(nodeWish, say);
  /** @type {Partial<Record<PeerName, Runtime>>} */
  const peers = {};
  /** @type {Record<string, string>} */
  const missing = {};
  for (const name of PEERS) {
    if (!programs.some((program) => program.runtime === name)) continue;
    try {
      peers[name] = await findPeer(name, node, say);
    } catch (error) {
      missing[name] = `cannot be had: ${messageOf(error).split('\n', 1)[0] ?? ''}`;
      say(`skipping ${name}: it ${missing[name]}`);
    }
  }
  const hasPortside = programs.some((program) => program.needsBuild) ? await tryBuild(say) : false;
  return { node, peers, missing, hasPortside, noTls };
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
 * @param {readonly Program[]} wanted
 * @param {Equipment} equipment
 * @returns {{ entrants: Entrant[], failures: Failure[] }}
 */
export function lineUp(test, wanted, equipment) {
  /** @type {Entrant[]} */
  const entrants = [];
  /** @type {Failure[]} */
  const failures = [];
  for (const program of test.programs.map(programNamed)) {
    if (!wanted.includes(program)) continue;
    const why = (test.tls === true ? equipment.noTls : undefined) ?? whyNot(program, equipment);
    if (why === undefined)
      entrants.push({ name: program.name, command: commandOf(program, test, equipment) });
    else failures.push({ server: program.name, why });
  }
  return { entrants, failures };
}

/**
 * @param {Program} program
 * @param {Equipment} equipment
 */
function whyNot(program, equipment) {
  if (program.needsBuild && !equipment.hasPortside) return 'Portside is not built';
  return equipment.missing[program.runtime];
}

/**
 * @param {Program} program
 * @param {TestDefinition} test
 * @param {Equipment} equipment
 */
function commandOf(program, test, equipment) {
  const [folder, words] =
    operationOf(test) === undefined
      ? [SERVER_SOURCES, serverWords(program, test)]
      : [CALLER_SOURCES, [test.mode, ...(program.words ?? [])]];
  const file = program.file ?? `${program.name}.mjs`;
  if (program.runtime === 'native') return [path.join(BUILD, path.parse(file).name), ...words];
  const runtime = program.runtime === 'node' ? equipment.node : equipment.peers[program.runtime];
  if (runtime === undefined) throw new Error(`no ${program.runtime} was looked for`);
  const library = runtime.library === undefined ? [] : [runtime.library];
  return [runtime.program, ...runtime.args, path.join(folder, file), ...words, ...library];
}

/**
 * @param {Program} program
 * @param {TestDefinition} test
 */
function serverWords({ words = [] }, test) {
  return [serviceFor(test), ...words, ...(test.tls === true ? [BUILD] : [])];
}
