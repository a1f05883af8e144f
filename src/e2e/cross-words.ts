/** What the cases of `cross-rows.ts` are made of. */
import type { Answer, PlainAddress, Step } from './cross-steps.ts';

/** A call that the two answer differently, and why that is as it should be. */
export interface Difference {
  /** Which of the steps. */
  readonly step: number;
  readonly ours: Answer;
  readonly theirs: Answer;
  readonly why: string;
}

export interface CrossRow {
  readonly name: string;
  readonly steps: readonly Step[];
  /** What it takes: a socket of this kind. */
  readonly needs?: readonly [
    family: 'AF_INET6' | 'AF_PACKET' | 'AF_VSOCK',
    type: 'SOCK_DGRAM' | 'SOCK_STREAM',
  ];
  readonly differences?: readonly Difference[];
  /** What a step answers, whoever makes the call: so that not both are wrong. */
  readonly answers: Readonly<Record<number, Answer>>;
}

export const IP4: NonNullable<PlainAddress> = ['ipv4', '127.0.0.1', 0];
export const IP6: NonNullable<PlainAddress> = ['ipv6', '::1', 0];
export const PATH: NonNullable<PlainAddress> = ['unix', '$path'];
export const NAME: NonNullable<PlainAddress> = ['unix', '$name'];
export const UNNAMED: NonNullable<PlainAddress> = ['unix', ''];

export const tcp = (name: string): Step => ['socket', name, 'AF_INET', 'SOCK_STREAM'];
export const udp = (name: string): Step => ['socket', name, 'AF_INET', 'SOCK_DGRAM'];
export const unix = (name: string, type: string): Step => ['socket', name, 'AF_UNIX', type];

/** A listener `a`, its client `b`, and what was accepted, `a2`. */
export const connection = (family: string, type: string, address: PlainAddress): readonly Step[] => [
  ['socket', 'a', family, type],
  ['bind', 'a', address],
  ['listen', 'a', 5],
  ['socket', 'b', family, type],
  ['connect', 'b', '@a'],
  ['accept', 'a2', 'a'],
];
export const TCP: readonly Step[] = connection('AF_INET', 'SOCK_STREAM', IP4);

/** Two bound sockets of datagrams. */
export const datagrams = (
  family: string,
  address: PlainAddress,
  other: PlainAddress = address,
): readonly Step[] => [
  ['socket', 'a', family, 'SOCK_DGRAM'],
  ['bind', 'a', address],
  ['socket', 'b', family, 'SOCK_DGRAM'],
  ['bind', 'b', other],
];
export const UDP: readonly Step[] = datagrams('AF_INET', IP4);
