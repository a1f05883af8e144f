/** What the compiler knows of control messages: these tests fail to compile if it does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DescriptorInput } from './control-codecs.ts';
import type { ControlInput, ControlMessage } from './control-messages.ts';
import type { CONTROL_ROWS } from './control-rows.ts';
import type {
  Credentials,
  ExtendedError,
  PacketInfo,
  PacketInfoInput,
  Timestamps,
} from './control-values.ts';
import type { Descriptor } from './descriptor.ts';

/* eslint-disable @typescript-eslint/no-unnecessary-type-parameters -- that is how two types are compared */
/** Whether two types are the same, and not only assignable to each other. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/* eslint-enable @typescript-eslint/no-unnecessary-type-parameters */

type ReceivedData<T> = Extract<ControlMessage, { readonly type: T }>['data'];
/** Besides bytes, which are always taken. */
type SentData<T> = Exclude<Extract<ControlInput, { readonly type: T }>['data'], Uint8Array>;

type Row = (typeof CONTROL_ROWS)[number];
type TypesOf<D> = Extract<Row, readonly [unknown, unknown, unknown, D, ...unknown[]]>[1];

interface Known {
  readonly rights: Same<ReceivedData<'SCM_RIGHTS'>, readonly Descriptor[]>;
  readonly sentRights: Same<SentData<'SCM_RIGHTS'>, readonly DescriptorInput[]>;
  readonly pidfd: Same<ReceivedData<'SCM_PIDFD'>, Descriptor | null>;
  readonly credentials: Same<ReceivedData<'SCM_CREDENTIALS'>, Credentials>;
  readonly time: Same<ReceivedData<'SCM_TXTIME'>, never>;
  readonly sentTime: Same<SentData<'SCM_TXTIME'>, bigint>;
  readonly error: Same<ReceivedData<'IP_RECVERR'>, ExtendedError>;
  readonly sentError: Same<SentData<'IP_RECVERR'>, never>;
  readonly arrival: Same<ReceivedData<'IP_PKTINFO'>, PacketInfo>;
  readonly departure: Same<SentData<'IP_PKTINFO'>, PacketInfoInput>;
  readonly stamps: Same<ReceivedData<'SO_TIMESTAMPING'>, Timestamps>;
  readonly sentStamps: Same<SentData<'SO_TIMESTAMPING'>, number>;
  readonly label: Same<ReceivedData<'SCM_SECURITY'>, string>;
  readonly received: Same<Exclude<ControlMessage['type'], number>, TypesOf<'both' | 'receive'>>;
  readonly level: Same<Extract<ControlMessage, { readonly type: 'IP_TTL' }>['level'], 'IPPROTO_IP'>;
}

/** Each is `true`, or this does not compile. */
const KNOWN: Known = {
  rights: true,
  sentRights: true,
  pidfd: true,
  credentials: true,
  time: true,
  sentTime: true,
  error: true,
  sentError: true,
  arrival: true,
  departure: true,
  stamps: true,
  sentStamps: true,
  label: true,
  received: true,
  level: true,
};

test('ControlMessage tells by its type what came', () => {
  const message = { level: 'IPPROTO_IP', type: 'IP_TTL', data: 64 } as ControlMessage;
  assert.ok(message.type === 'IP_TTL');
  const ttl: number = message.data;
  assert.equal(ttl, 64);
  const raw: ControlMessage = { level: 1, type: 2, data: new Uint8Array(3) };
  assert.equal(raw.data.length, 3);
  assert.ok(Object.values(KNOWN).every((known) => known));
});

test('ControlInput has the values of the table, and bytes for any', () => {
  const inputs: readonly ControlInput[] = [
    { level: 'IPPROTO_UDP', type: 'UDP_SEGMENT', data: 1200 },
    { level: 'IPPROTO_UDP', type: 'UDP_SEGMENT', data: new Uint8Array(2) },
    { level: 17, type: 103, data: new Uint8Array(2) },
    // @ts-expect-error -- a number is what it takes
    { level: 'IPPROTO_UDP', type: 'UDP_SEGMENT', data: '1200' },
    // @ts-expect-error -- it is of another level
    { level: 'IPPROTO_IP', type: 'UDP_SEGMENT', data: 1200 },
    // @ts-expect-error -- it is only received
    { level: 'IPPROTO_UDP', type: 'UDP_GRO', data: 1200 },
    // @ts-expect-error -- no such name
    { level: 'IPPROTO_UDP', type: 'UDP_SEGMNT', data: 1200 },
    // @ts-expect-error -- numbers say nothing of the value, so it is bytes
    { level: 17, type: 103, data: 1200 },
  ];
  assert.equal(inputs.length, 8);
});
