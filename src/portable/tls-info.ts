/** What a handshake has agreed on, in the contract's form. */
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { TlsCertificate, TlsInfo, TlsVersion } from '../base/tls.ts';

/** No chain is longer; a ring would have no end. */
const MAX_CHAIN = 32;

/** Splits `DNS:a, DNS:"b, c"`: a value with a comma is a JSON string (X509Certificate.subjectAltName). */
function splitNames(text: string): readonly string[] {
  const parts = text.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? [];
  return parts.map((part) => part.trim());
}

function translate(certificate: X509Certificate): TlsCertificate {
  const { subject, issuer, subjectAltName, validFrom, validTo, fingerprint256, serialNumber, raw } =
    certificate;
  return {
    subject,
    issuer,
    alternativeNames: splitNames(subjectAltName ?? ''),
    validFrom: new Date(validFrom),
    validTo: new Date(validTo),
    fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
    serialNumber,
    bytes: new Uint8Array(raw),
  };
}

function chainOf(first: X509Certificate | undefined): readonly TlsCertificate[] {
  const chain: X509Certificate[] = [];
  for (let next = first; next !== undefined && chain.length < MAX_CHAIN; next = next.issuerCertificate) {
    const { fingerprint256 } = next;
    if (chain.some((each) => each.fingerprint256 === fingerprint256)) break;
    chain.push(next);
  }
  return chain.map(translate);
}

/** What is only known to whoever shook hands. */
export interface Verdict {
  readonly role: 'client' | 'server';
  readonly servername: string | undefined;
  readonly isAuthorized: boolean;
  readonly authorizationError: string | undefined;
}

/** Certificates are read when they are first asked for: few programs do. */
class Info implements TlsInfo {
  readonly role: 'client' | 'server';
  readonly version: TlsVersion;
  readonly cipher: string;
  readonly alpn: string | undefined;
  readonly servername: string | undefined;
  readonly isResumed: boolean;
  readonly isAuthorized: boolean;
  readonly authorizationError: string | undefined;
  readonly #first: X509Certificate | undefined;
  #chain: readonly TlsCertificate[] | undefined;

  constructor(socket: TLSSocket, verdict: Verdict) {
    this.role = verdict.role;
    this.version = socket.getProtocol() as TlsVersion;
    const { standardName, name } = socket.getCipher();
    this.cipher = standardName === '' ? name : standardName;
    this.alpn = typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : undefined;
    this.servername = verdict.servername;
    this.isResumed = socket.isSessionReused();
    this.isAuthorized = verdict.isAuthorized;
    this.authorizationError = verdict.authorizationError;
    this.#first = socket.getPeerX509Certificate();
  }

  get peerCertificates(): readonly TlsCertificate[] {
    this.#chain ??= chainOf(this.#first);
    return this.#chain;
  }
}

/** @param socket whose handshake has just ended well */
export function tlsInfoOf(socket: TLSSocket, verdict: Verdict): TlsInfo {
  return new Info(socket, verdict);
}
