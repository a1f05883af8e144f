/** From a host and a port to one connection: resolve, order, race, all within one deadline. */
import type { IpEndpoint } from './address.ts';
import type { IpAddress } from './address.ts';
import type { Clock } from './clock.ts';
import { countDown } from './deadline.ts';
import { ConnectError, SystemError } from './errors.ts';
import type { Attempt } from './happy-eyeballs.ts';
import { orderAddresses, raceConnect } from './happy-eyeballs.ts';
import type { ResolvePlan, TcpConnectPlan } from './validate.ts';

/** What a provider brings to it. */
export interface Dialler<T> {
  readonly clock: Clock;
  /** Keeps the plan's deadline: rejects with the signal's reason, or with a `SystemError` `ETIMEDOUT`. */
  resolve(plan: ResolvePlan): Promise<readonly IpAddress[]>;
  dial(endpoint: IpEndpoint): Attempt<T>;
  discard(value: T): void;
}

function isTimeout(error: unknown): error is SystemError {
  return error instanceof SystemError && error.code === 'ETIMEDOUT';
}

/** The addresses of the plan's host. Time that runs out in here is a failed connect, as it is later on. */
async function addressesOf<T>(
  plan: TcpConnectPlan,
  target: string,
  dialler: Dialler<T>,
): Promise<readonly IpAddress[]> {
  if (plan.addresses !== undefined) return plan.addresses;
  const { host, family, signal, timeout } = plan;
  try {
    return await dialler.resolve({ host, family, signal, timeout });
  } catch (error) {
    throw isTimeout(error) ? new ConnectError([error], { transport: 'tcp', target }) : error;
  }
}

/**
 * Connects as a plan says. A family, also that of a local address, leaves out the addresses of the other.
 *
 * @throws {ResolveError} the name has no address
 * @throws {ConnectError} every attempt failed, or the time ran out
 * @throws the signal's reason, if it aborts first
 */
export async function connectByName<T>(plan: TcpConnectPlan, dialler: Dialler<T>): Promise<T> {
  const { signal, timeout, attemptDelay, port, localAddress } = plan;
  if (signal?.aborted === true) throw signal.reason;
  const { clock } = dialler;
  const timeLeft = countDown(timeout, clock);
  const target = `${plan.host.includes(':') ? `[${plan.host}]` : plan.host}:${String(port)}`;
  const all = await addressesOf(plan, target, dialler);
  const addresses = all.filter((address) => plan.family === undefined || address.family === plan.family);
  return raceConnect<T, IpEndpoint>({
    addresses: orderAddresses(addresses).map((address) => ({ ...address, port })),
    dial: (endpoint) => dialler.dial(endpoint),
    discard: (value) => {
      dialler.discard(value);
    },
    clock,
    attemptDelay,
    signal,
    timeout: timeLeft(),
    target,
    details: {
      transport: 'tcp',
      local: localAddress === undefined ? undefined : { ...localAddress, port: plan.localPort },
    },
  });
}
