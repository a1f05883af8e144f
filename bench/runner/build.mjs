/** Builds what the benchmark runs: its own C++ programs, and Portside where its build is out of date. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { run, runShown } from './child.mjs';
import { messageOf } from './message-of.mjs';
import { BUILD, CALLER_SOURCES, LOAD_PROGRAM, LOAD_SOURCES, ROOT, SERVER_SOURCES } from './paths.mjs';

const FLAGS = ['-std=c++17', '-O2', '-pthread', '-Wall', '-Wextra'];
const BUILT_ENGINE = path.join(ROOT, 'dist/engine/local-provider.js');

/** Does only what is missing or out of date. */
const SETUP = path.join(ROOT, 'scripts/setup.mjs');

/**
 * Compiles the load generator, and the servers and callers that are written in C++, where they are older than their
 * sources; and makes the certificate of the servers that speak TLS.
 *
 * @param {(line: string) => void} say
 * @returns {Promise<string | undefined>} Why there is no TLS.
 */
export async function buildNative(say) {
  await mkdir(BUILD, { recursive: true });
  const noTls = (await whyNoOpenssl()) ?? (await makeCertificate());
  const libraries = noTls === undefined ? ['-lssl', '-lcrypto'] : [];
  const load = await filesIn(LOAD_SOURCES, /\.(?:cc|h)$/u);
  await compile(LOAD_PROGRAM, load, libraries, say);
  for (const folder of [SERVER_SOURCES, CALLER_SOURCES]) {
    const headers = await filesIn(folder, /\.h$/u);
    for (const source of await filesIn(folder, /\.cc$/u)) {
      const program = path.join(BUILD, path.basename(source, '.cc'));
      await compile(program, [source, ...headers], libraries, say);
    }
  }
  return noTls;
}

async function whyNoOpenssl() {
  try {
    await run('g++', ['-fsyntax-only', '-include', 'openssl/ssl.h', '-x', 'c++', '/dev/null']);
    return undefined;
  } catch {
    return 'the load generator needs the headers of OpenSSL (libssl-dev)';
  }
}

/** ECDSA, as most servers have it. @returns {Promise<string | undefined>} Why there is none. */
async function makeCertificate() {
  const [key, certificate] = ['tls.key', 'tls.crt'].map((name) => path.join(BUILD, name));
  if (existsSync(String(certificate))) return undefined;
  const what = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-noenc',
    '-days',
    '3650',
  ];
  const where = ['-keyout', String(key), '-out', String(certificate), '-subj', '/CN=localhost'];
  try {
    await run('openssl', [...what, ...where]);
    return undefined;
  } catch (error) {
    return `a certificate cannot be made: ${messageOf(error)}`;
  }
}

/**
 * Brings the build of Portside up to date, so that it is the sources that are measured.
 *
 * @returns {Promise<boolean>} Whether there is one.
 */
export async function buildPortside() {
  if (existsSync(SETUP)) await runShown(process.execPath, [SETUP], ROOT);
  return existsSync(BUILT_ENGINE);
}

/**
 * @param {string} program
 * @param {readonly string[]} files
 * @param {readonly string[]} libraries
 * @param {(line: string) => void} say
 */
async function compile(program, files, libraries, say) {
  if (existsSync(program) && (await newest(files)) < (await newest([program]))) return;
  say(`compiling ${path.relative(ROOT, program)}`);
  const units = files.filter((file) => file.endsWith('.cc'));
  await run('g++', [...FLAGS, ...units, '-o', program, ...libraries]);
}

/**
 * @param {string} folder
 * @param {RegExp} pattern
 * @returns {Promise<string[]>} None if there is no such folder.
 */
async function filesIn(folder, pattern) {
  if (!existsSync(folder)) return [];
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => pattern.test(name)).map((name) => path.join(folder, name));
}

/**
 * @param {readonly string[]} files
 * @returns {Promise<number>} When the newest of those that exist was changed, in milliseconds.
 */
async function newest(files) {
  const times = await Promise.all(
    files.filter((file) => existsSync(file)).map(async (file) => (await stat(file)).mtimeMs),
  );
  return Math.max(0, ...times);
}
