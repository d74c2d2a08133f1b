import { parseCertificate } from '@weft/edge-agent/ike';
import { type KeyKind, TestCredential } from '@weft/edge-agent/test-authority';
import type { SignatureAlgorithm } from '@weft/ipsec-core/ike';
import type { Conditions, Scenario } from '../scenario.js';
import { OURS, swanctlConf } from './common.js';

/** A root and what it certified, all with keys of one kind. */
export interface Pki {
  readonly root: TestCredential;
  readonly intermediate: TestCredential;
  readonly us: TestCredential;
  readonly peer: TestCredential;
}

interface SignatureCase {
  readonly key: KeyKind;
  readonly ours: SignatureAlgorithm;
  /** What the peer is to use, and what its log calls it. */
  readonly theirs: string;
  readonly name: string;
}

const CASES: readonly SignatureCase[] = [
  { key: 'p256', ours: 'ecdsa-sha2-256', theirs: 'pubkey', name: 'ECDSA_WITH_SHA256_DER' },
  { key: 'p384', ours: 'ecdsa-sha2-384', theirs: 'pubkey', name: 'ECDSA_WITH_SHA384_DER' },
  { key: 'p521', ours: 'ecdsa-sha2-512', theirs: 'pubkey', name: 'ECDSA_WITH_SHA512_DER' },
  { key: 'rsa', ours: 'rsa-pkcs1-sha2-256', theirs: 'rsa-sha256', name: 'RSA_EMSA_PKCS1_SHA2_256' },
  { key: 'rsa', ours: 'rsa-pkcs1-sha2-384', theirs: 'rsa-sha384', name: 'RSA_EMSA_PKCS1_SHA2_384' },
  { key: 'rsa', ours: 'rsa-pkcs1-sha2-512', theirs: 'rsa-sha512', name: 'RSA_EMSA_PKCS1_SHA2_512' },
  { key: 'rsa', ours: 'rsa-pss-sha2-256', theirs: 'rsa/pss-sha256', name: 'RSA_EMSA_PSS_SHA2_256_SALT_32' },
  { key: 'rsa', ours: 'rsa-pss-sha2-384', theirs: 'rsa/pss-sha384', name: 'RSA_EMSA_PSS_SHA2_384_SALT_48' },
  { key: 'rsa', ours: 'rsa-pss-sha2-512', theirs: 'rsa/pss-sha512', name: 'RSA_EMSA_PSS_SHA2_512_SALT_64' },
  { key: 'ed25519', ours: 'ed25519', theirs: 'pubkey', name: 'ED25519' },
  { key: 'ed448', ours: 'ed448', theirs: 'pubkey', name: 'ED448' },
];

/** The methods before RFC 7427, for a peer that does not have it. */
const CLASSIC = [
  ['p256', 'ECDSA-256 signature'],
  ['p384', 'ECDSA-384 signature'],
  ['p521', 'ECDSA-521 signature'],
] as const;

const withoutRfc7427: Conditions = {
  set: ({ charon }) => charon.setting('signature_authentication', 'no'),
  unset: ({ charon }) => charon.setting('signature_authentication', undefined),
};

export async function certificateScenarios(): Promise<readonly Scenario[]> {
  const kinds = [...new Set(CASES.map(({ key }) => key))];
  const made = new Map(await Promise.all(kinds.map(async (kind) => [kind, await createPki(kind)] as const)));
  const of = (kind: KeyKind) => made.get(kind) ?? notMade(kind);
  return [
    ...CASES.map((signature) => chain(of(signature.key), signature)),
    ...CLASSIC.map(([kind, name]) => classic(of(kind), kind, name)),
    weakClassic(of('rsa')),
    askedFor(of('p256'), of('ed25519')),
    distinguishedNames(of('p256')),
    hybrid(of('p256')),
    later(askedFor(of('p256'), of('ed25519'))),
  ];
}

function notMade(kind: string): never {
  throw new Error(`no authority of kind ${kind} was made`);
}

export async function createPki(key: KeyKind): Promise<Pki> {
  const root = await TestCredential.root(`CN=Root ${key}, O=Weft interop`, { key });
  const intermediate = await root.issue(`CN=Intermediate ${key}, O=Weft interop`, { key, pathLength: 0 });
  const leaf = (name: string) => intermediate.issue(`CN=${name}`, { key, names: [{ type: 'dns', value: name }] });
  return { root, intermediate, us: await leaf('us.example'), peer: await leaf('peer.example') };
}

