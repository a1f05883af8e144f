/** The globals of a background page: those that Node has too, and those that say where the app runs. */
import { arch, availableParallelism, networkInterfaces, type as systemType } from 'node:os';
import { ErrorEvent, ProgressEvent, PromiseRejectionEvent } from './events.ts';
import { FileReader } from './file-reader.ts';
import { defineGlobal } from './realm.ts';
import type { RealmGlobal } from './realm.ts';

/** What Node's global object has as a page's has it. No network beside `chrome.sockets`: no `fetch`, no `WebSocket`. */
const HOST_GLOBALS: readonly string[] = [
  'AbortController',
  'AbortSignal',
  'Blob',
  'ByteLengthQueuingStrategy',
  'CompressionStream',
  'CountQueuingStrategy',
  'Crypto',
  'CryptoKey',
  'CustomEvent',
  'DOMException',
  'DecompressionStream',
  'Event',
  'EventTarget',
  'File',
  'MessageChannel',
  'MessageEvent',
  'MessagePort',
  'ReadableStream',
  'SubtleCrypto',
  'TextDecoder',
  'TextDecoderStream',
  'TextEncoder',
  'TextEncoderStream',
  'TransformStream',
  'URL',
  'URLSearchParams',
  'WritableStream',
  'atob',
  'btoa',
  'crypto',
  'performance',
  'structuredClone',
];

/** Globals that Node 20 keeps in a module, or does not have. */
const OWN_GLOBALS: Readonly<Record<string, unknown>> = {
  ErrorEvent,
  FileReader,
  ProgressEvent,
  PromiseRejectionEvent,
};

/** The names under which a page finds its own global object. */
const SELF_NAMES: readonly string[] = ['frames', 'parent', 'self', 'top', 'window'];

/** Chrome's version of the same script engine, which is what apps look for; V8 11.3 is Chrome 113's. */
function userAgent(version: string): string {
  const [major = '0', minor = '0'] = process.versions.v8.split('.');
  const chrome = String(Number(major) * 10 + Number(minor));
  const engine = 'AppleWebKit/537.36 (KHTML, like Gecko)';
  return `Mozilla/5.0 (${platform()}) ${engine} Chrome/${chrome}.0.0.0 Safari/537.36 Portside/${version}`;
}

function platform(): string {
  const machine = arch();
  return `${systemType()} ${machine === 'x64' ? 'x86_64' : machine === 'arm64' ? 'aarch64' : machine}`;
}

function language(): string {
  return new Intl.DateTimeFormat().resolvedOptions().locale;
}

/** @param version Portside's own */
function createNavigator(version: string): object {
  const languages = Object.freeze([language()]);
  return Object.freeze({
    appCodeName: 'Mozilla',
    appName: 'Netscape',
    hardwareConcurrency: availableParallelism(),
    language: languages[0],
    languages,
    get onLine() {
      return Object.values(networkInterfaces()).some((addresses) =>
        addresses?.some(({ internal }) => !internal),
      );
    },
    platform: platform(),
    product: 'Gecko',
    userAgent: userAgent(version),
    vendor: 'Portside',
  });
}

function createLocation(origin: string): object {
  const { hash, host, hostname, href, pathname, port, protocol, search } = new URL(
    `${origin}/_generated_background_page.html`,
  );
  return Object.freeze({
    hash,
    host,
    hostname,
    href,
    origin,
    pathname,
    port,
    protocol,
    search,
    toString: () => href,
  });
}

const SCHEMES = { 'chrome-app': 'chrome-extension', extension: 'moz-extension' } as const;

/** Where an app's files are, as it sees it. Ids of extensions may have characters that no host has. */
export function appOrigin(kind: keyof typeof SCHEMES, id: string): string {
  return `${SCHEMES[kind]}://${id.replace(/[^\w.-]/g, '-').toLowerCase()}`;
}

/** Who the globals are for. */
export interface PageIdentity {
  /** The app's id. */
  readonly id: string;
  readonly kind: 'chrome-app' | 'extension';
  /** Portside's version. */
  readonly version: string;
}

/** Gives a fresh global object what a background page has. Timers, `console`, `chrome` and events are the caller's. */
export function addPageGlobals(global: RealmGlobal, { id, kind, version }: PageIdentity): void {
  const host = globalThis as unknown as Record<string, unknown>;
  const origin = appOrigin(kind, id);
  for (const name of HOST_GLOBALS) {
    if (host[name] !== undefined) defineGlobal(global, name, host[name]);
  }
  for (const [name, value] of Object.entries(OWN_GLOBALS)) defineGlobal(global, name, value);
  for (const name of SELF_NAMES) defineGlobal(global, name, global);
  defineGlobal(global, 'isSecureContext', true);
  defineGlobal(global, 'location', createLocation(origin));
  defineGlobal(global, 'name', '');
  defineGlobal(global, 'navigator', createNavigator(version));
  defineGlobal(global, 'origin', origin);
}
