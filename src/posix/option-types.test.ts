/** What the compiler knows of options: these tests fail to compile if it does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InterfaceRef } from './address.ts';
import type {
  OptionArguments,
  OptionInput,
  OptionLevel,
  OptionName,
  OptionQuery,
  OptionValue,
  ReadableOption,
  WritableOption,
} from './option-types.ts';
import type { OPTION_ROWS } from './options.ts';

/* eslint-disable @typescript-eslint/no-unnecessary-type-parameters -- that is how two types are compared */
/** Whether two types are the same, and not only assignable to each other. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/* eslint-enable @typescript-eslint/no-unnecessary-type-parameters */
type Has<Union, Member> = Member extends Union ? true : false;

interface Values {
  readonly bool: Same<OptionValue<'SOL_SOCKET', 'SO_REUSEADDR'>, boolean>;
  readonly int: Same<OptionValue<'SOL_SOCKET', 'SO_RCVBUF'>, number>;
  readonly linger: Same<
    OptionValue<'SOL_SOCKET', 'SO_LINGER'>,
    { readonly onoff: number; readonly linger: number }
  >;
  readonly id: Same<OptionValue<'SOL_SOCKET', 'SO_COOKIE'>, bigint>;
  readonly text: Same<OptionValue<'IPPROTO_TCP', 'TCP_CONGESTION'>, string>;
  readonly rtt: Same<OptionValue<'IPPROTO_TCP', 'TCP_INFO'>['rtt'], number>;
  /** What newer systems tell may be missing. */
  readonly rehash: Same<OptionValue<'IPPROTO_TCP', 'TCP_INFO'>['rehash'], number | undefined>;
  readonly list: Same<
    OptionValue<'SOL_CAN_RAW', 'CAN_RAW_FILTER'>,
    readonly { readonly can_id: number; readonly can_mask: number }[]
  >;
  readonly index: Same<OptionValue<'IPPROTO_IPV6', 'IPV6_MULTICAST_IF'>, number>;
  readonly alias: Same<OptionValue<'SOL_TCP', 'TCP_NODELAY'>, boolean>;
  /** One name in two levels. */
  readonly both: Same<OptionValue<'IPPROTO_IP', 'MCAST_MSFILTER'>, OptionValue<'SOL_IPV6', 'MCAST_MSFILTER'>>;
}

interface Inputs {
  readonly bool: Same<OptionInput<'SOL_SOCKET', 'SO_REUSEADDR'>, boolean>;
  readonly interfaceName: Same<OptionInput<'IPPROTO_IPV6', 'IPV6_MULTICAST_IF'>, InterfaceRef>;
  readonly optional: Same<
    OptionInput<'IPPROTO_IP', 'IP_ADD_MEMBERSHIP'>,
    {
      readonly multiaddr: string;
      readonly address?: string | undefined;
      readonly ifindex?: InterfaceRef | undefined;
    }
  >;
  readonly none: Same<OptionArguments<'SOL_SOCKET', 'SO_DETACH_FILTER'>, []>;
  readonly one: Same<OptionArguments<'SOL_SOCKET', 'SO_RCVBUF'>, [value: number]>;
  readonly alias: Same<OptionArguments<'SOL_SOCKET', 'SO_DETACH_BPF'>, []>;
  readonly unasked: Same<OptionQuery<'SOL_SOCKET', 'SO_RCVBUF'>, []>;
  readonly asked: Same<OptionQuery<'SOL_PACKET', 'PACKET_HDRLEN'>, [query: number]>;
  readonly fixed: Same<OptionQuery<'SOL_MPTCP', 'MPTCP_TCPINFO'>, []>;
}

interface Names {
  readonly known: Has<OptionName<'SOL_SOCKET'>, 'SO_LINGER'>;
  readonly joined: Has<OptionName<'IPPROTO_IPV6'>, 'IPV6_JOIN_GROUP'>;
  readonly level: Has<OptionLevel, 'SOL_IP'>;
  readonly readable: Has<ReadableOption<'SOL_SOCKET'>, 'SO_TYPE'>;
  readonly writable: Has<WritableOption<'SOL_SOCKET'>, 'SO_ATTACH_FILTER'>;
}

interface NotNames {
  readonly ofOtherLevel: Has<OptionName<'SOL_SOCKET'>, 'TCP_NODELAY'>;
  readonly aliasOfOtherLevel: Has<OptionName<'IPPROTO_IP'>, 'IPV6_JOIN_GROUP'>;
  readonly misspelt: Has<OptionName<'SOL_SOCKET'>, 'SO_REUSEADR'>;
  readonly unknownLevel: Has<OptionLevel, 'SOL_SOKET'>;
  readonly readOnly: Has<WritableOption<'SOL_SOCKET'>, 'SO_TYPE'>;
  readonly writeOnly: Has<ReadableOption<'SOL_SOCKET'>, 'SO_ATTACH_FILTER'>;
  readonly readOnlyAlias: Has<WritableOption<'SOL_TCP'>, 'TCP_INFO'>;
}

/** All members of `T` are `B`. */
type All<T, B> = Same<T[keyof T], B>;

test('types of options follow from the table', () => {
  const holds: readonly [All<Values, true>, All<Inputs, true>, All<Names, true>, All<NotNames, false>] = [
    true,
    true,
    true,
    true,
  ];
  assert.deepEqual(holds, [true, true, true, true]);
});

/** Rows whose value has no type: the codec's name would be wrong. */
type Untyped = {
  [R in (typeof OPTION_ROWS)[number] as `${R[0]} ${R[1]}`]: OptionValue<R[0], R[1] & OptionName<R[0]>>;
};
type Never = { [K in keyof Untyped]: [Untyped[K]] extends [never] ? K : never }[keyof Untyped];

test('every row has a type for its value', () => {
  const none: Same<Never, never> = true;
  assert.equal(none, true);
});
