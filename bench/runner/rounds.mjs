/**
 * Rounds of slices. All programs of a test run at once, and each round visits every one of them in a new random order,
 * so that a machine that changes its speed changes it for all.
 *
 * @typedef {import('./model.mjs').TestDefinition} TestDefinition
 * @typedef {import('./model.mjs').Settings} Settings
 * @typedef {import('./model.mjs').Slice} Slice
 * @typedef {import('./model.mjs').Sample} Sample
 * @typedef {import('./model.mjs').Round} Round
 * @typedef {import('./model.mjs').Failure} Failure
 * @typedef {import('./line-up.mjs').Entrant} Entrant
 * @typedef {(note: string) => void} Tell
 *
 * @typedef {object} Measured
 * @property {Round[]} rounds
 * @property {Failure[]} failures
 */
import { CallerProcess } from './caller-process.mjs';
import { measureSlice } from './generator.mjs';
import { messageOf } from './message-of.mjs';
import { HERE, openNetwork, whyNoNetwork } from './network.mjs';
import { randomNumbers, shuffled } from './random.mjs';
import { ServerProcess } from './server-process.mjs';
import { operationOf } from './tests.mjs';

/** Rounds before those that count, in which just-in-time compilers do most of their work. */
const WARM_UP_ROUNDS = 2;

/** A program that fails this often is not visited any more. */
const MOST_FAILURES = 3;

/**
 * @param {TestDefinition} test
 * @param {readonly Entrant[]} entrants
 * @param {Settings} settings
 * @param {Tell} tell
 * @returns {Promise<Measured>}
 */
export async function measureRounds(test, entrants, settings, tell) {
  const field = new Field(test, settings);
  try {
    await field.start(entrants, tell);
    const random = randomNumbers(settings.seed);
    for (let i = 0; i < WARM_UP_ROUNDS; i++) await field.round(random, () => tell('warm-up'));
    /** @type {Round[]} */
    const rounds = [];
    while (rounds.length < settings.rounds) {
      const count = `round ${String(rounds.length + 1)}/${String(settings.rounds)}`;
      rounds.push(await field.round(random, (name) => tell(`${count}  ${name}`)));
    }
    return { rounds, failures: field.failures };
  } finally {
    await field.stop();
  }
}

/** The programs of one test while they run. */
class Field {
  /** @type {Map<string, ServerProcess | CallerProcess>} */
  #running = new Map();
  /** @type {Map<string, readonly string[]>} */
  #commands = new Map();
  /** @type {Failure[]} */
  failures = [];
  #test;
  #settings;
  #network = HERE;

  /**
   * @param {TestDefinition} test
   * @param {Settings} settings
   */
  constructor(test, settings) {
    this.#test = test;
    this.#settings = settings;
  }

  /**
   * @param {readonly Entrant[]} entrants
   * @param {Tell} tell
   */
  async start(entrants, tell) {
    if (this.#test.mode === 'udp-receive') {
      const why = await whyNoNetwork();
      if (why !== undefined) {
        this.failures.push(...entrants.map(({ name }) => ({ server: name, why })));
        return;
      }
      this.#network = await openNetwork(this.#settings.serverCore);
    }
    for (const { name, command } of entrants) {
      tell(`starting ${name}`);
      const Kind = operationOf(this.#test) === undefined ? ServerProcess : CallerProcess;
      const started = this.#network.commandFor(command);
      const program = new Kind(started, this.#settings.serverCore);
      this.#commands.set(name, started);
      this.#running.set(name, program);
      await program.ready().catch((error) => this.#dismiss(name, messageOf(error)));
    }
  }

  /**
   * Another process of the same program, which has had a slice that does not count.
   *
   * @param {string} name
   * @param {ServerProcess} before
   */
  async #renew(name, before) {
    await before.stop();
    const server = new ServerProcess(this.#commands.get(name) ?? [], this.#settings.serverCore);
    this.#running.set(name, server);
    await server.ready();
    await measureSlice(this.#test, server, this.#settings, this.#network);
    return server;
  }

  /**
   * @param {() => number} random
   * @param {(name: string) => void} tell
   * @returns {Promise<Round>}
   */
  async round(random, tell) {
    /** @type {Record<string, Sample>} */
    const round = {};
    for (const name of shuffled([...this.#running.keys()], random)) {
      tell(name);
      const sample = await this.#visit(name);
      if (sample !== undefined) round[name] = sample;
    }
    return round;
  }

  /** @param {string} name */
  async #visit(name) {
    const program = this.#running.get(name);
    if (program === undefined) return undefined;
    try {
      if (program instanceof CallerProcess) return await program.measure(this.#settings);
      const server = this.#test.isRenewed === true ? await this.#renew(name, program) : program;
      return sampleOf(await measureSlice(this.#test, server, this.#settings, this.#network));
    } catch (error) {
      await this.#blame(name, this.#running.get(name) ?? program, messageOf(error));
      return undefined;
    }
  }

  /**
   * @param {string} name
   * @param {ServerProcess | CallerProcess} program
   * @param {string} why
   */
  async #blame(name, program, why) {
    // The load generator only sees that its server is gone; the server may have said why.
    const fate = await program.fate();
    if (fate !== undefined) {
      await this.#dismiss(name, fate);
      return;
    }
    this.failures.push({ server: name, why });
    const count = this.failures.filter((failure) => failure.server === name).length;
    if (count >= MOST_FAILURES) await this.#dismiss(name, `left out after ${String(count)} failed slices`);
  }

  /**
   * @param {string} name
   * @param {string} why
   */
  async #dismiss(name, why) {
    this.failures.push({ server: name, why });
    const program = this.#running.get(name);
    this.#running.delete(name);
    await program?.stop();
  }

  async stop() {
    await Promise.all([...this.#running.values()].map((program) => program.stop()));
    await this.#network.close();
  }
}

/**
 * @param {Slice} slice
 * @returns {Sample}
 */
export function sampleOf(slice) {
  /** @type {Sample} */
  const sample = {
    cpuMicros: (slice.serverCpuSeconds / slice.requests) * 1e6,
    rate: slice.requests / slice.seconds,
    loadBusy: slice.loadCpuSeconds / slice.seconds,
  };
  if (slice.p50Micros !== undefined) sample.p50Micros = slice.p50Micros;
  if (slice.p99Micros !== undefined) sample.p99Micros = slice.p99Micros;
  return sample;
}
