/** What this machine can do, asked of the system once, with no code of Portside's. */
import { createServer } from 'node:net';

export interface Probes {
  /** The loopback address `::1` can be listened on. */
  readonly ipv6: boolean;
  /** Unix names without a file. */
  readonly unixAbstract: boolean;
}

let probes: Promise<Probes> | undefined;

/** Asks once a process. */
export function probe(): Promise<Probes> {
  probes ??= Promise.all([
    canListen({ host: '::1', port: 0 }),
    process.platform === 'linux' ? canListen({ path: `\0portside-probe-${String(process.pid)}` }) : false,
  ]).then(([ipv6, unixAbstract]) => ({ ipv6, unixAbstract }));
  return probes;
}

function canListen(options: { host: string; port: number } | { path: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(options, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
