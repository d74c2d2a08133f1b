import { createPublicKey } from 'node:crypto';
import { type KeyKind, TestCredential } from '@weft/edge-agent/test-authority';
import type { Scenario } from '../scenario.js';
import { OURS, swanctlConf } from './common.js';

/** A root and what it certified, all with keys of one kind. */
interface Pki {
  readonly root: TestCredential;
  readonly intermediate: TestCredential;
  readonly us: TestCredential;
  readonly peer: TestCredential;
}

/** Kind of the keys, what the peer is to use, and what its log calls it. */
const CASES = [
  ['p256', 'pubkey', 'ECDSA_WITH_SHA256_DER'],
  ['p384', 'pubkey', 'ECDSA_WITH_SHA384_DER'],
  ['p521', 'pubkey', 'ECDSA_WITH_SHA512_DER'],
  ['rsa', 'rsa-sha256', 'RSA_EMSA_PKCS1_SHA2_256'],
  ['rsa', 'rsa/pss-sha256', 'RSA_EMSA_PSS_SHA2_256_SALT_32'],
  ['rsa', 'rsa/pss-sha512', 'RSA_EMSA_PSS_SHA2_512_SALT_64'],
  ['ed25519', 'pubkey', 'ED25519'],
] as const;

export async function certificateScenarios(): Promise<readonly Scenario[]> {
  const kinds = [...new Set(CASES.map(([kind]) => kind))];
  const made = new Map(await Promise.all(kinds.map(async (kind) => [kind, await createPki(kind)] as const)));
  const of = (kind: KeyKind) => made.get(kind as (typeof kinds)[number]) ?? notMade(kind);
  return [...CASES.map(([kind, auth, name]) => chain(of(kind), auth, name)), rawKeys(of('ed25519'))];
}

function notMade(kind: string): never {
  throw new Error(`no authority of kind ${kind} was made`);
}

export async function createPki(key: KeyKind): Promise<Pki> {
  const root = await TestCredential.root('CN=Root, O=Weft interop', { key });
  const intermediate = await root.issue('CN=Intermediate, O=Weft interop', { key, pathLength: 0 });
  const leaf = (name: string) => intermediate.issue(`CN=${name}`, { key, names: [{ type: 'dns', value: name }] });
  return { root, intermediate, us: await leaf('us.example'), peer: await leaf('peer.example') };
}

/** Both ends show a leaf and an intermediate; each knows the root only. */
function chain({ root, intermediate, us, peer }: Pki, auth: string, name: string): Scenario {
  return {
    group: 'certificates',
    name: `${name}, leaf under an intermediate under a root`,
    initiators: ['us', 'peer'],
    ours: {
      ...OURS,
      auth: {
        kind: 'certificate',
        privateKey: us.privateKeyPem,
        chain: [us.pem, intermediate.pem],
        anchors: [root.pem],
      },
    },
    theirs: swanctlConf({
      connection: 'send_cert = always',
      local: `auth = ${auth}\n certs = peer.pem\n id = peer.example`,
      remote: 'auth = pubkey\n id = us.example\n cacerts = root.pem',
      secrets: '',
    }),
    files: {
      'x509/peer.pem': peer.pem,
      'private/peer.pem': peer.privateKeyPem,
      'x509ca/root.pem': root.pem,
      'x509ca/intermediate.pem': intermediate.pem,
    },
    expect: 'traffic',
    log: [new RegExp(`'peer.example' \\(myself\\) with ${name} `)],
  };
}

/** Keys that both ends know already; no certificate travels. */
function rawKeys({ us, peer }: Pki): Scenario {
  const publicPem = (credential: TestCredential) =>
    createPublicKey(credential.privateKeyPem).export({ format: 'pem', type: 'spki' }).toString();
  return {
    group: 'certificates',
    name: 'raw public keys that both ends know',
    initiators: ['us', 'peer'],
    ours: { ...OURS, auth: { kind: 'public-key', privateKey: us.privateKeyPem, peer: publicPem(peer) } },
    theirs: swanctlConf({
      connection: 'send_cert = never',
      local: 'auth = pubkey\n pubkeys = peer.pem\n id = peer.example',
      remote: 'auth = pubkey\n pubkeys = us.pem\n id = us.example',
      secrets: '',
    }),
    files: {
      'pubkey/peer.pem': publicPem(peer),
      'pubkey/us.pem': publicPem(us),
      'private/peer.pem': peer.privateKeyPem,
    },
    expect: 'traffic',
  };
}
