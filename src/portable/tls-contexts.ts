/** Certificates, keys and authorities, read and judged before anything is opened. */
import type { KeyObject } from 'node:crypto';
import { createHash, createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import type { SecureContext, SecureContextOptions } from 'node:tls';
import { createSecureContext } from 'node:tls';
import { domainToASCII } from 'node:url';
import { parseIp } from '../base/address.ts';
import type { TlsMaterial } from '../base/tls.ts';
import type { TlsContext } from '../base/tls-upgrader.ts';
import type { TlsClientPlan, TlsIdentity, TlsPlan, TlsServerPlan } from '../base/validate-tls.ts';

/** The first byte of a certificate in DER: a SEQUENCE (X.690, 8.9). */
const DER_SEQUENCE = 0x30;
const CERTIFICATE =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

export interface ClientContext extends TlsContext {
  readonly plan: TlsClientPlan;
  readonly secureContext: SecureContext;
  /** The name in ASCII, as certificates have it; `undefined` where names are not checked and none was given. */
  readonly name: string | undefined;
  /** What two connections must have in common to share sessions, but for the port. */
  readonly sessionKey: string;
}

export interface ServerContext extends TlsContext {
  readonly plan: TlsServerPlan;
  readonly secureContext: SecureContext;
  /** By name, or by what follows the `*` of one. */
  readonly named: ReadonlyMap<string, SecureContext>;
}

export type NodeTlsContext = ClientContext | ServerContext;

function bad(what: string, cause?: unknown): RangeError {
  const reason: unknown =
    cause instanceof Error ? (Reflect.get(cause, 'reason') ?? cause.message) : undefined;
  const why = typeof reason === 'string' ? ` (${reason})` : '';
  return new RangeError(`tls: ${what}${why}`, cause === undefined ? undefined : { cause });
}

/** PEM as it is; a certificate in DER becomes PEM, the one form that `createSecureContext` takes. */
function toPem(material: TlsMaterial): string {
  if (typeof material === 'string') return material;
  if (material[0] !== DER_SEQUENCE) return Buffer.from(material).toString('latin1');
  const lines =
    Buffer.from(material)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** The certificates of PEM text, in order. @throws {RangeError} one cannot be read, or there is none */
function readCertificates(pem: string, what: string): readonly X509Certificate[] {
  const texts = pem.match(CERTIFICATE) ?? [];
  if (texts.length === 0) throw bad(`${what}: expected certificates, as PEM or DER`);
  return texts.map((text) => {
    try {
      return new X509Certificate(text);
    } catch (cause) {
      throw bad(`${what}: a certificate cannot be read`, cause);
    }
  });
}

function readKey({ key, passphrase }: TlsIdentity, what: string): KeyObject {
  const pem = Buffer.from(toPem(key));
  try {
    return createPrivateKey(passphrase === undefined ? { key: pem } : { key: pem, passphrase });
  } catch (cause) {
    const isLocked = cause instanceof Error && /passphrase|interrupted or cancelled/i.test(cause.message);
    if (isLocked && passphrase === undefined)
      throw bad(`${what}key: it is locked, and there is no passphrase`, cause);
    throw bad(
      `${what}key: it cannot be read${passphrase === undefined ? '' : ' with this passphrase'}`,
      cause,
    );
  }
}

/** @throws {RangeError} the key is not the certificate's, or one of them cannot be read */
function identityOptions(identity: TlsIdentity, what: string): SecureContextOptions {
  const cert = toPem(identity.cert);
  const [own] = readCertificates(cert, `${what}cert`);
  const key = readKey(identity, what);
  if (own?.checkPrivateKey(key) !== true) throw bad(`${what}key: it is not the key of the certificate`);
  return { cert, key: key.export({ type: 'pkcs8', format: 'pem' }) };
}

function authorityOptions(plan: TlsPlan): SecureContextOptions {
  // Without `ca` Node trusts the platform's authorities: who is a client of ours is none of theirs to say.
  if (plan.ca === undefined) return plan.role === 'server' ? { ca: [] } : {};
  const pems = plan.ca.map(toPem);
  for (const pem of pems) readCertificates(pem, 'ca');
  return { ca: pems };
}

/** @throws {RangeError} in OpenSSL's words */
function makeContext(options: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(options);
  } catch (cause) {
    throw bad('no context can be made of this', cause);
  }
}

/** A name in ASCII. @throws {RangeError} it is none */
function asciiName(name: string): string {
  // Only where it is needed: domainToASCII takes some names for numbers.
  // eslint-disable-next-line no-control-regex -- all of ASCII is meant
  if (/^[\x00-\x7f]*$/.test(name)) return name.toLowerCase();
  const ascii = domainToASCII(name);
  if (ascii === '') throw bad(`servername: ${JSON.stringify(name)} is no name of a host`);
  return ascii;
}

/** A digest, because what it is made of may be long, and a key is secret. */
function sessionKey(plan: TlsClientPlan, name: string | undefined): string {
  const { alpn, ca, identity, checksCertificate, checksName, minVersion, maxVersion } = plan;
  const text = (material: TlsMaterial | undefined): string | undefined =>
    material === undefined ? undefined : toPem(material);
  const parts = [
    name,
    alpn,
    ca?.map(toPem),
    text(identity?.cert),
    text(identity?.key),
    checksCertificate,
    checksName,
    minVersion,
    maxVersion,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

function clientContext(plan: TlsClientPlan): ClientContext {
  const name = plan.servername === undefined ? undefined : asciiName(plan.servername);
  const secureContext = makeContext({
    minVersion: plan.minVersion,
    maxVersion: plan.maxVersion,
    ...authorityOptions(plan),
    ...(plan.identity === undefined ? {} : identityOptions(plan.identity, '')),
  });
  return { plan, secureContext, name, sessionKey: plan.sessions === undefined ? '' : sessionKey(plan, name) };
}

function serverContext(plan: TlsServerPlan): ServerContext {
  const common: SecureContextOptions = {
    minVersion: plan.minVersion,
    maxVersion: plan.maxVersion,
    honorCipherOrder: true,
    // Without one OpenSSL resumes no session of a client that showed a certificate (SSL_CTX_set_session_id_context(3)).
    sessionIdContext: randomBytes(16).toString('hex'),
    ...authorityOptions(plan),
  };
  const make = (identity: TlsIdentity, what: string): SecureContext =>
    makeContext({ ...common, ...identityOptions(identity, what) });
  return {
    plan,
    secureContext: make(plan.identity, ''),
    named: new Map(
      Array.from(plan.names, ([name, identity]) => [name, make(identity, `names[${JSON.stringify(name)}].`)]),
    ),
  };
}

/** Reads what a plan has of certificates and keys. @throws {RangeError} something cannot be read, or does not fit */
export function readTlsPlan(plan: TlsPlan): NodeTlsContext {
  return plan.role === 'client' ? clientContext(plan) : serverContext(plan);
}

/** The context for the name that a client asked for: its own, that of `*` for its first label, or the usual one. */
export function contextFor({ named, secureContext }: ServerContext, servername: string): SecureContext {
  const name = servername.toLowerCase();
  const dot = name.indexOf('.');
  return named.get(name) ?? (dot > 0 ? named.get(`*${name.slice(dot)}`) : undefined) ?? secureContext;
}

/** The name as a server is told it (SNI): numeric addresses are not (RFC 6066, 3). */
export function toldName(name: string | undefined): string | undefined {
  return name === undefined || parseIp(name) !== null ? undefined : name;
}
