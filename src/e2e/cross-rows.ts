/**
 * Cases that Portside and CPython go through alike: the names of sockets begin with `a` at one end and `b` at the other.
 * `$path` and `$name` are a Unix path and an abstract name of the case's own.
 */
import { ERROR_ROWS } from './cross-error-rows.ts';
import type { Answer, PlainAddress, Step } from './cross-steps.ts';
import type { CrossRow } from './cross-words.ts';
import { connection, datagrams, IP4, IP6, NAME, PATH, tcp, TCP, udp, UDP, UNNAMED } from './cross-words.ts';

const NAMES: readonly Step[] = [
  ['local', 'a'],
  ['local', 'b'],
  ['remote', 'b'],
  ['local', 'a2'],
  ['remote', 'a2'],
];

const CONVERSATION: readonly Step[] = [
  ['send', 'b', 'hello'],
  ['recv', 'a2', 64],
  ['send', 'a2', 'world'],
  ['recv', 'b', 64],
  ['tryRecv', 'b', 64],
  ['shutdown', 'b', 'write'],
  ['recv', 'a2', 64],
  ['send', 'b', 'x'],
  ['shutdown', 'b', 'write'],
  ['send', 'a2', 'late'],
  ['recv', 'b', 64],
  ['close', 'a2'],
  ['recv', 'b', 64],
  ['shutdown', 'b', 'both'],
];

const STREAMS: readonly (readonly [what: string, ...Parameters<typeof connection>])[] = [
  ['AF_INET streams', 'AF_INET', 'SOCK_STREAM', IP4],
  ['AF_INET6 streams', 'AF_INET6', 'SOCK_STREAM', IP6],
  ['AF_UNIX streams by path', 'AF_UNIX', 'SOCK_STREAM', PATH],
  ['AF_UNIX streams by abstract name', 'AF_UNIX', 'SOCK_STREAM', NAME],
  ['AF_UNIX streams by a name of the system', 'AF_UNIX', 'SOCK_STREAM', UNNAMED],
  ['AF_UNIX records by path', 'AF_UNIX', 'SOCK_SEQPACKET', PATH],
];

const needs = (family: string): Pick<CrossRow, 'needs'> =>
  family === 'AF_INET6' ? { needs: ['AF_INET6', 'SOCK_DGRAM'] } : {};

const streamRows: readonly CrossRow[] = STREAMS.map(([name, family, type, address]) => ({
  name: `${name}, their addresses and their end`,
  ...needs(family),
  steps: [...connection(family, type, address), ...NAMES, ...CONVERSATION],
  answers: { 4: 'ok', 12: 'hello', 15: 'would block', 17: '', 18: 'EPIPE', 21: 'late', 23: '' },
}));

const datagramRows: readonly CrossRow[] = [
  ['AF_INET', IP4, IP4] as const,
  ['AF_INET6', IP6, IP6] as const,
  ['AF_UNIX', PATH, UNNAMED] as const,
  ['AF_UNIX', NAME, PATH] as const,
].map(([family, address, other]) => ({
  name: `${family} datagrams between ${String(address[1])} and ${String(other[1])}`,
  ...needs(family),
  steps: [
    ...datagrams(family, address, other),
    ['local', 'a'],
    ['local', 'b'],
    ['remote', 'a'],
    ['sendTo', 'a', 'one', '@b'],
    ['recvFrom', 'b', 64],
    ['sendTo', 'a', '', '@b'],
    ['recvFrom', 'b', 64],
    ['connect', 'b', '@a'],
    ['remote', 'b'],
    ['send', 'b', 'two'],
    ['recvMsg', 'a', 2, 0],
    ['tryRecv', 'a', 64],
    ['send', 'a', 'nobody'],
  ],
  answers: { 0: 'ok', 1: 'ok', 6: 'ENOTCONN', 7: 3, 15: 'would block' },
}));

const attempts: readonly CrossRow[] = [
  {
    name: 'attempts that would block',
    steps: [
      tcp('a'),
      ['bind', 'a', IP4],
      ['listen', 'a', 5],
      ['tryAccept', 'a2', 'a'],
      udp('b'),
      ['bind', 'b', IP4],
      ['tryRecv', 'b', 9],
      ['tryRecv', 'b', 9, 'MSG_DONTWAIT'],
      ['tryRecv', 'b', 9, 'MSG_ERRQUEUE'],
    ],
    answers: { 3: 'would block', 6: 'would block', 8: 'would block' },
  },
  {
    name: 'a connection that is begun',
    steps: [
      tcp('a'),
      ['bind', 'a', IP4],
      ['listen', 'a', 5],
      tcp('b'),
      ['tryConnect', 'b', '@a'],
      ['accept', 'a2', 'a'],
      ['send', 'a2', 'x'],
      ['recv', 'b', 9],
    ],
    differences: [
      {
        step: 4,
        ours: false,
        theirs: 'EINPROGRESS',
        why: 'what is under way is no failure: connect answers whether it is done',
      },
    ],
    answers: { 7: 'x' },
  },
];

