import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { datagramSuite } from './datagram-suite.ts';
import { listenerSuite } from './listener-suite.ts';
import { memoryWorld } from './memory-world.ts';
import { nodeHooks } from './node/hooks.ts';
import { pairMaker } from './pair-maker.ts';
import { PROMISES } from './promises.ts';
import { providerSuite } from './provider-suite.ts';
import { streamSuite } from './stream-suite.ts';
import type { SuiteCase, SuiteTransport } from './suite.ts';
import { tlsSuite } from './tls-suite.ts';

/** The contract's text without the marks of its comments and the breaks of its lines. */
const CONTRACT = ['provider', 'datagram']
  .map((name) => readFileSync(new URL(`../../src/base/${name}.ts`, import.meta.url), 'utf8'))
  .join('')
  .replaceAll(/\n\s*\/?\*+\/?/g, ' ')
  .replaceAll(/\s+/g, ' ');

/** Every case there is, of all suites over all transports. */
function allCases(): SuiteCase[] {
  const world = memoryWorld();
  const common = { ...world.options, detach: nodeHooks().detach };
  const datagrams = (['ipv4', 'ipv6', 'unix', 'unix-abstract', 'seqpacket'] as const).flatMap((transport) =>
    datagramSuite(world.make, { ...common, transport }),
  );
  const others = (['ipv4', 'ipv6', 'unix', 'unix-abstract'] as const).flatMap((transport: SuiteTransport) => {
    const options = { ...common, transport };
    return [
      ...streamSuite(pairMaker(world.make, transport, world.files), options),
      ...listenerSuite(world.make, options),
      ...providerSuite(world.make, options),
    ];
  });
  const material = { cert: '', key: '' };
  const tls = { client: {}, server: material, impostor: material, transport: 'ipv4' } as const;
  return [...others, ...datagrams, ...tlsSuite(world.make, { ...common, ...tls })];
}

/** A promise that these cases cannot check: `node/lifetime-suite.ts` has a process of its own for it. */
const ELSEWHERE: ReadonlySet<string> = new Set(['life.ref']);

test('PROMISES are sentences of the contract, word for word', () => {
  const missing = Object.entries(PROMISES).filter(([, text]) => !CONTRACT.includes(text));
  assert.deepEqual(missing, []);
});

test('PROMISES have every sentence of the contract’s head', () => {
  const head = /- \*\*Order\.\*\* (.*?)import type/.exec(CONTRACT)?.[1] ?? '';
  assert.ok(head.length > 1000);
  const rest = Object.values(PROMISES)
    .reduce<string>((text, promise) => text.replace(promise, ''), head)
    .replaceAll(/- \*\*[A-Z][A-Za-z -]+\.\*\*/g, '')
    .trim();
  assert.equal(rest, '');
});

test('PROMISES are each checked by at least one case', () => {
  const checked = new Set<string>(allCases().flatMap((each) => each.promises));
  const unchecked = Object.keys(PROMISES).filter((id) => !checked.has(id) && !ELSEWHERE.has(id));
  assert.deepEqual(unchecked, []);
});

test('suites have no two cases of the same name', () => {
  const names = allCases().map((each) => each.name);
  assert.deepEqual(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
  );
});
