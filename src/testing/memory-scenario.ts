import { parseIp, type IpAddress } from '../base/address.ts';
import type { Rules } from '../base/rules.ts';
import { integer, oneOf, optional, readOptions, requireObject, wrongType } from '../base/rules.ts';

/** What happens to an attempt to connect. `listen`: whoever listens there accepts, or else it is refused. */
export type ScenarioOutcome =
  'blackhole' | 'denied' | 'listen' | 'refused' | 'reset' | 'timeout' | 'unreachable';

/** How one address answers. */
export interface ScenarioRow {
  /** Numeric address. */
  readonly address: string;
  /** Left out: every port. */
  readonly port?: number | undefined;
  /** Milliseconds, by the provider's clock, until the outcome. Default 0: the next turn. */
  readonly delay?: number | undefined;
  /** Default `listen`. */
  readonly outcome?: ScenarioOutcome | undefined;
}

/** The errno of each outcome that is a failure; a black hole never answers. */
export const OUTCOME_ERRNO: Readonly<Record<Exclude<ScenarioOutcome, 'blackhole' | 'listen'>, string>> = {
  denied: 'EACCES',
  refused: 'ECONNREFUSED',
  reset: 'ECONNRESET',
  timeout: 'ETIMEDOUT',
  unreachable: 'EHOSTUNREACH',
};

const OUTCOMES = ['blackhole', 'denied', 'listen', 'refused', 'reset', 'timeout', 'unreachable'] as const;

const ROW: Rules<ScenarioRow> = {
  address: (value, name) => {
    if (typeof value !== 'string' || parseIp(value) === null)
      throw wrongType(name, 'a numeric address', value);
    return value;
  },
  port: optional(integer(1, 65_535)),
  delay: optional((value, name) => {
    if (typeof value !== 'number' || !(value >= 0)) throw wrongType(name, 'milliseconds', value);
    return value;
  }),
  outcome: optional(oneOf(...OUTCOMES)),
};

/** A whole scenario. @throws {TypeError | RangeError} */
export function scenarioRule(value: unknown, name: string): readonly ScenarioRow[] {
  if (!Array.isArray(value)) throw wrongType(name, 'a list of rows', value);
  return value.map((row: unknown, i) => {
    const where = `${name}[${String(i)}]`;
    return readOptions(requireObject(row, where), ROW, `${where}.`);
  });
}

/** The first row that fits, or `null`. Addresses are compared in canonical form. */
export function findRow(rows: readonly ScenarioRow[], address: IpAddress, port: number): ScenarioRow | null {
  const fits = (row: ScenarioRow): boolean =>
    parseIp(row.address)?.host === address.host && (row.port === undefined || row.port === port);
  return rows.find(fits) ?? null;
}
