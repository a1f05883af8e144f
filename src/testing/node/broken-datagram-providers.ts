/** Providers whose message sockets break the contract: rows for the tests of `datagramSuite`. */
import type { SocketProvider } from '../../base/provider.ts';
import type { DatagramTransport } from '../datagram-harness.ts';
import { binding, listening, type ProviderMutation } from './datagram-mutations.ts';
import type { Overrides } from './mutations.ts';

type Broken = Overrides<SocketProvider>;

/** What is wrong with a provider, over what, the part of a case's name that must catch it, and how it is made wrong. */
export const BROKEN_DATAGRAM_PROVIDERS: readonly (readonly [
  what: string,
  transport: DatagramTransport,
  caught: string,
  mutate: ProviderMutation,
])[] = [
  [
    'tells ICMP to everybody',
    'ipv4',
    'not told, and ends nothing',
    binding((o) => ({ ...o, icmpErrors: true })),
  ],
  [
    'tells ICMP to connected sockets',
    'ipv6',
    'poisons nothing',
    binding((o) => ({ ...o, icmpErrors: true })),
  ],
  ['never tells ICMP', 'ipv4', 'icmpErrors tells', binding((o) => ({ ...o, icmpErrors: false }))],
  ['connects nothing', 'ipv4', 'hears only its peer', binding((o) => ({ ...o, remote: undefined }))],
  ['shares every port', 'ipv4', 'EADDRINUSE', binding((o) => ({ ...o, reuseAddress: true }))],
  ['shares no port', 'ipv4', 'reuseAddress lets', binding((o) => ({ ...o, reuseAddress: false }))],
  ['spreads nothing', 'ipv4', 'reusePort spreads', binding((o) => ({ ...o, reusePort: false }))],
  ['ignores ipv6Only', 'ipv6', 'ipv6Only leaves', binding((o) => ({ ...o, ipv6Only: undefined }))],
  ['replaces every path', 'unix', 'replaces a stale path only', binding((o) => ({ ...o, stale: 'replace' }))],
  ['ignores the mode', 'unix', 'a file of its mode', binding((o) => ({ ...o, mode: undefined }))],
  ['ignores signals', 'ipv4', 'reason of a signal', binding((o) => ({ ...o, signal: undefined }))],
  ['ignores options', 'ipv4', 'bind sets options', binding((o) => ({ ...o, options: undefined }))],
  ['gives no limits', 'unix', 'keeps what is unsent', binding((o) => ({ ...o, highWaterMark: undefined }))],
  ['lists nothing', 'ipv4', 'sockets lists it', (): Broken => ({ sockets: () => [] })],
  [
    'does not close',
    'unix',
    'the end of the provider settles',
    (): Broken => ({ close: () => Promise.resolve() }),
  ],
  [
    'accepts while paused',
    'seqpacket',
    'a paused listener',
    listening(() => ({ pause: () => undefined, isPaused: true })),
  ],
  [
    'leaves a listener open',
    'seqpacket',
    'a closed listener leaves',
    listening(() => ({ close: () => Promise.resolve() })),
  ],
];
