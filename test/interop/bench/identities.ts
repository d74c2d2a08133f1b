import { TestCredential } from '@weft/edge-agent/test-authority';
import { Secret } from '@weft/ipsec-core';
import { type Connection, ID_TYPE, type LocalAuthentication, type RemoteAuthentication } from '@weft/ipsec-core/ike';
import { parseProposal } from '../edge/proposal.js';

/** A pair of ends that know each other; PEM, and empty with a pre-shared key. */
export interface BenchIdentity {
  readonly name: string;
  readonly anchor: string;
  readonly initiator: { readonly certificate: string; readonly privateKey: string };
  readonly responder: { readonly certificate: string; readonly privateKey: string };
}

export const RESPONDER = 'peer.example';
export const BENCH_KEY = 'correct horse battery staple';

/** So many initiators and one responder, with certificates of ECDSA P-256 or with one pre-shared key. */
export async function makeIdentities(count: number, kind: 'psk' | 'certificate'): Promise<readonly BenchIdentity[]> {
  const names = Array.from({ length: count }, (_, index) => `edge-${index}.example`);
  const none = { certificate: '', privateKey: '' };
  if (kind === 'psk') return names.map((name) => ({ name, anchor: '', initiator: none, responder: none }));
  const root = await TestCredential.root('CN=Root, O=Weft bench');
  const issue = async (name: string) => {
    const { pem, privateKeyPem } = await root.issue(`CN=${name}`, { names: [{ type: 'dns', value: name }] });
    return { certificate: pem, privateKey: privateKeyPem };
  };
  const responder = await issue(RESPONDER);
  return Promise.all(names.map(async (name) => ({ name, anchor: root.pem, initiator: await issue(name), responder })));
}

/** One end's connection for an identity. */
export function benchConnection(
  identity: BenchIdentity,
  role: 'initiator' | 'responder',
  { local, remote }: { readonly local: Uint8Array; readonly remote: Uint8Array },
  suite: string,
): Connection {
  const initiates = role === 'initiator';
  const id = (name: string) => ({ type: ID_TYPE.FQDN, data: Buffer.from(name) });
  const [own, other] = initiates ? [identity.name, RESPONDER] : [RESPONDER, identity.name];
  const inner = (third: number) => {
    const range = { first: Uint8Array.of(10, third, 0, 0), last: Uint8Array.of(10, third, 0, 255) };
    return { type: 'range', protocol: 0, startPort: 0, endPort: 65535, ...range } as const;
  };
  return {
    name: identity.name,
    local: { address: local, port: 500 },
    remote: { kind: 'fixed', endpoint: { address: remote, port: 500 } },
    localIdentity: id(own),
    remoteIdentity: id(other),
    ...authentication(identity, role),
    proposals: [parseProposal(suite)],
    children: [
      {
        name: identity.name,
        proposals: [parseProposal('aes128gcm16-noesn')],
        local: [inner(initiates ? 1 : 2)],
        remote: [inner(initiates ? 2 : 1)],
        mode: 'tunnel',
        lifetime: 86_400_000,
      },
    ],
    lifetime: 86_400_000,
    livenessInterval: 86_400_000,
    fragmentSize: 1400,
  };
}

/** All keys here are of P-256. */
const ALGORITHMS = ['ecdsa-sha2-256'] as const;

export function derOf(pem: string): Uint8Array {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
}

function authentication(
  identity: BenchIdentity,
  role: 'initiator' | 'responder',
): { localAuthentication: LocalAuthentication; remoteAuthentication: RemoteAuthentication } {
  if (identity.anchor === '') {
    const psk = { kind: 'psk', key: new Secret(Buffer.from(BENCH_KEY)) } as const;
    return { localAuthentication: psk, remoteAuthentication: psk };
  }
  const { certificate } = identity[role];
  return {
    localAuthentication: {
      kind: 'signature',
      credentials: [{ name: identity.name, algorithms: ALGORITHMS, certificates: [derOf(certificate)] }],
    },
    remoteAuthentication: { kind: 'signature' },
  };
}
