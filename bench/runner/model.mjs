/**
 * The shapes that the runner's files share. Types only.
 *
 * @typedef {'node' | 'bun' | 'deno' | 'native'} RuntimeName
 *
 * @typedef {object} ServerDefinition A row of `servers.mjs`.
 * @property {string} name Also the name of its file.
 * @property {string} title
 * @property {RuntimeName} runtime
 * @property {boolean} [needsBuild] It runs what `npm run build` makes.
 *
 * @typedef {object} TestDefinition A row of `tests.mjs`.
 * @property {string} name
 * @property {string} title
 * @property {'echo' | 'crr' | 'accept' | 'idle'} mode
 * @property {number} connections
 * @property {string} baseline The server that the tables compare all others with.
 * @property {readonly string[]} servers
 *
 * @typedef {object} Target A row of `targets.mjs`.
 * @property {string} test
 * @property {string} subject
 * @property {'cpu' | 'memory'} metric
 * @property {string} [peer] What `subject` is compared with; none for `memory`.
 * @property {number} [atLeast] How many times better than `peer`.
 * @property {number} [atMost] Bytes.
 *
 * @typedef {object} Slice A line of the load generator that had no errors.
 * @property {number} requests
 * @property {number} seconds
 * @property {number} serverCpuSeconds
 * @property {number} loadCpuSeconds
 * @property {number} [p50Micros]
 * @property {number} [p99Micros]
 *
 * @typedef {object} Sample What one server showed in one round.
 * @property {number} [cpuMicros] Of the server, per request.
 * @property {number} [rate] Requests per second.
 * @property {number} [loadBusy] Part of its core that the load generator used, 0 to 1.
 * @property {number} [p50Micros]
 * @property {number} [p99Micros]
 * @property {number} [bytes] Per idle connection, as the server grew by itself.
 * @property {number} [heldBytes] Per idle connection, after the server has collected its garbage.
 *
 * @typedef {keyof Sample} Metric
 *
 * @typedef {Readonly<Record<string, Sample>>} Round By server; a server whose slice failed is missing.
 *
 * @typedef {object} Summary Median and quartiles.
 * @property {number} median
 * @property {number} low
 * @property {number} high
 * @property {number} count
 *
 * @typedef {object} Failure
 * @property {string} server
 * @property {string} why
 *
 * @typedef {object} Settings
 * @property {number} rounds
 * @property {number} sliceMs
 * @property {number} warmUpMs
 * @property {number} seed
 * @property {number} serverCore
 * @property {number} loadCore
 *
 * @typedef {object} Environment
 * @property {string} node
 * @property {Readonly<Record<string, string>>} versions By runtime.
 * @property {string} kernel
 * @property {string} processor
 * @property {number} cores
 * @property {string} measuredAt
 *
 * @typedef {object} Result One test's file in `bench/results`.
 * @property {string} test
 * @property {Settings} settings
 * @property {Environment} environment
 * @property {readonly Round[]} rounds
 * @property {readonly Failure[]} failures
 */

export {};
