import type { SocketAddress } from '../../base/address.ts';
import { ipBytes } from '../../base/address.ts';

const MAPPED = /^::ffff:[\d.]+$/;

/** An address as Chromium writes it: like everybody's, but IPv4-mapped IPv6 in hexadecimal groups (`::ffff:7f00:1`). */
export function formatHost(host: string): string {
  if (!MAPPED.test(host)) return host;
  const [, , , , , , , , , , , , a = 0, b = 0, c = 0, d = 0] = ipBytes({ family: 'ipv6', host });
  return `::ffff:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

/** An address as results have it, or `undefined` if it is none of IP. */
export function ipEnd(address: SocketAddress): { address: string; port: number } | undefined {
  return address.family === 'unix' ? undefined : { address: formatHost(address.host), port: address.port };
}

/** The number as 16 bits, as Chromium takes ports: 65616 is 80 and -1 is 65535. */
export function narrowPort(port: number): number {
  return port & 0xffff;
}
