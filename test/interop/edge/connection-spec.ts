import { createPrivateKey, createPublicKey } from 'node:crypto';
import {
  algorithmsOf,
  authoritiesAbove,
  authorityHash,
  type Certificate,
  type CredentialMeans,
  type PeerTrust,
  parseCertificate,
} from '@weft/edge-agent/ike';
import { parseAddress, parsePrefix, Secret } from '@weft/ipsec-core';
import {
  type ChildlessPolicy,
  type Connection,
  type Credential,
  type HostConfiguration,
  ID_TYPE,
  type Identity,
  type PpkConfiguration,
  type SignatureAlgorithm,
  type WireSelector,
} from '@weft/ipsec-core/ike';
import { parseProposal } from './proposal.js';

/** Our end of a scenario, as data that travels to the edge process. Times in milliseconds. */
export interface ConnectionSpec {
  readonly local: string;
  /** Without it the connection only answers, whoever asks. */
  readonly remote?: string | undefined;
  readonly localId: string;
  readonly remoteId: string;
  readonly auth: AuthenticationSpec;
  readonly ike: readonly string[];
  readonly esp: readonly string[];
  readonly localTs: readonly string[];
  readonly remoteTs: readonly string[];
  readonly ikeLifetime?: number;
  readonly childLifetime?: number;
  readonly livenessInterval?: number;
  readonly fragmentSize?: number;
  readonly mobike?: boolean;
  readonly natTraversal?: 'detected' | 'forced' | 'prohibited';
  readonly ppk?: PpkSpec;
  readonly childless?: ChildlessPolicy;
  /** The configuration payload: an address that the peer assigns to us, or one of these that we assign to it. */
  readonly virtualAddress?: VirtualAddressSpec;
  /** How much faster than the world's the clock of the IKE host runs; 1 by default. */
  readonly clockSpeed?: number;
}

/** A private key, and the certificates that go with it: ours first, then what leads to the peer's anchor. PEM. */
export interface CredentialSpec {
  readonly privateKey: string;
  readonly chain: readonly string[];
  /** What it signs with; everything that the key can do, without it. */
  readonly algorithms?: readonly SignatureAlgorithm[];
}

/** A postquantum preshared key: identity and key as text. */
export interface PpkSpec {
  readonly id: string;
  readonly key: string;
  readonly required: boolean;
}

export type VirtualAddressSpec =
  | { readonly kind: 'client' }
  | { readonly kind: 'server'; readonly first: string; readonly last: string; readonly dns: string };

/** How both ends prove themselves; files are PEM. */
export type AuthenticationSpec =
  | { readonly kind: 'psk'; readonly key: string }
  | ({
      readonly kind: 'certificate';
      readonly anchors: readonly string[];
      /** Further ones of ours, for peers that ask for them. */
      readonly others?: readonly CredentialSpec[];
      /** What the peer may sign with. */
      readonly accepted?: readonly SignatureAlgorithm[];
    } & CredentialSpec)
  | { readonly kind: 'public-key'; readonly privateKey: string; readonly peer: string };

export const CONNECTION = 'interop';

/** The connection as the engine takes it. `tunnelId` names its one child. */
export function connectionOf(spec: ConnectionSpec, tunnelId: string): Connection {
  return {
    name: CONNECTION,
    local: { address: parseAddress(spec.local), port: 500 },
    remote:
      spec.remote === undefined
        ? { kind: 'anywhere' }
        : { kind: 'fixed', endpoint: { address: parseAddress(spec.remote), port: 500 } },
    localIdentity: identityOf(spec.localId),
    remoteIdentity: identityOf(spec.remoteId),
    ...authenticationOf(spec.auth),
    proposals: spec.ike.map(parseProposal),
    children: [
      {
        name: tunnelId,
        proposals: spec.esp.map((text) => parseProposal(/-(no)?esn/.test(text) ? text : `${text}-noesn`)),
        local: spec.virtualAddress?.kind === 'client' ? 'virtual' : spec.localTs.map(selectorOf),
        remote: spec.virtualAddress?.kind === 'server' ? 'virtual' : spec.remoteTs.map(selectorOf),
        mode: 'tunnel',
        lifetime: spec.childLifetime ?? 3_600_000,
      },
    ],
    lifetime: spec.ikeLifetime ?? 14_400_000,
    livenessInterval: spec.livenessInterval ?? 30_000,
    fragmentSize: spec.fragmentSize ?? 1200,
    ...(spec.mobike === true ? { mobike: { returnRoutability: 'before' as const } } : {}),
    ...(spec.natTraversal === undefined ? {} : { natTraversal: spec.natTraversal }),
    ...(spec.ppk === undefined ? {} : { ppk: ppkOf(spec.ppk) }),
    ...(spec.childless === undefined ? {} : { childless: spec.childless }),
    ...(spec.virtualAddress === undefined ? {} : { configuration: configurationOf(spec.virtualAddress) }),
  };
}

