/**
 * The servers that can be measured. Each is `bench/servers/NAME.mjs`, or `NAME.cc` where the runtime is `native`.
 *
 * @typedef {import('./model.mjs').ServerDefinition} ServerDefinition
 */

/** @type {readonly ServerDefinition[]} */
// prettier-ignore
export const SERVERS = [
  { name: 'portside-engine', title: 'Portside engine',        runtime: 'node', needsBuild: true },
  { name: 'portside-chrome', title: 'Portside chrome.sockets', runtime: 'node', needsBuild: true },
  { name: 'node-net',        title: 'node:net',               runtime: 'node' },
  { name: 'node-net-facade', title: 'node:net (same objects)', runtime: 'node' },
  { name: 'bun',             title: 'Bun.listen',             runtime: 'bun' },
  { name: 'bun-facade',      title: 'Bun.listen (same objects)', runtime: 'bun' },
  { name: 'deno',            title: 'Deno.listen',            runtime: 'deno' },
  { name: 'cpp-epoll',       title: 'C++ epoll',              runtime: 'native' },
];
