/**
 * What one operation of a test is, how it is counted, and what a server must do to be loaded with it.
 *
 * @typedef {import('./model.mjs').TestDefinition} TestDefinition
 * @typedef {import('./model.mjs').ServerMode} ServerMode
 *
 * @typedef {object} Unit
 * @property {string} cpu Heading of what one costs.
 * @property {number} cpuScale Microseconds times this are what the heading says.
 * @property {number} cpuDigits
 * @property {string} rate Heading of how many there were in a second.
 * @property {number} rateScale
 * @property {number} rateDigits
 * @property {string} one
 * @property {string} many
 */

/** @type {Readonly<Record<'request' | 'datagram' | 'kibibyte', Unit>>} */
// prettier-ignore
const UNITS = {
  request:  { cpu: 'CPU µs/request',  cpuScale: 1,    cpuDigits: 2, rate: 'requests/s',  rateScale: 1,          rateDigits: 0, one: 'request',  many: 'Requests' },
  datagram: { cpu: 'CPU µs/datagram', cpuScale: 1,    cpuDigits: 2, rate: 'datagrams/s', rateScale: 1,          rateDigits: 0, one: 'datagram', many: 'Datagrams' },
  kibibyte: { cpu: 'CPU ns/KiB',      cpuScale: 1000, cpuDigits: 0, rate: 'GB/s',        rateScale: 1024 / 1e9, rateDigits: 2, one: 'KiB',      many: 'Bytes' },
};

/** @type {Readonly<Record<ServerMode, { unit: keyof typeof UNITS, service: string }>>} */
// prettier-ignore
const MODES = {
  echo:          { unit: 'request',  service: 'echo' },
  crr:           { unit: 'request',  service: 'echo' },
  accept:        { unit: 'request',  service: 'accept' },
  idle:          { unit: 'request',  service: 'echo' },
  receive:       { unit: 'kibibyte', service: 'sink' },
  send:          { unit: 'kibibyte', service: 'source' },
  'udp-echo':    { unit: 'datagram', service: 'echo' },
  'udp-receive': { unit: 'datagram', service: 'sink' },
  'udp-send':    { unit: 'datagram', service: 'source' },
};

/** @param {TestDefinition} test @returns {(typeof MODES)[ServerMode] | undefined} Undefined for callers. */
function modeOf({ mode }) {
  return mode in MODES ? MODES[/** @type {ServerMode} */ (mode)] : undefined;
}

/** @param {TestDefinition} test @returns {Unit} */
export function unitOf(test) {
  return UNITS[modeOf(test)?.unit ?? 'datagram'];
}

/** The word that a server is started with. @param {TestDefinition} test */
export function serviceFor(test) {
  const service = modeOf(test)?.service;
  if (service === undefined) throw new Error(`${test.name} loads no server`);
  return service;
}

/** Whether the generator takes the time of each request: of several at once it would be the length of a queue. */
export function isTimed(/** @type {TestDefinition} */ { mode, connections }) {
  return mode === 'echo' && connections === 1;
}