const flags: readonly CrossRow[] = [
  {
    name: 'flags of streams',
    steps: [
      ...TCP,
      ['send', 'b', 'abcdef'],
      ['recv', 'a2', 3, 'MSG_PEEK'],
      ['recv', 'a2', 4, 'MSG_WAITALL'],
      ['recv', 'a2', 9, 'MSG_PEEK'],
      ['recv', 'a2', 9, 'MSG_DONTWAIT'],
      ['tryRecv', 'a2', 9, 'MSG_PEEK'],
      ['send', 'b', 'u', 'MSG_OOB'],
      ['send', 'b', 'v'],
      ['recv', 'a2', 9, 'MSG_OOB'],
      ['recv', 'a2', 9, 'MSG_OOB'],
      ['recv', 'a2', 9],
      ['send', 'b', 'more', 'MSG_MORE'],
      ['send', 'b', ' and more'],
      ['recv', 'a2', 13, 'MSG_WAITALL'],
    ],
    answers: {
      7: 'abc',
      8: 'abcd',
      9: 'ef',
      10: 'ef',
      11: 'would block',
      14: 'u',
      15: 'EINVAL',
      16: 'v',
      19: 'more and more',
    },
  },
  {
    name: 'flags of datagrams',
    steps: [
      ...UDP,
      ['sendTo', 'a', 'abcdef', '@b'],
      ['recvMsg', 'b', 3, 0, 'MSG_PEEK'],
      ['recvMsg', 'b', 9, 0],
      ['sendTo', 'a', 'again', '@b'],
      ['recvMsg', 'b', 9, 0, 'MSG_WAITALL'],
      ['sendTo', 'a', 'cut off', '@b'],
      ['recv', 'b', 3],
      ['tryRecv', 'b', 9],
    ],
    answers: { 4: 6, 10: 'cut', 11: 'would block' },
  },
  {
    name: 'records and their ends',
    steps: [
      ...connection('AF_UNIX', 'SOCK_SEQPACKET', PATH),
      ['send', 'b', 'one', 'MSG_EOR'],
      ['send', 'b', 'two'],
      ['recvMsg', 'a2', 2, 0],
      ['recvMsg', 'a2', 9, 0],
      ['send', 'b', ''],
      ['recv', 'a2', 9],
    ],
    answers: { 6: 3, 10: 0, 11: '' },
  },
];

const set = (name: string, level: string, option: string): Step => ['set', name, level, option, 1];

const messages: readonly CrossRow[] = [
  {
    name: 'several buffers in one message',
    steps: [
      ...UDP,
      ['sendMsg', 'a', ['one ', '', 'two ', 'three'], [], '@b'],
      ['recvMsg', 'b', 64, 0],
      ['sendMsg', 'a', [], [], '@b'],
      ['recvMsg', 'b', 64, 0],
      ['sendMsg', 'a', ['x'], []],
    ],
    answers: { 4: 13, 6: 0, 8: 'EDESTADDRREQ' },
  },
  {
    name: 'TTL, TOS and PKTINFO of IPv4, both ways',
    steps: [
      ...UDP,
      set('b', 'IPPROTO_IP', 'IP_RECVTTL'),
      set('b', 'IPPROTO_IP', 'IP_RECVTOS'),
      set('b', 'IPPROTO_IP', 'IP_PKTINFO'),
      [
        'sendMsg',
        'a',
        ['x'],
        [
          ['IPPROTO_IP', 'IP_TTL', '21000000'],
          ['IPPROTO_IP', 'IP_TOS', '10'],
        ],
        '@b',
      ],
      ['recvMsg', 'b', 9, 512],
      ['sendTo', 'a', 'y', '@b'],
      // No room for them.
      ['recvMsg', 'b', 9, 0],
      ['sendMsg', 'a', ['x'], [['IPPROTO_IP', 'IP_TTL', '00000000']], '@b'],
    ],
    answers: { 7: 1, 11: 'EINVAL' },
  },
  {
    name: 'hop limit, traffic class and PKTINFO of IPv6',
    needs: ['AF_INET6', 'SOCK_DGRAM'],
    steps: [
      ...datagrams('AF_INET6', IP6),
      set('b', 'IPPROTO_IPV6', 'IPV6_RECVHOPLIMIT'),
      set('b', 'IPPROTO_IPV6', 'IPV6_RECVTCLASS'),
      set('b', 'IPPROTO_IPV6', 'IPV6_RECVPKTINFO'),
      ['sendMsg', 'a', ['x'], [['IPPROTO_IPV6', 'IPV6_HOPLIMIT', '07000000']], '@b'],
      ['recvMsg', 'b', 9, 512],
    ],
    answers: { 7: 1 },
  },
  {
    name: 'time stamps',
    steps: [
      ...UDP,
      set('b', 'SOL_SOCKET', 'SO_TIMESTAMP'),
      ['sendTo', 'a', 'x', '@b'],
      ['recvMsg', 'b', 9, 512],
      set('b', 'SOL_SOCKET', 'SO_TIMESTAMPNS'),
      ['sendTo', 'a', 'y', '@b'],
      ['recvMsg', 'b', 9, 512],
    ],
    answers: {},
  },
  {
    name: 'credentials',
    steps: [
      ...connection('AF_UNIX', 'SOCK_STREAM', PATH),
      set('a2', 'SOL_SOCKET', 'SO_PASSCRED'),
      ['send', 'b', 'x'],
      ['recvMsg', 'a2', 9, 512],
      ['sendMsg', 'b', ['x'], [['SOL_SOCKET', 'SCM_CREDENTIALS', 'ffffff7f0000000000000000']]],
    ],
    answers: { 7: 1 },
  },
];

