/**
 * The servers that can be measured. Each is `bench/servers/FILE`, or `NAME.mjs`, or `NAME.cc` where the
 * runtime is `native`, started with the test's service and the words of its row.
 *
 * @typedef {import('./model.mjs').ServerDefinition} ServerDefinition
 */

/** @type {readonly ServerDefinition[]} */
// prettier-ignore
export const SERVERS = [
  { name: 'portside-engine',     title: 'Portside engine',             runtime: 'node',   needsBuild: true },
  { name: 'portside-busy',       title: 'Portside engine, busy poll',  runtime: 'node',   file: 'portside-engine.mjs', words: ['busy'],  needsBuild: true },
  { name: 'portside-guarded',    title: 'Portside engine, guarded',    runtime: 'node',   file: 'portside-engine.mjs', words: ['guarded'], needsBuild: true },
  { name: 'portside-chrome',     title: 'Portside chrome.sockets',     runtime: 'node',   needsBuild: true },
  { name: 'portside-tcpsocket',  title: 'Portside TCPSocket',          runtime: 'node',   needsBuild: true },
  { name: 'node-net',            title: 'node:net',                    runtime: 'node' },
  { name: 'node-net-facade',     title: 'node:net (same objects)',     runtime: 'node' },
  { name: 'node-net-promises',   title: 'node:net, by promises',       runtime: 'node' },
  { name: 'bun',                 title: 'Bun.listen',                  runtime: 'bun' },
  { name: 'bun-facade',          title: 'Bun.listen (same objects)',   runtime: 'bun' },
  { name: 'deno',                title: 'Deno.listen',                 runtime: 'deno' },
  { name: 'cpp-epoll',           title: 'C++ epoll',                   runtime: 'native' },
  { name: 'portside-owned',      title: 'Portside engine, owned',      runtime: 'node',   file: 'portside-stream.mjs', words: ['owned'], needsBuild: true },
  { name: 'portside-view',       title: 'Portside engine, views',      runtime: 'node',   file: 'portside-stream.mjs', words: ['view'],  needsBuild: true },
  { name: 'node-net-bulk',       title: 'node:net',                    runtime: 'node' },
  { name: 'bun-stream',          title: 'Bun.listen',                  runtime: 'bun' },
  { name: 'cpp-stream',          title: 'C++ epoll',                   runtime: 'native' },
  { name: 'portside-tls',        title: 'Portside TLS',                runtime: 'node',   file: 'portside-stream.mjs', words: ['owned'], needsBuild: true },
  { name: 'node-tls',            title: 'node:tls',                    runtime: 'node' },
  { name: 'bun-tls',             title: 'Bun.listen, TLS',             runtime: 'bun',    file: 'bun-stream.mjs' },
  { name: 'cpp-tls',             title: 'C++ OpenSSL',                 runtime: 'native', file: 'cpp-stream.cc' },
  { name: 'portside-udp',        title: 'Portside datagrams, views',   runtime: 'node',   file: 'portside-udp.mjs',    words: ['view'],  needsBuild: true },
  { name: 'portside-udp-owned',  title: 'Portside datagrams, owned',   runtime: 'node',   file: 'portside-udp.mjs',    words: ['owned'], needsBuild: true },
  { name: 'portside-udp-facade', title: 'Portside (same objects)',     runtime: 'node',   needsBuild: true },
  { name: 'node-udp',            title: 'node:dgram',                  runtime: 'node' },
  { name: 'node-udp-facade',     title: 'node:dgram (same objects)',   runtime: 'node' },
  { name: 'bun-udp',             title: 'Bun.udpSocket',               runtime: 'bun' },
  { name: 'bun-udp-facade',      title: 'Bun.udpSocket (same objects)', runtime: 'bun' },
  { name: 'cpp-udp',             title: 'C++, 64 a call',              runtime: 'native' },
  { name: 'cpp-udp-one',         title: 'C++, one by one',             runtime: 'native', file: 'cpp-udp.cc',          words: ['one'] },
];
