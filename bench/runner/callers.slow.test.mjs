/** Real callers, for short slices: what they answer must make sense. How fast they are is not judged. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { whyNoTrace } from '../../dist/testing/node/system-calls.js';
import { countBatches } from './batches.mjs';
import { buildNative } from './build.mjs';
import { CallerProcess } from './caller-process.mjs';
import { equip, lineUp } from './line-up.mjs';
import { PROGRAMS } from './programs.mjs';
import { measureRounds } from './rounds.mjs';
import { operationOf, testNamed, TESTS } from './tests.mjs';

const skip = process.platform === 'linux' ? false : 'the benchmark needs Linux';
const settings = { rounds: 2, sliceMs: 60, warmUpMs: 20, seed: 7, serverCore: 0, loadCore: 0 };

/** Tests download nothing. */
const wanted = PROGRAMS.filter(({ runtime }) => ['node', 'native', 'python'].includes(runtime));

/** @param {string} body Of an answer to each line. */
function scriptedCaller(body) {
  const script = `
    console.log('ready');
    require('readline').createInterface({ input: process.stdin }).on('line', () => { ${body} });`;
  return [process.execPath, '-e', script];
}

/**
 * @param {readonly string[]} command
 * @param {(caller: CallerProcess) => Promise<void>} use
 */
async function withCaller(command, use) {
  const caller = new CallerProcess(command, settings.serverCore);
  try {
    await caller.ready();
    await use(caller);
  } finally {
    await caller.stop();
  }
}

describe('callers', { skip }, () => {
  /** @type {import('./line-up.mjs').Equipment} */
  let equipment;
  before(async () => {
    await buildNative(() => undefined);
    equipment = await equip(wanted, undefined, undefined, () => undefined);
  });

  for (const definition of TESTS.filter((item) => operationOf(item) !== undefined)) {
    test(`measureRounds of ${definition.name} has a sane figure of each caller in each round`, async () => {
      const { entrants } = lineUp(definition, wanted, equipment);
      const { rounds, failures } = await measureRounds(definition, entrants, settings, () => undefined);
      assert.deepEqual(failures, []);
      assert.equal(rounds.length, settings.rounds);
      for (const round of rounds) {
        assert.deepEqual(Object.keys(round).sort(), entrants.map(({ name }) => name).sort());
        for (const [name, { cpuMicros = 0, rate = 0 }] of Object.entries(round)) {
          assert.ok(cpuMicros > 0.01 && cpuMicros < 1000, `${name}: ${String(cpuMicros)} µs`);
          // One thread does the work; others may help a little.
          assert.ok((cpuMicros * rate) / 1e6 < 2, `${name}: ${String(rate)}/s`);
        }
      }
    });
  }

  test('measure refuses a caller whose message does not arrive as it was sent', async () => {
    // A libc in whose place something else stands is hard to come by; a slice of the harness itself is not.
    const harness = new URL('../callers/harness.mjs', import.meta.url).href;
    const code = `
      import { requireSame, serve } from ${JSON.stringify(harness)};
      await serve({ pair: () => ({ size: 1, turn() {}, verify: (sent) => requireSame(sent, sent.map((b) => b ^ 1)) }) });`;
    await withCaller([process.execPath, '--input-type=module', '-e', code, 'x', 'pair'], async (caller) => {
      await assert.rejects(caller.measure(settings), /something else arrived/u);
    });
  });

  test('measure refuses a caller that made no calls, or answers nothing that can be read', async () => {
    const idle = 'console.log(JSON.stringify({ operations: 0, seconds: 1, cpuSeconds: 1 }));';
    for (const body of [idle, "console.log('done');"]) {
      await withCaller(scriptedCaller(body), async (caller) => {
        await assert.rejects(caller.measure(settings));
      });
    }
  });

  test('measureRounds leaves out a caller that ends, and says why', async () => {
    const mortal = { name: 'koffi', command: scriptedCaller("throw new TypeError('worn out');") };
    const { rounds, failures } = await measureRounds(
      testNamed('call-pair'),
      [mortal],
      settings,
      () => undefined,
    );
    assert.deepEqual(rounds, [{}, {}]);
    assert.deepEqual(failures, [{ server: 'koffi', why: 'it ended with 1: TypeError: worn out' }]);
  });

  test('countBatches counts the datagrams of one system call, with strace', async (t) => {
    const why = whyNoTrace();
    if (why !== false) {
      t.skip(why);
      return;
    }
    const definition = testNamed('call-batch');
    const cpp = PROGRAMS.filter(({ runtime }) => runtime === 'native');
    const { batches, failures } = await countBatches(lineUp(definition, cpp, equipment).entrants);
    assert.deepEqual(failures, []);
    assert.deepEqual(batches, {
      'cpp-calls': { sent: 32, received: 32 },
      'cpp-one': { sent: 1, received: 1 },
    });
  });
});
