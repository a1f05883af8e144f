/** What a newcomer gets wrong first, and what the error then says to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Portside } from '../../doors/portside.ts';
import { world } from './test-kit.ts';

type Step = readonly [name: string, step: (front: Portside) => Promise<unknown>, advice: RegExp];

const STEPS: readonly Step[] = [
  ['connect of text', ({ connect }) => connect('example.com:80' as never), /^options: .*such as \{ to: /],
  ['connect of nothing', ({ connect }) => connect(undefined as never), /^options: .*such as \{ to: /],
  [
    'listen on a number',
    ({ listen }) => listen(8080 as never),
    /^options: .*such as \{ on: '127.0.0.1:80' \}/,
  ],
  ['bind of text', ({ bind }) => bind('0.0.0.0:53' as never), /^options: .*such as \{ on: /],
  [
    'listenPackets of text',
    ({ listenPackets }) => listenPackets('unix:/x' as never),
    /^options: .*such as \{ on: 'unix:/,
  ],
  ['connect by host and port', ({ connect }) => connect({ host: 'x', port: 80 } as never), /given as `to`/],
  ['an address without a port', ({ connect }) => connect({ to: '127.0.0.1' }), /the port is missing/],
  ['an address that is a URL', ({ connect }) => connect({ to: 'http://localhost:80' }), /this is a URL/],
  ['a path as it stands', ({ connect }) => connect({ to: '/run/x.sock' }), /a path begins with "unix:"/],
  ['IPv6 without brackets', ({ connect }) => connect({ to: '::1:80' }), /stands in brackets/],
  [
    'a socket option among the others',
    ({ connect }) => connect({ to: '127.0.0.1:80', noDelay: true } as never),
    /^noDelay: there is no such option; did you mean options\.noDelay\?$/,
  ],
  [
    'a misspelt socket option',
    ({ listen }) => listen({ options: { nodelay: true } as never }),
    /^options\.nodelay: there is no such option; did you mean options\.noDelay\?$/,
  ],
  [
    'a datagram to nobody',
    async ({ bind }) => (await bind()).send('x'),
    /^to: expected an address, as the socket is not connected/,
  ],
  [
    'a misspelt option of a datagram',
    async ({ bind }) => (await bind()).sendMany([{ data: 'x', to: '127.0.0.1:9', tll: 1 } as never]),
    /^tll: there is no such option; did you mean ttl\?$/,
  ],
  [
    'a misspelt option of a group',
    async ({ bind }) => {
      (await bind()).join({ group: '239.1.2.3', sourse: '192.0.2.1' } as never);
    },
    /^sourse: there is no such option; did you mean source\?$/,
  ],
  ['upgrade of nothing', ({ upgrade }) => upgrade(undefined as never), /^connection: expected an object/],
  [
    'upgrade of a stranger',
    ({ upgrade }) => upgrade({} as never),
    /^connection\.upgrade: expected a function/,
  ],
  ['a datagram to a name', async ({ bind }) => (await bind()).send('x', 'localhost:9'), /look the name up/],
];

for (const [name, step, advice] of STEPS) {
  test(`portside says what to do about ${name}`, async (t) => {
    await assert.rejects(step(world(t).front), { message: advice });
  });
}
