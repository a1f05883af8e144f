/**
 * Memory per idle connection, from the resident size of a fresh server: what it grows by when many connections are
 * opened to it (`bytes`), and what is left of that once the server has collected its garbage (`heldBytes`).
 *
 * @typedef {import('./model.mjs').TestDefinition} TestDefinition
 * @typedef {import('./model.mjs').Settings} Settings
 * @typedef {import('./model.mjs').Sample} Sample
 * @typedef {import('./model.mjs').Round} Round
 * @typedef {import('./model.mjs').Failure} Failure
 * @typedef {import('./line-up.mjs').Entrant} Entrant
 * @typedef {import('./rounds.mjs').Measured} Measured
 * @typedef {import('./rounds.mjs').Tell} Tell
 */
import { setTimeout as pause } from 'node:timers/promises';
import { IdleConnections } from './generator.mjs';
import { messageOf } from './message-of.mjs';
import { randomNumbers, shuffled } from './random.mjs';
import { ServerProcess } from './server-process.mjs';

/** Opened and closed first, so that code which runs for the first time is not taken for memory of a connection. */
const WARM_UP_CONNECTIONS = 200;

/** A size counts as settled when two readings differ by less than this. */
const SETTLED_BYTES = 64 * 1024;
const SETTLE_STEP_MS = 50;
const SETTLE_STEPS = 40;

/**
 * @param {TestDefinition} test
 * @param {readonly Entrant[]} entrants
 * @param {Settings} settings
 * @param {Tell} tell
 * @returns {Promise<Measured>}
 */
export async function measureIdle(test, entrants, settings, tell) {
  const random = randomNumbers(settings.seed);
  /** @type {Round[]} */
  const rounds = [];
  /** @type {Map<string, Failure>} */
  const failed = new Map();
  while (rounds.length < settings.rounds) {
    /** @type {Record<string, Sample>} */
    const round = {};
    for (const entrant of shuffled(entrants, random)) {
      if (failed.has(entrant.name)) continue;
      tell(`round ${String(rounds.length + 1)}/${String(settings.rounds)}  ${entrant.name}`);
      try {
        round[entrant.name] = await measureMemory(test, entrant, settings);
      } catch (error) {
        failed.set(entrant.name, { server: entrant.name, why: messageOf(error) });
      }
    }
    rounds.push(round);
  }
  return { rounds, failures: [...failed.values()] };
}

/**
 * @param {TestDefinition} test
 * @param {Entrant} entrant
 * @param {Settings} settings
 * @returns {Promise<Sample>}
 */
async function measureMemory(test, entrant, settings) {
  const server = new ServerProcess(entrant.command, settings.serverCore);
  try {
    await server.ready();
    const few = await IdleConnections.open({ ...test, connections: WARM_UP_CONNECTIONS }, server, settings);
    await few.close();
    await collect(server);
    const before = await settledBytes(server);
    const many = await IdleConnections.open(test, server, settings);
    const grown = await settledBytes(server);
    await collect(server);
    const held = await settledBytes(server);
    await many.close();
    const each = (/** @type {number} */ bytes) => (bytes - before) / test.connections;
    return { bytes: each(grown), heldBytes: each(held) };
  } finally {
    await server.stop();
  }
}

/**
 * Twice: what the first collection lets go of, by finalizers for example, the second one frees.
 *
 * @param {ServerProcess} server
 */
async function collect(server) {
  await server.collectGarbage();
  await server.collectGarbage();
}

/** @param {ServerProcess} server */
async function settledBytes(server) {
  let bytes = await server.residentBytes();
  for (let step = 0; step < SETTLE_STEPS; step++) {
    await pause(SETTLE_STEP_MS);
    const earlier = bytes;
    bytes = await server.residentBytes();
    if (Math.abs(bytes - earlier) < SETTLED_BYTES) return bytes;
  }
  throw new Error('the resident size does not settle');
}
