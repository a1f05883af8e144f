import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocketAddress } from './address.ts';
import { formatSocketAddress } from './format-address.ts';

const MAC = Uint8Array.of(2, 0, 0x5e, 0x10, 0, 1);

const TEXTS: readonly (readonly [SocketAddress, string])[] = [
  [{ family: 'ipv4', host: '192.0.2.1', port: 80 }, '192.0.2.1:80'],
  [{ family: 'ipv6', host: 'fe80::1', port: 80, scope: '2', flowInfo: 1 }, '[fe80::1%2]:80'],
  [{ family: 'unix', path: '\0name' }, 'unix:@name'],
  [{ family: 'unix', path: '' }, 'unix:(unnamed)'],
  [
    { family: 'packet', protocol: 0x800, interface: 2, address: MAC },
    'packet:2 protocol 0x0800 02:00:5e:10:00:01',
  ],
  [
    { family: 'packet', protocol: 3, interface: 'eth0', address: new Uint8Array() },
    'packet:eth0 protocol 0x0003',
  ],
  [{ family: 'packet', protocol: 0, interface: 0 }, 'packet:0 protocol 0x0000'],
  [{ family: 'netlink', port: 4242, groups: 0 }, 'netlink:4242'],
  [{ family: 'netlink', port: 0, groups: 17 }, 'netlink:0 groups 0x11'],
  [{ family: 'vsock', cid: 3, port: 1024 }, 'vsock:3:1024'],
  [{ family: 'can', interface: 5 }, 'can:5'],
  [{ family: 'can', interface: 'can0', isotp: { rxId: 0x123, txId: 0x456 } }, 'can:can0 rx 0x123 tx 0x456'],
  [
    { family: 'can', interface: 5, j1939: { name: 0xabcn, pgn: 0x1fe00, address: 0x20 } },
    'can:5 name 0xabc pgn 0x1fe00 address 0x20',
  ],
  [{ family: 'other', number: 31, bytes: Uint8Array.of(1, 2, 255) }, 'family 31: 01 02 ff'],
  [{ family: 'other', number: 31, bytes: new Uint8Array() }, 'family 31'],
];

for (const [address, text] of TEXTS) {
  test(`formatSocketAddress of ${address.family} is ${text}`, () => {
    assert.equal(formatSocketAddress(address), text);
  });
}
