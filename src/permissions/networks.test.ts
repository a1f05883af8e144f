/** Addresses in binary form, and hosts as they are written: by the tables. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readHost } from './host-pattern.ts';
import { classOf, formatNetwork, formsOf, hostNetwork, parseNetwork } from './networks.ts';
import { readCases } from './test-kit.ts';

const { addresses, hosts } = readCases('addresses') as {
  readonly addresses: readonly (readonly [address: string, class_: string, forms: readonly string[]])[];
  readonly hosts: readonly (readonly [written: string, name: string | null, address: string | null])[];
};

for (const [address, class_, forms] of addresses) {
  test(`classOf and formsOf ${address}: ${class_} (F68, F69)`, () => {
    const { bytes } = readHost(address);
    assert.ok(bytes);
    assert.equal(classOf(bytes), class_);
    assert.deepEqual(
      formsOf(bytes).map((form) => formatNetwork(hostNetwork(form))),
      forms,
    );
  });
}

for (const [written, name, address] of hosts) {
  test(`readHost reads ${JSON.stringify(written)} as what it leads to (F67)`, () => {
    const host = readHost(written);
    const found = host.bytes && formatNetwork(hostNetwork(host.bytes));
    assert.deepEqual([host.name ?? null, found ?? null], [name, address]);
  });
}

for (const [text, expected] of [
  ['10.0.0.0/8', '10.0.0.0/8'],
  ['10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
  ['::ffff:0.0.0.0/96', '0.0.0.0/0'],
  ['::/0', '::/0'],
  ['fd00::/8', 'fd00::/8'],
  ['a', null],
  ['10.0.0.0/', null],
  ['10.0.0.0/33', null],
  ['::/129', null],
  ['10.0.0.0/-1', null],
  ['10.0.0.0/1e1', null],
  ['10.0.0.0/8/8', null],
  ['fe80::1%lo', null],
] as const) {
  test(`parseNetwork ${expected === null ? 'refuses' : 'reads'} ${text}`, () => {
    const network = parseNetwork(text);
    assert.notEqual(typeof network, 'string');
    assert.equal(network === null || typeof network === 'string' ? null : formatNetwork(network), expected);
  });
}
