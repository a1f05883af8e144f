/** The other ends of messages, as objects that are made once for each: most sockets talk to few. */
import { formatIpv4, formatIpv6 } from '../base/address.ts';
import type { SocketAddress } from '../base/address.ts';
import { FAMILY } from '../addon/types.ts';
import { RECORD } from './message-record.ts';
import { unflattenPath } from './sockaddr.ts';

/** Peers that one socket remembers. */
const MOST = 1024;

const NOBODY: SocketAddress = Object.freeze({ family: 'unix', path: '' });

function ipv4(bits: number, port: number): SocketAddress {
  const host = formatIpv4(Uint8Array.of(bits >>> 24, bits >>> 16, bits >>> 8, bits));
  return Object.freeze({ family: 'ipv4', host, port });
}

function ipv6(bytes: Uint8Array, offset: number, port: number, scope: number): SocketAddress {
  const host = formatIpv6(bytes, offset);
  return Object.freeze({
    family: 'ipv6',
    host,
    port,
    ...(scope === 0 ? {} : { scope: String(scope >>> 0) }),
  });
}

export class MessagePeers {
  #bits = 0;
  #port = -1;
  #last: SocketAddress = NOBODY;
  #known: Map<number | string, SocketAddress> | undefined;

  /** The peer of the record at word `at`. @param bytes the same memory */
  read(words: Int32Array, bytes: Uint8Array, at: number): SocketAddress {
    const port = words[at + RECORD.port] ?? 0;
    const host = words[at + RECORD.host] ?? 0;
    const family = words[at + RECORD.family];
    if (family === FAMILY.ipv4) {
      if (host === this.#bits && port === this.#port) return this.#last;
      return this.#changeTo(host, port);
    }
    const offset = 4 * at;
    if (family === FAMILY.ipv6) return this.#readIpv6(words, bytes, at);
    if (port === 0) return NOBODY;
    const start = offset + RECORD.bytes;
    return Object.freeze({ family: 'unix', path: unflattenPath(bytes.subarray(start, start + port)) });
  }

  #changeTo(bits: number, port: number): SocketAddress {
    const key = (bits >>> 0) * 0x10000 + port;
    this.#last = this.#known?.get(key) ?? this.#remember(key, ipv4(bits, port));
    this.#bits = bits;
    this.#port = port;
    return this.#last;
  }

  #readIpv6(words: Int32Array, bytes: Uint8Array, at: number): SocketAddress {
    const port = words[at + RECORD.port] ?? 0;
    const scope = words[at + RECORD.host] ?? 0;
    const from = at + RECORD.peer;
    const key = `${String(words[from])},${String(words[from + 1])},${String(words[from + 2])},${String(words[from + 3])},${String(port)},${String(scope)}`;
    return this.#known?.get(key) ?? this.#remember(key, ipv6(bytes, 4 * from, port, scope));
  }

  #remember(key: number | string, peer: SocketAddress): SocketAddress {
    this.#known ??= new Map();
    // Who hears from everybody does not hear from the same ones: to begin anew is as good as to choose.
    if (this.#known.size >= MOST) this.#known.clear();
    this.#known.set(key, peer);
    return peer;
  }
}
