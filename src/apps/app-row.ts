/** One socket of an app, as a live table shows it. */
import { formatAddress } from '../base/address.ts';
import type { SocketSnapshot } from '../base/provider.ts';

export interface AppSocketRow {
  /** Unique among the rows of the same `kind`. */
  readonly socketId: number;
  readonly kind: 'tcp' | 'tcpServer' | 'udp';
  /** `connected`, `listening` … */
  readonly state: string;
  /** `127.0.0.1:80`; absent without a connection or listener. */
  readonly local?: string;
  readonly peer?: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly paused: boolean;
}

const KINDS = { stream: 'tcp', listener: 'tcpServer', datagram: 'udp' } as const;
const STATES = { stream: 'connected', listener: 'listening', datagram: 'bound' } as const;

/** Of whatever is open on a provider, servers first. */
export function rowsOf(snapshots: Iterable<SocketSnapshot>): readonly AppSocketRow[] {
  const rows = Array.from(snapshots, ({ id, kind, state, local, remote, bytesRead, bytesWritten }) => ({
    socketId: id,
    kind: KINDS[kind],
    state: state === 'open' ? STATES[kind] : state,
    local: formatAddress(local),
    ...(remote !== undefined && { peer: formatAddress(remote) }),
    bytesIn: bytesRead,
    bytesOut: bytesWritten,
    paused: false,
  }));
  return rows.sort(
    (a, b) => Number(b.kind === 'tcpServer') - Number(a.kind === 'tcpServer') || a.socketId - b.socketId,
  );
}
