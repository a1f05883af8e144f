/**
 * The shapes that the runner's files share. Types only.
 *
 * @typedef {'bun' | 'deno' | 'koffi' | 'node-ffi' | 'python'} PeerName
 * @typedef {'node' | PeerName | 'native'} RuntimeName
 *
 * @typedef {object} ServerDefinition A row of `servers.mjs`.
 * @property {string} name Also the name of its file, unless that has another.
 * @property {string} title
 * @property {RuntimeName} runtime
 * @property {string} [file]
 * @property {readonly string[]} [words] Behind the file and the test's service.
 * @property {boolean} [needsBuild] It runs what `npm run build` makes.
 *
 * @typedef {object} CallerDefinition A row of `callers.mjs`.
 * @property {string} name
 * @property {string} title
 * @property {RuntimeName} runtime
 * @property {string} file
 * @property {readonly string[]} words Behind the file and the test's mode.
 * @property {boolean} [needsBuild] It runs what `npm run build` makes.
 *
 * @typedef {'echo' | 'crr' | 'accept' | 'idle'} MessageMode
 * @typedef {'receive' | 'send'} BulkMode
 * @typedef {'udp-echo' | 'udp-receive' | 'udp-send'} DatagramMode
 * @typedef {MessageMode | BulkMode | DatagramMode} ServerMode What is done to a server; named by what the server does.
 * @typedef {'pair' | 'option' | 'datagrams'} CallerMode What a caller repeats.
 *
 * @typedef {object} TestDefinition A row of `tests.mjs`.
 * @property {string} name
 * @property {string} title
 * @property {ServerMode | CallerMode} mode
 * @property {number} connections Or sockets that datagrams are sent to.
 * @property {number} [size] Bytes of a message or a datagram; 64, unless it is said.
 * @property {number} [window] Datagrams in flight.
 * @property {boolean} [tls]
 * @property {boolean} [isRenewed] Each round measures new processes of its servers, since they differ among themselves.
 * @property {string} baseline The program that the tables compare all others with.
 * @property {readonly string[]} programs
 *
 * @typedef {object} Target A row of `targets.mjs`.
 * @property {string} test
 * @property {string} subject
 * @property {'cpu' | 'rate' | 'p50' | 'p99' | 'cost' | 'memory' | 'batch'} metric
 * @property {string} [peer] What `subject` is compared with; none for `memory` and `batch`.
 * @property {number} [atLeast] `cpu`, `rate`: how many times better than `peer`. `batch`: datagrams of one system call.
 * @property {number} [atMost] `cost`, `p50`, `p99`: the part of the time of `peer`. `memory`: bytes.
 *
 * @typedef {object} Slice A line of the load generator that had no errors.
 * @property {number} requests
 * @property {number} seconds
 * @property {number} serverCpuSeconds
 * @property {number} loadCpuSeconds
 * @property {number} [p50Micros]
 * @property {number} [p99Micros]
 *
 * @typedef {object} Sample What one program showed in one round.
 * @property {number} [cpuMicros] Of the server, per request; of the caller, per operation.
 * @property {number} [rate] Requests or operations per second.
 * @property {number} [loadBusy] Part of its core that the load generator used, 0 to 1.
 * @property {number} [p50Micros]
 * @property {number} [p99Micros]
 * @property {number} [bytes] Per idle connection, as the server grew by itself.
 * @property {number} [heldBytes] Per idle connection, after the server has collected its garbage.
 *
 * @typedef {keyof Sample} Metric
 *
 * @typedef {Readonly<Record<string, Sample>>} Round By program; one whose slice failed is missing.
 *
 * @typedef {object} Summary Median and quartiles.
 * @property {number} median
 * @property {number} low
 * @property {number} high
 * @property {number} count
 *
 * @typedef {object} Batches Datagrams that one system call moved, on the average.
 * @property {number} sent
 * @property {number} received
 *
 * @typedef {object} Failure
 * @property {string} server Or caller.
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
 * @property {Readonly<Record<string, Batches>>} [batches] By caller, where system calls were counted.
 */

export {};
