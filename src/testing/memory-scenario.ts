import { parseIp, type IpAddress } from '../base/address.ts';

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

/** The first row that fits, or `null`. Addresses are compared in canonical form. */
export function findRow(rows: readonly ScenarioRow[], address: IpAddress, port: number): ScenarioRow | null {
  const fits = (row: ScenarioRow): boolean =>
    parseIp(row.address)?.host === address.host && (row.port === undefined || row.port === port);
  return rows.find(fits) ?? null;
}
