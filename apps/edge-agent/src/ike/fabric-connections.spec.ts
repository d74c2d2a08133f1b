import { createPrivateKey, X509Certificate } from 'node:crypto';
import { Encapsulation, EncryptionAlgorithm } from '@weft/contracts/southbound';
import { parseAddress } from '@weft/ipsec-core';
import { ENCR, ID_TYPE, INTEG, KE, PRF, SN, TRANSFORM_TYPE, type Transform, transform } from '@weft/ipsec-core/ike';
import { describe, expect, it } from 'vitest';
import { certificateBundle, externalBundle, PRE_SHARED_KEY } from '../../test/support/external-bundle.js';
import { placedTunnels } from '../../test/support/placed-tunnels.js';
import {
  ASSIGNED,
  certificateHostBundle,
  NAME_SERVERS,
  remoteHostBundle,
} from '../../test/support/remote-host-bundle.js';
import { PEER_ID, TUNNEL_ID, testBundle } from '../../test/support/test-bundle.js';
import { EDGE_ID, TENANT_ID, TestPki } from '../../test/support/test-pki.js';
import { type BundleContent, parseBundle } from '../control/bundle/parse-bundle.js';
import type { TunnelKeying, VerifiedBundle } from '../control/bundle/verified-bundle.js';
import { createCertificateRequest } from '../identity/key-pair.js';
import { authorityHash } from './credentials/authority.js';
import { parseCertificate } from './credentials/certificate.js';
import { isNamed } from './credentials/identity-match.js';
import { algorithmsOf } from './credentials/signature.js';
import { type EdgeCredentials, edgeIdentity, fabricConnections } from './fabric-connections.js';

const CREDENTIALS: EdgeCredentials = {
  tenantId: TENANT_ID,
  edgeId: EDGE_ID,
  credential: { name: 'key', algorithms: ['ecdsa-sha2-256'], certificates: [Uint8Array.of(1)] },
  subject: Uint8Array.of(0x30, 0),
  authorities: [new Uint8Array(20).fill(7)],
};
const KEYING: Extract<TunnelKeying, { readonly mode: 'ikev2' }> = {
  mode: 'ikev2',
  negotiation: {
    proposals: [
      {
        suite: 'aes-gcm-16',
        keyBits: 256,
        prf: PRF.HMAC_SHA2_384,
        keyExchange: { method: KE.CURVE25519, additional: [KE.ML_KEM_768] },
      },
    ],
    childKeyExchange: { method: KE.CURVE25519, additional: [KE.ML_KEM_768] },
    ikeLifetime: 14_400_000,
    childLifetime: 3_600_000,
    livenessInterval: 10_000,
    start: { kind: 'at_once' },
    revokedSerials: new Set(),
  },
};

function bundle(keying: TunnelKeying, encapsulation?: Encapsulation): VerifiedBundle {
  const message = testBundle();
  for (const { profile } of message.tunnels) if (profile && encapsulation) profile.encapsulation = encapsulation;
  const content = parseBundle(message);
  const tunnels = new Map([...placedTunnels(content)].map(([id, tunnel]) => [id, { ...tunnel, keying }]));
  return { epoch: 1n, generation: 1n, revision: 1n, contentHash: '00', ...content, tunnels };
}

function hosts(content: BundleContent): VerifiedBundle {
  return { epoch: 1n, generation: 1n, revision: 1n, contentHash: '00', ...content };
}

