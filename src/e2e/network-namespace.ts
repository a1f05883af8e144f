/** Networks of a test's own: namespaces that live as long as a process in them, joined by virtual cables. */
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SocketAddress } from '../posix/address.ts';
import { Socket } from '../posix/socket.ts';

type Kind = Parameters<typeof Socket.socket>;

/** What the process in a namespace is asked for. */
export type AgentRequest =
  | { readonly op: 'ip'; readonly args: readonly string[] }
  | { readonly op: 'sysctl'; readonly path: string; readonly value: string }
  | { readonly op: 'socket'; readonly kind: readonly (string | number)[] }
  | {
      readonly op: 'datagram';
      readonly kind: readonly (string | number)[];
      readonly address: SocketAddress;
      readonly text: string;
    };

const AGENT: string = fileURLToPath(new URL('namespace-agent.js', import.meta.url));
const WAIT = { timeout: 20_000 } as const;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

let reason: string | false | undefined;

/** Why there are no network namespaces here, or `false` if there are. Asks once. */
export function whyNoNamespace(): string | false {
  reason ??= askWhyNot();
  return reason;
}

function askWhyNot(): string | false {
  const script = 'ip link add pa0 type veth peer name pa1';
  const { status, stderr, error } = spawnSync('unshare', ['-n', 'sh', '-c', script], { encoding: 'utf8' });
  return status === 0 ? false : `no network namespace with a veth pair: ${error?.message ?? stderr.trim()}`;
}

/** A network namespace, without an interface but `lo`, which is down. It is gone when it is closed. */
export class NetworkNamespace {
  readonly #child: ChildProcess;
  readonly #channel: Socket;

  constructor() {
    const [mine, theirs] = Socket.pair('AF_UNIX', 'SOCK_SEQPACKET');
    this.#channel = mine;
    this.#child = spawn('unshare', ['-n', process.execPath, AGENT], {
      stdio: ['ignore', 'inherit', 'inherit', theirs.fd],
    });
    theirs.close();
  }

  /** The process in it, by which `ip link set … netns` knows it. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Runs `ip` there. */
  async ip(...args: readonly string[]): Promise<string> {
    return (await this.#ask({ op: 'ip', args })).value as string;
  }

  /** Runs `ip` with the words of each line. */
  async setUp(lines: string): Promise<void> {
    for (const line of lines.trim().split('\n')) await this.ip(...line.trim().split(/\s+/));
  }

  /** Writes to a file below `/proc/sys/net`. */
  async sysctl(path: string, value: string): Promise<void> {
    await this.#ask({ op: 'sysctl', path, value });
  }

  /** Makes a socket of that network. */
  async socket(...kind: Kind): Promise<Socket> {
    const { socket } = await this.#ask({ op: 'socket', kind: kind.filter((each) => each !== undefined) });
    if (socket === undefined) throw new Error('no socket came');
    return socket;
  }

  /** Has the process there send a datagram, from a socket of its own. */
  async sendDatagram(kind: Kind, address: SocketAddress, text: string): Promise<void> {
    const words = kind.filter((each) => each !== undefined);
    await this.#ask({ op: 'datagram', kind: words, address, text });
  }

  /** The number of an interface there. */
  async interfaceIndex(name: string): Promise<number> {
    const [link] = JSON.parse(await this.ip('-j', 'link', 'show', 'dev', name)) as { ifindex: number }[];
    if (link === undefined) throw new Error(`no interface ${name}`);
    return link.ifindex;
  }

  /** Ends the process, and with it the network. */
  async close(): Promise<void> {
    this.#channel.close();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }

  async #ask(request: AgentRequest): Promise<{ value: unknown; socket?: Socket }> {
    this.#channel.send(encoder.encode(JSON.stringify(request)), WAIT);
    const message = await this.#channel.recvMsgAsync({}, WAIT);
    if (message.data.length === 0) throw new Error('the process in the namespace has ended');
    const { error, value } = JSON.parse(decoder.decode(message.data)) as { error?: string; value: unknown };
    if (error !== undefined) throw new Error(error);
    const [descriptor] = message.descriptors;
    return descriptor === undefined ? { value } : { value, socket: descriptor.toSocket() };
  }
}
