/** Binding and listening with `node:net`. */
import type { ListenOptions as NodeListenOptions, Server } from 'node:net';
import { createServer } from 'node:net';
import type { SocketAddress } from '../base/address.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { SystemError, UnsupportedError } from '../base/errors.ts';
import type { ListenPlan, UnixListenPlan } from '../base/validate.ts';
import { boundTo, hostText, pathText, unixEndpoint } from './node-address.ts';
import { toSystemError } from './node-errors.ts';
import { isAbstract, removeStaleSocket, setSocketMode } from './unix-path.ts';

function nodeOptions(plan: ListenPlan): NodeListenOptions {
  // Node takes 0 for its default; the system takes 0 for the least it can do, which 1 is too (listen(2)).
  const common = { backlog: Math.max(1, plan.backlog), exclusive: true };
  if (plan.transport === 'unix') return { ...common, path: pathText(plan.path) };
  const { host, port, ipv6Only } = plan;
  return { ...common, host: hostText(host), port, ...(ipv6Only === undefined ? {} : { ipv6Only }) };
}

function endpointOf(plan: ListenPlan): SocketAddress {
  return plan.transport === 'unix' ? unixEndpoint(pathText(plan.path)) : { ...plan.host, port: plan.port };
}

/** One try. The server neither reads from what it accepts, nor closes it when the peer has ended its half. */
function tryListen(plan: ListenPlan, details: ErrorDetails): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, highWaterMark: 1 });
    server.once('error', (error) => {
      reject(toSystemError(error, details));
    });
    server.listen(nodeOptions(plan), () => {
      server.removeAllListeners('error');
      resolve(server);
    });
  });
}

function isInUse(error: unknown): boolean {
  return error instanceof SystemError && error.code === 'EADDRINUSE';
}

/** Removes a stale socket's file at most once: whoever takes the path in between has it. */
async function listenOnPath(plan: UnixListenPlan, details: ErrorDetails): Promise<Server> {
  try {
    return await tryListen(plan, details);
  } catch (error) {
    if (plan.stale !== 'replace' || !isInUse(error) || !(await removeStaleSocket(plan.path))) throw error;
    return tryListen(plan, details);
  }
}

/** Closes the server again if the mode cannot be set, and with it removes its file. */
function applyMode(server: Server, plan: UnixListenPlan): void {
  if (plan.mode === undefined || isAbstract(plan.path)) return;
  try {
    setSocketMode(plan.path, plan.mode);
  } catch (error) {
    server.close();
    throw error;
  }
}

/** A listening server, and the address that it has. @throws {SystemError} @throws {UnsupportedError} */
export async function openServer(plan: ListenPlan): Promise<{ server: Server; local: SocketAddress }> {
  const details: ErrorDetails = { op: 'listen', transport: plan.transport, local: endpointOf(plan) };
  if (plan.transport === 'unix') {
    const server = await listenOnPath(plan, details);
    applyMode(server, plan);
    return { server, local: endpointOf(plan) };
  }
  if (plan.reusePort) throw new UnsupportedError('reusePort needs the native engine', details);
  const server = await tryListen(plan, details);
  return { server, local: boundTo(server) };
}
