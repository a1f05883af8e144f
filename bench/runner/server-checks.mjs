/** For the tests of servers: every test of the benchmark, for short slices, and what a sane figure is. */
import assert from 'node:assert/strict';
import os from 'node:os';
import { before, describe, test } from 'node:test';
import { buildNative } from './build.mjs';
import { equip, lineUp } from './line-up.mjs';
import { whyNoNetwork } from './network.mjs';
import { measureRounds } from './rounds.mjs';
import { SERVERS } from './servers.mjs';
import { operationOf, TESTS } from './tests.mjs';
import { isTimed, unitOf } from './units.mjs';

export const skip = process.platform === 'linux' ? false : 'the load generator needs Linux';
const loadCore = os.cpus().length > 1 ? 1 : 0;
export const settings = { rounds: 1, sliceMs: 100, warmUpMs: 20, seed: 7, serverCore: 0, loadCore };

/** Tests download nothing. */
const wanted = SERVERS.filter(({ runtime }) => ['node', 'native'].includes(runtime));

/** The most CPU that one of a test may take on a machine that others use too, in microseconds. */
const MOST_MICROS = { request: 20_000, datagram: 2000, KiB: 500 };

/** @param {import('./model.mjs').TestDefinition} definition @param {import('./model.mjs').Sample} sample */
function assertSane(definition, sample) {
  const { cpuMicros = 0, rate = 0, loadBusy = 0, p50Micros, p99Micros } = sample;
  const most = MOST_MICROS[/** @type {keyof MOST_MICROS} */ (unitOf(definition).one)];
  assert.ok(cpuMicros > 0 && cpuMicros < most, `${String(cpuMicros)} µs`);
  assert.ok((cpuMicros * rate) / 1e6 < 1.2, `${String(rate)}/s`);
  assert.ok(loadBusy > 0 && loadBusy < 1.1);
  assert.equal(p50Micros !== undefined, isTimed(definition));
  if (p50Micros !== undefined) assert.ok((p99Micros ?? 0) >= p50Micros);
}

/** The idle connections have a test of their own. */
const loaded = TESTS.filter((item) => operationOf(item) === undefined && item.mode !== 'idle');

/**
 * Measures those tests whose mode `wants` chooses, with the servers that need no download.
 *
 * @param {string} title
 * @param {(mode: string) => boolean} wants
 */
export function describeServers(title, wants) {
  describe(title, { skip }, () => {
    /** @type {import('./line-up.mjs').Equipment} */
    let equipment;
    before(async () => {
      const noTls = await buildNative(() => undefined);
      equipment = await equip(wanted, undefined, noTls, () => undefined);
    });

    for (const definition of loaded.filter(({ mode }) => wants(mode))) {
      test(`measureRounds of ${definition.name} has a sane figure of each server`, async (t) => {
        const noTls = definition.tls === true ? equipment.noTls : undefined;
        const why = noTls ?? (definition.mode === 'udp-receive' ? await whyNoNetwork() : undefined);
        if (why !== undefined) {
          t.skip(why);
          return;
        }
        const { entrants } = lineUp(definition, wanted, equipment);
        const { rounds, failures } = await measureRounds(definition, entrants, settings, () => undefined);
        assert.deepEqual(failures, []);
        assert.equal(rounds.length, settings.rounds);
        for (const round of rounds) {
          assert.deepEqual(Object.keys(round).sort(), entrants.map(({ name }) => name).sort());
          for (const sample of Object.values(round)) assertSane(definition, sample);
        }
      });
    }
  });
}
