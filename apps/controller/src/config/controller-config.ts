import type { BlockList } from 'node:net';
import type { OidcConfig } from './oidc-config.js';

/** Where a TCP server listens. Port 0 asks the kernel for a free one. */
export interface TcpListenAddress {
  readonly kind: 'tcp';
  /** Host name or address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Where a server on a Unix domain socket listens. */
export interface UnixListenAddress {
  readonly kind: 'unix';
  /** Absolute path, at most 107 octets. */
  readonly path: string;
}

export type ListenAddress = TcpListenAddress | UnixListenAddress;

/** Where Postgres comes from, in the order in which the environment is asked. */
export type DatabaseSource =
  /** `DATABASE_URL`: a server that somebody else runs. */
  | { readonly kind: 'url'; readonly url: string }
  /** `PG_BIN_DIR`: a server of our own from these binaries. */
  | { readonly kind: 'binaries'; readonly directory: string }
  /** Neither: a server of our own from the binaries of the npm package. */
  | { readonly kind: 'embedded' };

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Everything that the environment decides, parsed once at start. A class and not an interface so that Nest can
 * inject it by type.
 */
export class ControllerConfig {
  /** `WEFT_HTTP_LISTEN`: REST API and console. */
  readonly http: ListenAddress;
  /** `WEFT_SESSION_LISTEN`: southbound sessions, mTLS. */
  readonly session: TcpListenAddress;
  /** `WEFT_ENROLLMENT_LISTEN`: enrollment, server TLS only. */
  readonly enrollment: TcpListenAddress;
  /** `WEFT_METRICS_LISTEN`: metrics for Prometheus, to whoever can connect; undefined: nowhere. */
  readonly metrics: TcpListenAddress | undefined;
  /** `WEFT_PUBLIC_HOST`: the name or address under which edges reach this controller, IPv6 without brackets. */
  readonly publicHost: string;
  /** `WEFT_DATA_DIR`: absolute path of keys and, when it is ours, the database cluster. */
  readonly dataDirectory: string;
  /** `WEFT_ADMIN_PASSWORD`: password of the first administrator; random when undefined. */
  readonly adminPassword: string | undefined;
  /** `WEFT_CONSOLE_DIR`: absolute path of the console's static files. */
  readonly consoleDirectory: string;
  readonly database: DatabaseSource;
  /** `WEFT_LOG_LEVEL`. */
  readonly logLevel: LogLevel;
  /** `WEFT_WEBHOOK_NETWORKS`: addresses that webhooks may reach beside those of the Internet, also without TLS. */
  readonly webhookNetworks: BlockList;
  /** `WEFT_STATUS_INTERVAL_MS`: how often edges report status. */
  readonly statusIntervalMilliseconds: number;
  /** `WEFT_EDGE_CERTIFICATE_HOURS`: life of an edge certificate. Edges renew theirs when two thirds of it are over. */
  readonly edgeCertificateMilliseconds: number;
  /** `WEFT_OIDC_…`; undefined: users log in with passwords alone. */
  readonly oidc: OidcConfig | undefined;
  /** `WEFT_REVOCATION_LIST_URL`: where others fetch the revocation list, as edge certificates say; undefined: they say nothing. */
  readonly revocationListUrl: string | undefined;

  constructor(values: ControllerConfigValues) {
    this.http = values.http;
    this.session = values.session;
    this.enrollment = values.enrollment;
    this.metrics = values.metrics;
    this.publicHost = values.publicHost;
    this.dataDirectory = values.dataDirectory;
    this.adminPassword = values.adminPassword;
    this.consoleDirectory = values.consoleDirectory;
    this.database = values.database;
    this.logLevel = values.logLevel;
    this.webhookNetworks = values.webhookNetworks;
    this.statusIntervalMilliseconds = values.statusIntervalMilliseconds;
    this.edgeCertificateMilliseconds = values.edgeCertificateMilliseconds;
    this.oidc = values.oidc;
    this.revocationListUrl = values.revocationListUrl;
  }
}

/** The fields of ControllerConfig as a plain record. */
export type ControllerConfigValues = { readonly [K in keyof ControllerConfig]: ControllerConfig[K] };