/** A message with two descriptors, as either side has it. */
const withRights = (data: string, isCloseOnExec: boolean, from: PlainAddress = null): Answer => [
  data,
  [['SCM_RIGHTS', [isCloseOnExec, isCloseOnExec]]],
  0,
  from,
];

const rights: readonly CrossRow[] = [
  {
    name: 'descriptors, both ways',
    steps: [
      ...connection('AF_UNIX', 'SOCK_STREAM', PATH),
      ['sendMsg', 'b', ['there'], [['SOL_SOCKET', 'SCM_RIGHTS', '']]],
      ['recvMsg', 'a2', 64, 512],
      ['sendMsg', 'a2', ['back'], [['SOL_SOCKET', 'SCM_RIGHTS', '']]],
      ['recvMsg', 'b', 64, 512],
      // They are closed where there is no room for them.
      ['sendMsg', 'b', ['lost'], [['SOL_SOCKET', 'SCM_RIGHTS', '']]],
      ['recvMsg', 'a2', 64, 0],
    ],
    differences: [
      {
        step: 7,
        ours: withRights('there', true),
        theirs: withRights('there', false),
        why: 'descriptors that come are close-on-exec here; CPython leaves that to its caller',
      },
      {
        step: 9,
        ours: withRights('back', true, PATH),
        theirs: withRights('back', false, PATH),
        why: 'as above',
      },
    ],
    answers: { 6: 5, 8: 4, 10: 4 },
  },
];

const others: readonly CrossRow[] = [
  {
    name: 'addresses of netlink',
    steps: [
      ['socket', 'a', 'AF_NETLINK', 'SOCK_RAW'],
      ['local', 'a'],
      ['bind', 'a', ['netlink', 0, 0]],
      ['local', 'a'],
      ['remote', 'a'],
      ['bind', 'a', ['netlink', 1, 0]],
      ['local', 'a'],
    ],
    answers: { 2: 'ok' },
  },
  {
    name: 'addresses of vsock',
    needs: ['AF_VSOCK', 'SOCK_STREAM'],
    steps: [
      ['socket', 'a', 'AF_VSOCK', 'SOCK_STREAM'],
      ['local', 'a'],
      ['bind', 'a', ['vsock', 0xffff_ffff, 0xffff_ffff]],
      ['local', 'a'],
      ['remote', 'a'],
      ['listen', 'a', 1],
      ['tryAccept', 'a2', 'a'],
      ['socket', 'b', 'AF_VSOCK', 'SOCK_STREAM'],
      ['bind', 'b', '@a'],
    ],
    answers: { 2: 'ok', 4: 'ENOTCONN', 6: 'would block', 8: 'EADDRINUSE' },
  },
  {
    name: 'addresses of packets',
    needs: ['AF_PACKET', 'SOCK_DGRAM'],
    steps: [
      ['socket', 'a', 'AF_PACKET', 'SOCK_DGRAM'],
      ['local', 'a'],
      ['bind', 'a', ['packet', 'lo', 0x88b5]],
      ['local', 'a'],
      ['remote', 'a'],
    ],
    answers: { 2: 'ok' },
  },
  {
    name: 'timeouts as the system keeps them',
    steps: [
      tcp('a'),
      ['getBytes', 'a', 'SOL_SOCKET', 'SO_RCVTIMEO', 16],
      ['setBytes', 'a', 'SOL_SOCKET', 'SO_RCVTIMEO', '030000000000000090d0030000000000'],
      ['getBytes', 'a', 'SOL_SOCKET', 'SO_RCVTIMEO', 16],
      ['getBytes', 'a', 'SOL_SOCKET', 'SO_LINGER', 8],
    ],
    answers: { 2: 'ok', 4: '0000000000000000' },
  },
];

export const CROSS_ROWS: readonly CrossRow[] = [
  ...streamRows,
  ...datagramRows,
  ...ERROR_ROWS,
  ...attempts,
  ...flags,
  ...messages,
  ...rights,
  ...others,
];