describe('Connections of a bundle', () => {
  it('claim a NAT where ESP is to travel in UDP whatever the path, and look for one where it is not', () => {
    expect(fabricConnections(bundle(KEYING), CREDENTIALS)[0]?.natTraversal).toBe('forced');
    const none = bundle(KEYING, Encapsulation.ENCAPSULATION_NONE);
    expect(fabricConnections(none, CREDENTIALS)[0]?.natTraversal).toBe('detected');
  });

  it('offer ChaCha20-Poly1305 without a key length, of which it has one only, where the profile says it', () => {
    const message = testBundle();
    for (const { profile } of message.tunnels) {
      if (profile) profile.encryption = EncryptionAlgorithm.ENCRYPTION_ALGORITHM_CHACHA20_POLY1305;
    }
    const negotiation = {
      ...KEYING.negotiation,
      proposals: KEYING.negotiation.proposals.map((one) => ({ ...one, suite: 'chacha20-poly1305' as const })),
    };
    const { tunnels, ...content } = parseBundle(message);
    const keyed = new Map(
      [...placedTunnels({ tunnels })].map(([id, tunnel]) => [id, { ...tunnel, keying: { ...KEYING, negotiation } }]),
    );
    const about = { epoch: 1n, generation: 1n, revision: 1n, contentHash: '00' };
    const [connection] = fabricConnections({ ...about, ...content, tunnels: keyed }, CREDENTIALS);
    const chacha = transform(TRANSFORM_TYPE.ENCR, ENCR.CHACHA20_POLY1305);
    const encryption = (transforms: readonly Transform[] = []) =>
      transforms.filter(({ type }) => type === TRANSFORM_TYPE.ENCR);
    expect(encryption(connection?.proposals[0])).toEqual([chacha]);
    expect(encryption(connection?.children[0]?.proposals[0])).toEqual([chacha]);
    expect(chacha.keyLength).toBeUndefined();
  });

  it('offer AH with its integrity algorithm and nothing that encrypts, and take no NAT', () => {
    const [tunnel] = placedTunnels(bundle(KEYING)).values();
    if (tunnel === undefined) throw new Error('the test bundle has a tunnel');
    const profile = {
      protocol: 'ah',
      mode: 'tunnel',
      integrity: 'hmac-sha2-256-128',
      replayWindow: 1024,
      extendedSequenceNumbers: true,
    } as const;
    const withAh = { ...bundle(KEYING), tunnels: new Map([[TUNNEL_ID, { ...tunnel, profile }]]) };
    const [connection] = fabricConnections(withAh, CREDENTIALS);
    expect(connection).toMatchObject({ natTraversal: 'prohibited', children: [{ protocol: 'ah', mode: 'tunnel' }] });
    const transforms = connection?.children[0]?.proposals[0] ?? [];
    expect(transforms).toContainEqual(transform(TRANSFORM_TYPE.INTEG, INTEG.HMAC_SHA2_256_128));
    expect(transforms).toContainEqual(transform(TRANSFORM_TYPE.SN, SN.ESN));
    // "Encryption Algorithm … used in … ESP": with it no proposal of AH would be accepted (RFC 7296 section 3.3.3).
    expect(transforms.filter(({ type }) => type === TRANSFORM_TYPE.ENCR)).toEqual([]);
  });

  it.each([
    ['esp', { protocol: 'esp', suite: 'aes-gcm-16', keyBits: 256, encapsulation: 'none' }],
    ['ah', { protocol: 'ah', integrity: 'hmac-sha2-256-128' }],
  ] as const)(
    'in transport mode admit the two hosts, are refused in any other, look for a NAT and do not move: %s',
    (_, form) => {
      const [tunnel] = placedTunnels(bundle(KEYING)).values();
      if (tunnel === undefined) throw new Error('the test bundle has a tunnel');
      const profile = { ...form, mode: 'transport', replayWindow: 1024, extendedSequenceNumbers: true } as const;
      const [connection] = fabricConnections(
        { ...bundle(KEYING), tunnels: new Map([[TUNNEL_ID, { ...tunnel, profile }]]) },
        CREDENTIALS,
      );
      const only = (...octets: number[]) => [
        {
          type: 'range',
          protocol: 0,
          startPort: 0,
          endPort: 0xffff,
          first: Uint8Array.from(octets),
          last: Uint8Array.from(octets),
        },
      ];
      expect(connection).toMatchObject({ natTraversal: 'detected' });
      expect(connection).not.toHaveProperty('mobike');
      expect(connection?.children).toMatchObject([
        { mode: 'transport', transportRequired: true, local: only(192, 0, 2, 1), remote: only(198, 51, 100, 1) },
      ]);
      // The engine knows that what moves cannot be in transport mode, and does not take such a connection.
      expect(fabricConnections(bundle(KEYING), CREDENTIALS)[0]).toMatchObject({
        mobike: {},
        children: [{ mode: 'tunnel' }],
      });
    },
  );

  it('are one per tunnel that the edges key themselves', () => {
    expect(fabricConnections(bundle({ mode: 'ike-less' }), CREDENTIALS)).toEqual([]);
    const [connection, ...others] = fabricConnections(bundle(KEYING), CREDENTIALS);
    expect(others).toEqual([]);
    const hybrid = [transform(TRANSFORM_TYPE.KE, KE.CURVE25519), transform(TRANSFORM_TYPE.ADDKE1, KE.ML_KEM_768)];
    expect(connection).toMatchObject({
      name: TUNNEL_ID,
      local: { address: Uint8Array.of(192, 0, 2, 1), port: 4500 },
      remote: { kind: 'roaming', endpoint: { address: Uint8Array.of(198, 51, 100, 1), port: 4500 } },
      localIdentity: edgeIdentity(TENANT_ID, EDGE_ID),
      remoteIdentity: edgeIdentity(TENANT_ID, PEER_ID),
      localAuthentication: { kind: 'signature', credentials: [CREDENTIALS.credential] },
      remoteAuthentication: {
        kind: 'signature',
        authorities: CREDENTIALS.authorities,
        algorithms: ['ecdsa-sha2-256', 'ecdsa-sha2-384', 'ecdsa-sha2-512', 'ed25519'],
      },
      proposals: [
        [
          transform(TRANSFORM_TYPE.ENCR, ENCR.AES_GCM_16, 256),
          transform(TRANSFORM_TYPE.PRF, PRF.HMAC_SHA2_384),
          ...hybrid,
        ],
      ],
      children: [
        {
          name: TUNNEL_ID,
          proposals: [
            [transform(TRANSFORM_TYPE.ENCR, ENCR.AES_GCM_16, 256), transform(TRANSFORM_TYPE.SN, SN.ESN), ...hybrid],
          ],
        },
      ],
    });
  });

  it('with a gateway that is no edge have its key, its address and the networks that both were told, and nothing else', () => {
    const content = parseBundle(externalBundle(), [PRE_SHARED_KEY]);
    const [connection] = fabricConnections(
      { epoch: 1n, generation: 1n, revision: 1n, contentHash: '00', ...content },
      CREDENTIALS,
    );
    const [child, ...others] = connection?.children ?? [];
    expect(others).toEqual([]);
    expect(connection).toMatchObject({
      remote: { kind: 'fixed', endpoint: { address: Uint8Array.of(198, 51, 100, 1), port: 4500 } },
      localIdentity: { type: ID_TYPE.FQDN },
      remoteIdentity: { type: ID_TYPE.IPV4_ADDR },
      localAuthentication: { kind: 'psk' },
      remoteAuthentication: { kind: 'psk' },
      natTraversal: 'forced',
    });
    expect(child?.local).toMatchObject([{ first: Uint8Array.of(10, 1, 0, 0), last: Uint8Array.of(10, 1, 0, 255) }]);
    expect(child?.remote).toHaveLength(2);
    expect(child?.nonFirstFragmentsAlso).toBe(false);
  });

  it('with a gateway that has a certificate show the subject of ours, and ask for one of what is pinned for it alone', async () => {
    const { root: authority } = await TestPki.create();
    const root = Buffer.from(new X509Certificate(authority.pem).raw);
    const content = parseBundle(certificateBundle([root]), []);
    const [connection] = fabricConnections(
      { epoch: 1n, generation: 1n, revision: 1n, contentHash: '00', ...content },
      CREDENTIALS,
    );
    expect(connection).toMatchObject({
      localIdentity: { type: ID_TYPE.DER_ASN1_DN, data: CREDENTIALS.subject },
      localAuthentication: { kind: 'signature', credentials: [CREDENTIALS.credential] },
      remoteAuthentication: { kind: 'signature', authorities: [authorityHash(parseCertificate(root))] },
    });
  });

  it('with a host wait for it anywhere, assign it its addresses and nothing else, and let it move', () => {
    const [connection] = fabricConnections(hosts(parseBundle(remoteHostBundle(), [PRE_SHARED_KEY])), CREDENTIALS);
    expect(connection).toMatchObject({
      remote: { kind: 'anywhere' },
      remoteIdentity: { type: ID_TYPE.FQDN, data: Uint8Array.from(Buffer.from('notebook.example')) },
      remoteAuthentication: { kind: 'psk' },
      configuration: {
        kind: 'server',
        pools: [],
        fixed: ASSIGNED.map(parseAddress),
        dns: NAME_SERVERS.map(parseAddress),
        domains: ['corp.example'],
        required: true,
      },
      mobike: { returnRoutability: 'before' },
      uniqueness: 'replace',
      natTraversal: 'forced',
      children: [
        {
          mode: 'tunnel',
          remote: 'virtual',
          local: [{ first: Uint8Array.of(10, 1, 0, 0) }, { first: parseAddress('2001:db8:1::') }],
        },
      ],
    });
    expect(connection).not.toHaveProperty('remoteAuthentication.anySourceAddress');
  });

  it('with a host that has a certificate take it from whatever address, also where that is its name', async () => {
    const { root: authority } = await TestPki.create();
    const root = Buffer.from(new X509Certificate(authority.pem).raw);
    const [connection] = fabricConnections(hosts(parseBundle(certificateHostBundle([root]), [])), CREDENTIALS);
    expect(connection).toMatchObject({
      localIdentity: { type: ID_TYPE.DER_ASN1_DN, data: CREDENTIALS.subject },
      remoteAuthentication: {
        kind: 'signature',
        authorities: [authorityHash(parseCertificate(root))],
        anySourceAddress: true,
      },
    });
  });

  it.each([
    [undefined, 'forced'],
    [Encapsulation.ENCAPSULATION_NONE, 'detected'],
  ] as const)('with hosts claim a NAT where all that may come from anywhere do: %s, %s', (encapsulation, policy) => {
    const content = parseBundle(remoteHostBundle(), [PRE_SHARED_KEY]);
    const between = [...bundle(KEYING, encapsulation).tunnels.values()].map(
      (tunnel) => [PEER_ID, { ...tunnel, tunnelId: PEER_ID }] as const,
    );
    const mixed = hosts({ ...content, tunnels: new Map([...content.tunnels, ...between]) });
    expect(fabricConnections(mixed, CREDENTIALS).map(({ natTraversal }) => natTraversal)).toEqual([policy, policy]);
  });

  it('take from peers what an edge can sign with: its own key, made as every edge makes it', async () => {
    const { privateKeyPem } = await createCertificateRequest('edge');
    const [connection] = fabricConnections(bundle(KEYING), CREDENTIALS);
    const accepted =
      connection?.remoteAuthentication.kind === 'signature' ? connection.remoteAuthentication.algorithms : [];
    expect(accepted).toContain(algorithmsOf(createPrivateKey(privateKeyPem))[0]);
  });

  it('name edges as their certificates do', async () => {
    const pki = await TestPki.create();
    const { certificateChain } = await pki.identity('127.0.0.1:1');
    const certificate = parseCertificate(new X509Certificate(certificateChain[0] ?? '').raw);
    expect(edgeIdentity(TENANT_ID, EDGE_ID).type).toBe(ID_TYPE.DER_ASN1_GN);
    expect(isNamed(certificate, edgeIdentity(TENANT_ID, EDGE_ID))).toBe(true);
    expect(isNamed(certificate, edgeIdentity(TENANT_ID, PEER_ID))).toBe(false);
    expect(isNamed(certificate, edgeIdentity(PEER_ID, EDGE_ID))).toBe(false);
  });
});
