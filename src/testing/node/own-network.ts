/**
 * Test files that run in a network of their own: a namespace in which there is nothing but what the test makes, so that
 * it may change addresses, routes and the name server, and reaches nobody else.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runProgram } from './peer.ts';

const INSIDE = 'PORTSIDE_TEST_NETWORK';

/** Seconds after which a run is killed: one that hangs must not stay behind. */
const TIME_LIMIT = 150;

/** A user namespace, so that it needs no rights; a mount namespace, for files of /etc. */
function unshared(setup: string): readonly string[] {
  return [
    '-sKILL',
    String(TIME_LIMIT),
    'unshare',
    '-rnm',
    'sh',
    '-ec',
    `ip link set lo up\n${setup}\nexec "$@"`,
    'sh',
  ];
}

interface Case {
  readonly ok: boolean;
  readonly name: string;
}

/** The outermost tests of a TAP report. */
function casesOf(tap: string): readonly Case[] {
  return [...tap.matchAll(/^(not )?ok \d+ - (.*)$/gm)].map(([, not, name = '']) => ({
    ok: not === undefined,
    name,
  }));
}

/**
 * Runs the file that calls it once more, in a network of its own, and shows its tests as its own.
 *
 * @param file the caller's `import.meta.url`
 * @param setup shell commands that prepare the network; they fail the tests if they fail
 * @returns whether this is that run, so that the caller has to define its tests
 */
export function inOwnNetwork(file: string, setup = ''): boolean {
  if (process.env[INSIDE] !== undefined) return true;
  test('in a network of its own', async (t) => {
    const probe = await runProgram('timeout', [...unshared(''), 'true']);
    if (probe.status !== 0) {
      t.skip(`no network namespace: ${probe.stderr.trim()}`);
      return;
    }
    const flags = process.execArgv.filter((flag) => !flag.startsWith('--test'));
    const env: NodeJS.ProcessEnv = { ...process.env, [INSIDE]: '1' };
    // Else the run would report to the runner of this one.
    delete env['NODE_TEST_CONTEXT'];
    const { status, stdout, stderr } = await runProgram(
      'timeout',
      [...unshared(setup), process.execPath, ...flags, '--test-reporter=tap', fileURLToPath(file)],
      env,
    );
    const cases = casesOf(stdout);
    for (const { ok, name } of cases) {
      await t.test(name, () => {
        assert.ok(ok, `failed:\n${stdout}\n${stderr}`);
      });
    }
    assert.ok(cases.length > 0 && status === 0, `ended with ${String(status)}:\n${stdout}\n${stderr}`);
  });
  return false;
}