function configurationOf(spec: VirtualAddressSpec): HostConfiguration {
  if (spec.kind === 'client') return { kind: 'client', families: [4], dns: true };
  const pools = [{ first: parseAddress(spec.first), last: parseAddress(spec.last) }];
  return { kind: 'server', pools, dns: [parseAddress(spec.dns)], domains: [], required: true };
}

function ppkOf({ id, key, required }: PpkSpec): PpkConfiguration {
  return { keys: [{ id: { type: 'fixed', data: Buffer.from(id) }, key: new Secret(Buffer.from(key)) }], required };
}

function authenticationOf(auth: AuthenticationSpec): Pick<Connection, 'localAuthentication' | 'remoteAuthentication'> {
  if (auth.kind === 'psk') {
    const psk = { kind: 'psk', key: new Secret(Buffer.from(auth.key)) } as const;
    return { localAuthentication: psk, remoteAuthentication: psk };
  }
  if (auth.kind === 'public-key') {
    const key = createPrivateKey(auth.privateKey);
    const rawPublicKey = createPublicKey(key).export({ format: 'der', type: 'spki' });
    return {
      localAuthentication: {
        kind: 'signature',
        credentials: [{ name: '0', algorithms: algorithmsOf(key), certificates: [], rawPublicKey }],
      },
      remoteAuthentication: { kind: 'signature', rawPublicKeys: true },
    };
  }
  const anchors = auth.anchors.map((pem) => parseCertificate(derOf(pem)));
  return {
    localAuthentication: {
      kind: 'signature',
      credentials: credentialsOf(auth).map((credential, index) => credentialOf(String(index), credential, anchors)),
    },
    remoteAuthentication: {
      kind: 'signature',
      authorities: anchors.map(authorityHash),
      ...(auth.accepted === undefined ? {} : { algorithms: auth.accepted }),
    },
  };
}

function credentialOf(
  name: string,
  { privateKey, chain, algorithms }: CredentialSpec,
  anchors: readonly Certificate[],
): Credential {
  const certificates = chain.map(derOf);
  return {
    name,
    algorithms: algorithms ?? algorithmsOf(createPrivateKey(privateKey)),
    certificates,
    authorities: authoritiesAbove(certificates, anchors),
  };
}

/** In the order of their names, which are numbers from 0. */
function credentialsOf(auth: Exclude<AuthenticationSpec, { kind: 'psk' }>): readonly CredentialSpec[] {
  if (auth.kind === 'public-key') return [{ privateKey: auth.privateKey, chain: [] }];
  return [auth, ...(auth.others ?? [])];
}

/** What the jobs of the connection are done with. */
export function meansOf(auth: AuthenticationSpec): CredentialMeans {
  return {
    keyOf: (name) => {
      const pem = auth.kind === 'psk' ? undefined : credentialsOf(auth)[Number(name)]?.privateKey;
      return pem === undefined ? undefined : createPrivateKey(pem);
    },
    trustOf: () => trustOf(auth),
    wallClock: () => Date.now(),
  };
}

function trustOf(auth: AuthenticationSpec): PeerTrust | undefined {
  if (auth.kind === 'psk') return undefined;
  if (auth.kind === 'certificate') {
    return { kind: 'certificates', anchors: auth.anchors.map((pem) => parseCertificate(derOf(pem))) };
  }
  return { kind: 'public-keys', keys: [createPublicKey(auth.peer).export({ format: 'der', type: 'spki' })] };
}

function derOf(pem: string): Uint8Array {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
}

/** An address, a mail address, a domain name, or a distinguished name as `der:` and hexadecimal, each as its own ID type. */
export function identityOf(text: string): Identity {
  if (text.startsWith('der:')) return { type: ID_TYPE.DER_ASN1_DN, data: Buffer.from(text.slice(4), 'hex') };
  if (/^[0-9.]+$/.test(text)) return { type: ID_TYPE.IPV4_ADDR, data: parseAddress(text) };
  return { type: text.includes('@') ? ID_TYPE.RFC822_ADDR : ID_TYPE.FQDN, data: Buffer.from(text) };
}

function selectorOf(text: string): WireSelector {
  const { first, last } = parsePrefix(text).range;
  return { type: 'range', protocol: 0, startPort: 0, endPort: 65535, first, last };
}
