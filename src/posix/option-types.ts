/** Names and values of options as types: what the table says, as the compiler checks it. */
import type { Codec } from './codec.ts';
import type { OptionCodec } from './option-codecs.ts';
import type { QueryCodec } from './option-filters.ts';
import type { StructValue } from './option-kinds.ts';
import type { LEVEL_ALIASES, NAME_ALIASES, OPTION_ROWS } from './options.ts';

type Row = (typeof OPTION_ROWS)[number];
type RowsOf<L> = Extract<Row, readonly [L, ...unknown[]]>;
/** The table, by level and then by name. */
type Table = { readonly [L in Row[0]]: { readonly [R in RowsOf<L> as R[1]]: R } };

type LevelAlias = typeof LEVEL_ALIASES;
type NameAlias = typeof NAME_ALIASES;

/** A level by its name, such as `SOL_SOCKET`, or by another name that it goes by, such as `SOL_TCP`. */
export type OptionLevel = keyof Table | keyof LevelAlias;

type Level<L extends OptionLevel> = L extends keyof Table
  ? L
  : L extends keyof LevelAlias
    ? LevelAlias[L]
    : never;
type Own<L extends OptionLevel> = Table[Level<L>];
/** Other names, of those that the level has. */
type Alias<L extends OptionLevel> = {
  [A in keyof NameAlias]: NameAlias[A] extends keyof Own<L> ? A : never;
}[keyof NameAlias];

/** An option of the level. */
export type OptionName<L extends OptionLevel> = keyof Own<L> | Alias<L>;

type Named<N> = N extends keyof NameAlias ? NameAlias[N] : N;
type RowOf<L extends OptionLevel, N> = Named<N> extends keyof Own<L> ? Own<L>[Named<N>] : never;
type Column<L extends OptionLevel, N, I extends number> =
  RowOf<L, N> extends readonly unknown[] ? RowOf<L, N>[I] : never;
type CodecOf<L extends OptionLevel, N> = OptionCodec<Column<L, N, 2>>;
type AccessibleName<L extends OptionLevel, Access> = {
  [N in OptionName<L>]: Column<L, N, 3> extends Access ? N : never;
}[OptionName<L>];

/** An option of the level that can be read. */
export type ReadableOption<L extends OptionLevel> = AccessibleName<L, 'r' | 'rw'>;
/** An option of the level that can be set. */
export type WritableOption<L extends OptionLevel> = AccessibleName<L, 'w' | 'rw'>;

/** What an option is read as. */
export type OptionValue<L extends OptionLevel, N extends OptionName<L>> =
  CodecOf<L, N> extends Codec<infer T, never> ? T : never;
/** What it is set to. */
export type OptionInput<L extends OptionLevel, N extends OptionName<L>> =
  CodecOf<L, N> extends { encode(value: infer In, ...rest: never): Uint8Array } ? In : never;
/** What follows the name when setting: the value, or nothing where the option takes none. */
export type OptionArguments<L extends OptionLevel, N extends OptionName<L>> =
  OptionInput<L, N> extends undefined ? [] : [value: OptionInput<L, N>];
/** What follows the name when reading: nothing, or the question of an option that is read by asking. */
export type OptionQuery<L extends OptionLevel, N extends OptionName<L>> =
  CodecOf<L, N> extends QueryCodec<unknown, never, infer Q> ? (Q extends undefined ? [] : [query: Q]) : [];

/**
 * What the system tells of a TCP connection: `TCP_INFO`. Rates are bytes in a second, `Infinity` for no limit; `rto`,
 * `ato`, `rtt`, `rttvar`, `rcv_rtt`, `min_rtt`, `busy_time`, `rwnd_limited` and `sndbuf_limited` are microseconds; what
 * begins with `last_`, and `total_rto_time`, are milliseconds. What older systems do not tell is missing.
 *
 * @see tcp(7)
 */
export type TcpInfo = StructValue<'tcp_info'>;
/** What it tells of an MPTCP connection: `MPTCP_INFO`. @see Documentation/networking/mptcp.rst */
export type MptcpInfo = StructValue<'mptcp_info'>;
/** An instruction of classic BPF. @see Documentation/networking/filter.rst */
export type BpfInstruction = StructValue<'bpf_instruction'>;
