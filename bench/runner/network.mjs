/** The network that a test's programs are in: this machine's own loopback, or one that is made for the test. */
import { LineProcess } from './line-process.mjs';
import { messageOf } from './message-of.mjs';

/**
 * Whose interface takes trains of datagrams (UDP_SEGMENT) apart before it carries them, so that each server gets single
 * ones, whatever it asks its kernel for. @see ip-link(8), gso_max_segs
 */
const SET_UP = 'ip link set dev lo up gso_max_segs 1 && echo ready && exec cat';

/**
 * @typedef {object} Network
 * @property {(command: readonly string[]) => readonly string[]} commandFor The command that runs another one there.
 * @property {() => Promise<void>} close
 */

/** @type {Network} */
export const HERE = {
  commandFor: (command) => command,
  close: () => Promise.resolve(),
};

/**
 * Makes a network namespace; without privileges, in a user namespace.
 *
 * @param {number} core For the process that holds it.
 * @returns {Promise<Network>}
 * @throws {Error} The system does not allow that.
 */
export async function openNetwork(core) {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const holder = new LineProcess(['unshare', ...user, '--net', 'sh', '-c', SET_UP], core);
  try {
    await holder.firstLine();
  } catch (error) {
    await holder.stop();
    throw error;
  }
  const enter = ['nsenter', '--target', String(holder.pid), '--net'];
  if (user.length > 0) enter.push('--user', '--preserve-credentials');
  return {
    commandFor: (command) => [...enter, ...command],
    close: () => holder.stop(),
  };
}

/** @returns {Promise<string | undefined>} Why `openNetwork` does not work here. */
export async function whyNoNetwork() {
  try {
    const network = await openNetwork(0);
    await network.close();
    return undefined;
  } catch (error) {
    return `there is no network to flood: ${messageOf(error)}`;
  }
}
