/** The part of the contract that is about TLS. The protocol itself is the platform's, never ours. */
import type { Deadline } from './provider.ts';

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** PEM as text or bytes, or one certificate in DER. */
export type TlsMaterial = string | Uint8Array;

interface TlsCommon {
  /** Default `TLSv1.2`. */
  readonly minVersion?: TlsVersion | undefined;
  /** Default `TLSv1.3`. */
  readonly maxVersion?: TlsVersion | undefined;
  /** Protocols to agree on, in order of preference (RFC 7301): `['h2', 'http/1.1']`. */
  readonly alpn?: readonly string[] | undefined;
  /** Authorities to trust. Default for a client: the platform's; for a server: none. */
  readonly ca?: TlsMaterial | readonly TlsMaterial[] | undefined;
  /** One's own certificate, and those between it and the authority. With `key`. */
  readonly cert?: TlsMaterial | undefined;
  readonly key?: TlsMaterial | undefined;
  /** Opens `key`, if it is locked. */
  readonly passphrase?: string | undefined;
}

export interface TlsClientOptions extends TlsCommon {
  /**
   * The name that the server's certificate must have, and that the server is told (SNI). A numeric address is checked, and
   * not told (RFC 6066). Default: the host that was connected to.
   */
  readonly servername?: string | undefined;
  /** Sessions to resume, and where new ones are kept. Default: none are. */
  readonly sessions?: TlsSessions | undefined;
  /**
   * Accepts a certificate of any name from a trusted authority. Only exactly `true` does so.
   */
  readonly dangerouslyAcceptAnyName?: boolean | undefined;
  /**
   * Accepts every certificate: there is then no protection from whoever stands between. Only exactly `true` does so; no
   * environment variable does.
   */
  readonly dangerouslyAcceptAnyCertificate?: boolean | undefined;
}

export interface TlsServerOptions extends TlsCommon {
  readonly cert: TlsMaterial;
  readonly key: TlsMaterial;
  /** Other certificates by the name that a client asks for (SNI); `*.example.org` stands for one label. */
  readonly names?:
    Readonly<Record<string, { readonly cert: TlsMaterial; readonly key: TlsMaterial }>> | undefined;
  /**
   * Whether clients must show a certificate. `require`: one by an authority of `ca`, or the handshake fails. `request`: what
   * is shown is in `TlsInfo`, and `isAuthorized` says whether it is good. Default `none`.
   */
  readonly clientCertificate?: 'none' | 'request' | 'require' | undefined;
  /** Milliseconds after which a handshake is given up, that of an upgrade too, if `timeout` is not shorter. Default 10,000. */
  readonly handshakeTimeout?: number | undefined;
  /** Handshakes of one listener that may be under way at once; further connections wait in the backlog. Default 256. */
  readonly maxHandshakes?: number | undefined;
}

/** How a stream is upgraded. */
export type UpgradeOptions = Deadline & {
  /** Bytes that were read already and belong to the handshake. */
  readonly head?: Uint8Array | undefined;
} & (
    | ({ readonly role?: 'client' | undefined } & TlsClientOptions)
    | ({ readonly role: 'server' } & Omit<TlsServerOptions, 'maxHandshakes'>)
  );

/**
 * Keeps what is needed to resume sessions: make one, and give it to all connections that may share them. What `get` throws
 * is what `connect` rejects with; what the others throw is reported as uncaught.
 */
export interface TlsSessions {
  get(key: string): Uint8Array | undefined;
  set(key: string, session: Uint8Array): void;
  delete(key: string): void;
}

/** A certificate, as the peer showed it. */
export interface TlsCertificate {
  /** Distinguished name, one attribute a line: `CN=example.org`. */
  readonly subject: string;
  readonly issuer: string;
  /** Names it is good for: `DNS:example.org`, `IP Address:192.0.2.1`. */
  readonly alternativeNames: readonly string[];
  readonly validFrom: Date;
  readonly validTo: Date;
  /** SHA-256 of the certificate, in lower-case hex. */
  readonly fingerprint: string;
  readonly serialNumber: string;
  /** The certificate in DER. */
  readonly bytes: Uint8Array;
}

/** What a handshake agreed on. */
export interface TlsInfo {
  readonly role: 'client' | 'server';
  readonly version: TlsVersion;
  /** By its IANA name: `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** The agreed protocol, if both sides had one in common. */
  readonly alpn: string | undefined;
  /** The name that the client asked for. */
  readonly servername: string | undefined;
  readonly isResumed: boolean;
  /** Whether the peer's certificate was checked and found good. */
  readonly isAuthorized: boolean;
  /** Why not: an OpenSSL code such as `CERT_HAS_EXPIRED`. */
  readonly authorizationError: string | undefined;
  /** The peer's certificate, then those that it sent along, up to the authority. Empty if it showed none. */
  readonly peerCertificates: readonly TlsCertificate[];
}

/** Milliseconds for a handshake of a server, unless asked otherwise. */
export const DEFAULT_HANDSHAKE_TIMEOUT: number = 10_000;
/** Handshakes of one listener at once, unless asked otherwise. */
export const DEFAULT_MAX_HANDSHAKES: number = 256;
