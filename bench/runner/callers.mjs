/**
 * The callers that can be measured: programs that make system calls by themselves, in one process, on one core. Each is
 * `bench/callers/FILE`, started with the name of what it is to repeat and the words of its row.
 *
 * @typedef {import('./model.mjs').CallerDefinition} CallerDefinition
 */

/** @type {readonly CallerDefinition[]} */
// prettier-ignore
export const CALLERS = [
  { name: 'portside-socket',  title: 'Portside Socket',               runtime: 'node',     file: 'portside-socket.mjs', words: [],        needsBuild: true },
  { name: 'portside-recv',    title: 'Portside Socket, recv',         runtime: 'node',     file: 'portside-socket.mjs', words: ['recv'],  needsBuild: true },
  { name: 'portside-one',     title: 'Portside Socket, one by one',   runtime: 'node',     file: 'portside-socket.mjs', words: ['one'],   needsBuild: true },
  { name: 'portside-native',  title: 'Portside native module',        runtime: 'node',     file: 'portside-native.mjs', words: [],        needsBuild: true },
  { name: 'portside-bytes',   title: 'Portside native module, bytes', runtime: 'node',     file: 'portside-native.mjs', words: ['bytes'], needsBuild: true },
  { name: 'cpython-into',     title: 'CPython',                       runtime: 'python',   file: 'cpython.py',          words: [] },
  { name: 'cpython-recv',     title: 'CPython, recv',                 runtime: 'python',   file: 'cpython.py',          words: ['recv'] },
  { name: 'koffi',            title: 'koffi',                         runtime: 'koffi',    file: 'koffi.mjs',           words: [] },
  { name: 'node-ffi',         title: 'node:ffi',                      runtime: 'node-ffi', file: 'node-ffi.mjs',        words: [] },
  { name: 'node-dgram',       title: 'node:dgram',                    runtime: 'node',     file: 'node-dgram.mjs',      words: [] },
  { name: 'cpp-calls',        title: 'C++',                           runtime: 'native',   file: 'cpp-calls.cc',        words: [] },
  { name: 'cpp-threads',      title: 'C++, two threads',              runtime: 'native',   file: 'cpp-calls.cc',        words: ['threads'] },
  { name: 'cpp-one',          title: 'C++, one by one',               runtime: 'native',   file: 'cpp-calls.cc',        words: ['one'] },
];
