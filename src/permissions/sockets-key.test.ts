import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatHostPort } from './host-port.ts';
import { formatSocketRule } from './socket-permission.ts';
import { parseSocketsKey } from './sockets-key.ts';
import { PermissionSyntaxError } from './syntax-error.ts';

/** Manifest value, and the rules that it gives. */
const VALID: readonly (readonly [unknown, readonly string[]])[] = [
  [{}, []],
  [{ tcp: {} }, []],
  [{ somethingNew: { connect: '*' }, tcp: { dial: '*' } }, []],
  ...(
    [
      ['udp', 'send', 'udp-send-to'],
      ['udp', 'bind', 'udp-bind'],
      ['tcp', 'connect', 'tcp-connect'],
      ['tcpServer', 'listen', 'tcp-listen'],
    ] as const
  ).flatMap(([section, entry, op]): [unknown, string[]][] => [
    [{ [section]: { [entry]: '' } }, [`${op}:*:*`]],
    [{ [section]: { [entry]: [''] } }, [`${op}:*:*`]],
    [{ [section]: { [entry]: [] } }, []],
    [{ [section]: { [entry]: ['a:80', 'b:10'] } }, [`${op}:a:80`, `${op}:b:10`]],
  ]),
  [{ udp: { multicastMembership: '' } }, ['udp-multicast-membership']],
  [{ udp: { multicastMembership: [''] } }, ['udp-multicast-membership']],
  [{ udp: { multicastMembership: ['', ''] } }, ['udp-multicast-membership']],
  [{ udp: { multicastMembership: [] } }, []],
  [{ tcp: { connect: ['a:1', 'A:1', 'b:2', 'a:1'] } }, ['tcp-connect:a:1', 'tcp-connect:b:2']],
  [{ tcp: { connect: '*.Example.com:443' } }, ['tcp-connect:*.example.com:443']],
  [
    {
      tcp: { connect: ['a:80', 'b:10'] },
      tcpServer: { listen: ['a:80', 'b:10'] },
      udp: { bind: ['a:80', 'b:10'], send: ['a:80', 'b:10'], multicastMembership: '' },
    },
    [
      'tcp-connect:a:80',
      'tcp-connect:b:10',
      'tcp-listen:a:80',
      'tcp-listen:b:10',
      'udp-bind:a:80',
      'udp-bind:b:10',
      'udp-multicast-membership',
      'udp-send-to:a:80',
      'udp-send-to:b:10',
    ],
  ],
];

/** Manifest value, the place of the fault, and the message. */
const INVALID: readonly (readonly [unknown, readonly (string | number)[], string])[] = [
  [
    { tcp: { connect: ['a:80', 'b:0'] } },
    ['sockets', 'tcp', 'connect', 1],
    "Invalid host:port pattern 'b:0'",
  ],
  [{ tcp: { connect: 'a:65536' } }, ['sockets', 'tcp', 'connect'], "Invalid host:port pattern 'a:65536'"],
  [{ tcp: { connect: 'a:-1' } }, ['sockets', 'tcp', 'connect'], "Invalid host:port pattern 'a:-1'"],
  [{ tcp: { connect: 'a:80-90' } }, ['sockets', 'tcp', 'connect'], "Invalid host:port pattern 'a:80-90'"],
  [{ tcp: { connect: '[::1]:80' } }, ['sockets', 'tcp', 'connect'], "Invalid host:port pattern '[::1]:80'"],
  [{ tcp: { connect: '::1' } }, ['sockets', 'tcp', 'connect'], "Invalid host:port pattern '::1'"],
  [{ tcp: { connect: ' a:80' } }, ['sockets', 'tcp', 'connect'], "Invalid host:port pattern ' a:80'"],
  [
    { tcpServer: { listen: 'a:80 ' } },
    ['sockets', 'tcpServer', 'listen'],
    "Invalid host:port pattern 'a:80 '",
  ],
  [{ udp: { send: ['\ta'] } }, ['sockets', 'udp', 'send', 0], "Invalid host:port pattern '\ta'"],
  [{ udp: { bind: 'a:b:c' } }, ['sockets', 'udp', 'bind'], "Invalid host:port pattern 'a:b:c'"],
  [
    { udp: { multicastMembership: '*' } },
    ['sockets', 'udp', 'multicastMembership'],
    "Invalid host:port pattern '*'",
  ],
  [
    { udp: { multicastMembership: ['', 'a'] } },
    ['sockets', 'udp', 'multicastMembership', 1],
    "Invalid host:port pattern 'a'",
  ],
  [null, ['sockets'], "Invalid value for 'sockets': expected an object"],
  [undefined, ['sockets'], "Invalid value for 'sockets': expected an object"],
  ['*', ['sockets'], "Invalid value for 'sockets': expected an object"],
  [[], ['sockets'], "Invalid value for 'sockets': expected an object"],
  [{ tcp: '*' }, ['sockets', 'tcp'], "Invalid value for 'sockets.tcp': expected an object"],
  [{ tcp: null }, ['sockets', 'tcp'], "Invalid value for 'sockets.tcp': expected an object"],
  [
    { tcp: { connect: 80 } },
    ['sockets', 'tcp', 'connect'],
    "Invalid value for 'sockets.tcp.connect': expected a string or a list of strings",
  ],
  [
    { tcp: { connect: {} } },
    ['sockets', 'tcp', 'connect'],
    "Invalid value for 'sockets.tcp.connect': expected a string or a list of strings",
  ],
  [
    { tcp: { connect: ['', 7] } },
    ['sockets', 'tcp', 'connect', 1],
    "Invalid value for 'sockets.tcp.connect.1': expected a string",
  ],
];

for (const [value, expected] of VALID) {
  test(`parseSocketsKey reads ${JSON.stringify(value)}`, () => {
    assert.deepEqual(parseSocketsKey(value).map(formatSocketRule), expected);
  });
}

for (const [value, path, message] of INVALID) {
  test(`parseSocketsKey refuses ${(JSON.stringify(value) as string | undefined) ?? 'undefined'}`, () => {
    assert.throws(
      () => parseSocketsKey(value),
      (error) => {
        assert.ok(error instanceof PermissionSyntaxError);
        assert.equal(error.name, 'PermissionSyntaxError');
        assert.equal(error.message, message);
        assert.deepEqual(error.path, path);
        return true;
      },
    );
  });
}

test('parseSocketsKey reads again what it wrote', () => {
  const rules = parseSocketsKey({ tcp: { connect: ['', '.a.org', 'b:7', ':80', '10.0.0.1:1'] } });
  assert.deepEqual(parseSocketsKey({ tcp: { connect: rules.map((rule) => formatHostPort(rule)) } }), rules);
});

test('parseSocketsKey ignores what a prototype carries', () => {
  const value: unknown = Object.create({ tcp: { connect: '' } });
  assert.deepEqual(parseSocketsKey(value), []);
});
