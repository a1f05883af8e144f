/**
 * How many datagrams one system call moves: the callers run once more, under strace, for a fixed number of turns.
 *
 * @typedef {import('./model.mjs').Batches} Batches
 * @typedef {import('./model.mjs').Failure} Failure
 * @typedef {import('./line-up.mjs').Entrant} Entrant
 */
import { messageOf } from './message-of.mjs';

const TURNS = 100;

/**
 * @param {readonly Entrant[]} entrants
 * @returns {Promise<{ batches: Record<string, Batches>, failures: Failure[] }>}
 */
export async function countBatches(entrants) {
  /** @type {Record<string, Batches>} */
  const batches = {};
  /** @type {Failure[]} */
  const failures = [];
  for (const { name, command } of entrants) {
    try {
      batches[name] = await batchesOf(command);
    } catch (error) {
      failures.push({ server: name, why: `its system calls are not counted: ${messageOf(error)}` });
    }
  }
  return { batches, failures };
}

/**
 * @param {readonly string[]} command
 * @returns {Promise<Batches>}
 */
async function batchesOf(command) {
  // Not before Portside has been built.
  const tracing = await import('../../dist/testing/node/system-calls.js');
  const { SENDING, RECEIVING, countCalls, traceCalls, whyNoTrace } = tracing;
  const why = whyNoTrace();
  if (why !== false) throw new Error(why);
  const { calls, output } = await traceCalls(
    command,
    [...SENDING, ...RECEIVING],
    `repeat ${String(TURNS)}\n`,
  );
  const { operations } = JSON.parse(output.trim().split('\n').at(-1) ?? '');
  return {
    sent: operations / countCalls(calls, SENDING),
    received: operations / countCalls(calls, RECEIVING),
  };
}
