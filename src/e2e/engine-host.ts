/** Datagrams of the native engine in a network namespace: a process there that does what it is told, line by line. */
import type { TestContext } from 'node:test';
import type {
  BindOptions,
  DatagramMeta,
  Membership,
  OutgoingDatagram,
  ReceivedDatagram,
} from '../base/datagram.ts';
import type { SocketAddress } from '../base/address.ts';
import type { Peer } from '../testing/node/peer.ts';
import { node } from '../testing/node/peer.ts';
import type { NetworkNamespace } from './network-namespace.ts';

/** Every word answers with one line: its value, or the code of what it threw. */
const SCRIPT = `
const provider = localProvider();
const sockets = [];
const queue = () => {
  const items = [], waiting = [];
  return {
    items,
    push(item) { if (waiting.length > 0) waiting.shift()(item); else items.push(item); },
    next() { return items.length > 0 ? items.shift() : new Promise((resolve) => waiting.push(resolve)); },
  };
};
const words = {
  async bind(options, meta) {
    const socket = await provider.bind(options);
    const heard = queue(), errors = queue();
    socket.start({
      receive({ bytes, ...rest }) { heard.push({ ...rest, text: Buffer.from(bytes).toString() }); },
      error({ code, remote }) { errors.push({ code, remote }); },
      close() {},
    }, { meta });
    sockets.push({ socket, heard, errors });
    return [sockets.length - 1, socket.local.port];
  },
  send: (at, text, message) => new Promise((resolve) => {
    sockets[at].socket.send({ ...message, bytes: Buffer.from(text) }, (error) => resolve(error?.code ?? 'sent'));
  }),
  next: (at) => sockets[at].heard.next(),
  error: (at) => sockets[at].errors.next(),
  errorCount: (at) => sockets[at].errors.items.length,
  join: (at, membership) => sockets[at].socket.join(membership),
  leave: (at, membership) => sockets[at].socket.leave(membership),
  memberships: (at) => sockets[at].socket.memberships(),
  set: (at, name, value) => sockets[at].socket.set(name, value),
};
for await (const line of { [Symbol.asyncIterator]: lines }) {
  const [word, ...rest] = JSON.parse(line);
  try {
    say({ value: await words[word](...rest) });
  } catch (error) {
    say({ error: error.code ?? String(error) });
  }
}
await provider.close();
`;

/** What a socket there has heard. */
export type Heard = Omit<ReceivedDatagram, 'bytes'> & { readonly text: string };

/** A socket of an `EngineHost`. */
export class HostSocket {
  readonly port: number;
  readonly #ask: (word: string, ...rest: readonly unknown[]) => Promise<unknown>;

  constructor(port: number, ask: (word: string, ...rest: readonly unknown[]) => Promise<unknown>) {
    this.port = port;
    this.#ask = ask;
  }

  /** @returns `sent`, or the code of the error */
  async send(text: string, message: Omit<OutgoingDatagram, 'bytes'>): Promise<string> {
    return (await this.#ask('send', text, message)) as string;
  }

  /** The next datagram, when it has come. */
  async next(): Promise<Heard> {
    return (await this.#ask('next')) as Heard;
  }

  /** The next error told to the sink. */
  async error(): Promise<{ readonly code: string; readonly remote?: SocketAddress }> {
    return (await this.#ask('error')) as { code: string; remote?: SocketAddress };
  }

  /** Errors that were told and not taken. */
  async errorCount(): Promise<number> {
    return (await this.#ask('errorCount')) as number;
  }

  async join(membership: Membership): Promise<void> {
    await this.#ask('join', membership);
  }

  async leave(membership: Membership): Promise<void> {
    await this.#ask('leave', membership);
  }

  async memberships(): Promise<readonly Membership[]> {
    return (await this.#ask('memberships')) as readonly Membership[];
  }

  async set(name: string, value: boolean | number): Promise<void> {
    await this.#ask('set', name, value);
  }
}

export class EngineHost {
  readonly #peer: Peer;

  /** Ends when the test is over. */
  constructor(t: TestContext, space: NetworkNamespace) {
    this.#peer = node(t, SCRIPT, { under: ['nsenter', '-n', '-t', String(space.pid)] });
  }

  async bind(options: BindOptions, meta: readonly DatagramMeta[] = []): Promise<HostSocket> {
    const [at, port] = (await this.#ask('bind', options, meta)) as [number, number];
    return new HostSocket(port, (word, ...rest) => this.#ask(word, at, ...rest));
  }

  async #ask(...words: readonly unknown[]): Promise<unknown> {
    this.#peer.say(JSON.stringify(words));
    const { value, error } = await this.#peer.json<{ value?: unknown; error?: string }>();
    if (error !== undefined) throw new Error(error);
    return value;
  }
}