/** Ours and theirs for two ends that show a leaf and an intermediate, and know the root only. */
export function certificateEnds({ root, intermediate, us, peer }: Pki, auth = 'pubkey') {
  return {
    ours: {
      ...OURS,
      auth: {
        kind: 'certificate' as const,
        privateKey: us.privateKeyPem,
        chain: [us.pem, intermediate.pem],
        anchors: [root.pem],
      },
    },
    // Certificates are sent when they are asked for, which is strongSwan's default.
    theirs: swanctlConf({
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
  };
}

function chain(pki: Pki, { key, ours: algorithm, theirs, name }: SignatureCase): Scenario {
  const { ours, ...ends } = certificateEnds(pki, theirs);
  return {
    group: 'certificates',
    name: `${name}, leaf under an intermediate under a root`,
    initiators: ['us', 'peer'],
    ours: { ...ours, auth: { ...ours.auth, algorithms: [algorithm] } },
    ...ends,
    expect: 'traffic',
    log: [
      new RegExp(`received cert request for "CN=Root ${key}, O=Weft interop"`),
      new RegExp(`received issuer cert "CN=Intermediate ${key}, O=Weft interop"`),
      new RegExp(`'peer.example' \\(myself\\) with ${name} `),
      new RegExp(`'us.example' with ${name} successful`),
    ],
  };
}

function classic(pki: Pki, kind: string, name: string): Scenario {
  return {
    group: 'certificates',
    name: `${kind} with a peer that has no RFC 7427`,
    initiators: ['us', 'peer'],
    ...certificateEnds(pki),
    conditions: withoutRfc7427,
    expect: 'traffic',
    log: [
      new RegExp(`'peer.example' \\(myself\\) with ${name} successful`),
      new RegExp(`'us.example' with ${name} successful`),
    ],
  };
}

/** There RSA means SHA-1, which we neither take nor make. */
function weakClassic(pki: Pki): Scenario {
  return {
    group: 'certificates',
    name: 'RSA with a peer that has no RFC 7427, and so SHA-1 only',
    initiators: ['us', 'peer'],
    ...certificateEnds(pki),
    conditions: withoutRfc7427,
    expect: {
      fails: {
        us: { code: 'peer_refused', notify: 'AUTHENTICATION_FAILED', exchange: 'IKE_AUTH' },
        peer: { code: 'authentication_failed', detail: /SHA-1 is too weak/ },
      },
    },
  };
}

/** We have certificates under two roots, and the peer knows the second. */
function askedFor(first: Pki, second: Pki): Scenario {
  const { ours } = certificateEnds(first);
  return {
    group: 'certificates',
    name: 'of two certificates the one that the peer asks for',
    initiators: ['us', 'peer'],
    ours: {
      ...ours,
      auth: {
        ...ours.auth,
        others: [{ privateKey: second.us.privateKeyPem, chain: [second.us.pem, second.intermediate.pem] }],
        anchors: [first.root.pem, second.root.pem],
      },
    },
    theirs: swanctlConf({
      local: 'auth = pubkey\n certs = peer.pem\n id = peer.example',
      remote: 'auth = pubkey\n id = us.example\n cacerts = root.pem',
      secrets: '',
    }),
    files: {
      'x509/peer.pem': second.peer.pem,
      'private/peer.pem': second.peer.privateKeyPem,
      'x509ca/root.pem': second.root.pem,
      'x509ca/intermediate.pem': second.intermediate.pem,
    },
    expect: 'traffic',
    log: [/'us.example' with ED25519 successful/],
  };
}

/** strongSwan is the subject of its certificate when it is told nothing else. */
function distinguishedNames(pki: Pki): Scenario {
  const { ours, files } = certificateEnds(pki);
  const subjectOf = ({ der }: TestCredential) => `der:${Buffer.from(parseCertificate(der).subject).toString('hex')}`;
  return {
    group: 'certificates',
    name: 'distinguished names as identities',
    initiators: ['us', 'peer'],
    ours: { ...ours, localId: subjectOf(pki.us), remoteId: subjectOf(pki.peer) },
    theirs: swanctlConf({
      local: 'auth = pubkey\n certs = peer.pem',
      remote: 'auth = pubkey\n id = "CN=us.example"\n cacerts = root.pem',
      secrets: '',
    }),
    files,
    expect: 'traffic',
    log: [/'CN=us.example' with ECDSA_WITH_SHA256_DER successful/],
  };
}

/** The same with a strongSwan that has IKE_INTERMEDIATE, which is not needed here. */
function later(scenario: Scenario): Scenario {
  return { ...scenario, name: `${scenario.name}, a later strongSwan`, needs: 'ML_KEM_768' };
}

/** Certificates and announcements beside an additional key exchange, with the latest peer that there is. */
function hybrid(pki: Pki): Scenario {
  const suite = 'aes256gcm16-prfsha384-x25519-ke1_mlkem768';
  const { ours } = certificateEnds(pki);
  return {
    group: 'certificates',
    name: 'ECDSA after IKE_INTERMEDIATE with ML-KEM-768',
    initiators: ['us', 'peer'],
    needs: 'ML_KEM_768',
    ...certificateEnds(pki),
    ours: { ...ours, ike: [suite] },
    theirs: swanctlConf({
      local: 'auth = pubkey\n certs = peer.pem\n id = peer.example',
      remote: 'auth = pubkey\n id = us.example\n cacerts = root.pem',
      secrets: '',
      ike: suite,
    }),
    expect: 'traffic',
    log: [/'us.example' with ECDSA_WITH_SHA256_DER successful/],
  };
}
