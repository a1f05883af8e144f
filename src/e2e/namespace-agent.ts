/**
 * A process in a network namespace of its own, which makes sockets there and gives them away: a socket belongs to the
 * network that it was made in, whoever uses it. It is told what to do through a socket that is its descriptor 3, and ends
 * when nobody holds the other end.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { Socket } from '../posix/socket.ts';
import type { AgentRequest } from './network-namespace.ts';

type Kind = Parameters<typeof Socket.socket>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function runIp(args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

/** @returns what is told, and, if it is to be given away, a socket */
function perform(request: AgentRequest): { value?: unknown; socket?: Socket } {
  if (request.op === 'ip') return { value: runIp(request.args) };
  if (request.op === 'sysctl') {
    writeFileSync(`/proc/sys/net/${request.path}`, request.value);
    return {};
  }
  const socket = Socket.socket(...(request.kind as Kind));
  if (request.op === 'socket') return { socket };
  // Names of interfaces are looked up in the network of the process, so it is this one that sends.
  using sender = socket;
  return { value: sender.sendTo(encoder.encode(request.text), request.address) };
}

function answer(request: AgentRequest, channel: Socket): void {
  let reply: { value?: unknown; socket?: Socket; error?: string };
  try {
    reply = perform(request);
  } catch (error) {
    reply = { error: String(error) };
  }
  const { socket, ...told } = reply;
  const data = encoder.encode(JSON.stringify(told));
  const control =
    socket === undefined ? [] : [{ level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: [socket.fd] } as const];
  channel.sendMsg({ data, control }, { timeout: Infinity });
  socket?.close();
}

const channel = Socket.fromFd(3, 'take');
for (;;) {
  const message = await channel.recvAsync();
  if (message.length === 0) break;
  answer(JSON.parse(decoder.decode(message)) as AgentRequest, channel);
}
channel.close();
