import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AUTHORITY, GATEWAY } from '../../test/certificates.js';
import { familyUnion } from '../address/family.js';
import { parsePrefixText, rangesOfPrefix } from '../address/prefix.js';
import type { BundleKeyExchange, KeyExchangeMethod } from '../bundle.js';
import type { FabricIntent, IntentGateway } from '../intent.js';
import { DEFAULT_IKE, DEFAULT_PROFILE } from '../profile.js';
import { swanctlSnippet } from '../snippet/swanctl-snippet.js';
import { importSwanctl } from './import-swanctl.js';

const KEY = 'correct horse battery staple';

const TEXT = `# A gateway as people write it.
defaults {
  version = 2
  proposals = aes256gcm16-prfsha384-x25519
  dpd_delay = 30s
  local { auth = psk
    id = @gw.partner.example }
}
connections {
  berlin : defaults {
    local_addrs = 203.0.113.99
    remote_addrs = 203.0.113.1, branch.example
    remote {
      auth = psk
      id = fqdn:Berlin.example
    }
    children {
      net {
        local_ts = 10.8.0.0/24, 10.9.0.0-10.9.0.2
        remote_ts = 10.0.0.0/12
        esp_proposals = aes128gcm-ecp256
        updown = /usr/local/bin/notify "the team"
      }
    }
  }
}
secrets {
  ike-berlin {
    id = gw.partner.example
    id-2 = berlin.example
    secret = "${KEY}"
  }
}
`;

describe('the swanctl.conf of a gateway', () => {
  it('becomes an external peer, and what concerns the gateway alone is named', () => {
    expect(importSwanctl(TEXT, intent(), 'berlin')).toEqual({
      ok: true,
      peers: [
        {
          name: 'berlin',
          address: '203.0.113.99',
          port: 4500,
          identity: 'gw.partner.example',
          localIdentity: 'Berlin.example',
          prefixes: ['10.8.0.0/24', '10.9.0.0/31', '10.9.0.2/32'],
          ikeProposals: [{ encryption: 'aes-gcm-16', keyBits: 256, prf: 'hmac-sha2-384', keyExchange: exchange(31) }],
          espProposal: {
            encryption: 'aes-gcm-16',
            keyBits: 128,
            extendedSequenceNumbers: false,
            keyExchange: exchange(19),
          },
          preSharedKey: KEY,
        },
      ],
      leftAtGateway: [
        { key: 'connections.berlin.dpd_delay', line: 5 },
        { key: 'connections.berlin.children.net.updown', line: 22 },
      ],
    });
  });

  it('gives the peer that its snippet was made of, from the other side', () => {
    fc.assert(
      fc.property(PEER, (peer) => {
        const both = {
          ...intent(),
          networks: [...intent().networks, { ...NETWORK, id: '6', prefix: '2001:db8:f000::/48' }],
        };
        const made = swanctlSnippet({ ...both, externalPeers: [peer] }, peer.id);
        if (!made.ok) throw new Error(JSON.stringify(made.problems));
        const { text, secretPlaceholder, fileName } = made.snippet;
        const imported = importSwanctl(text.replaceAll(`"${secretPlaceholder}"`, `"${KEY}"`), both, 'berlin');
        if (!imported.ok) throw new Error(JSON.stringify(imported.problems));
        const [{ prefixes, ...same }, ...others] = imported.peers as [(typeof imported.peers)[0]];
        expect(others).toEqual([]);
        expect(same).toEqual({
          name: fileName.replace('.conf', ''),
          address: peer.address,
          port: peer.port,
          identity: peer.identity,
          localIdentity: peer.localIdentity,
          ikeProposals: peer.ikeProposals,
          espProposal: peer.espProposals[0],
          preSharedKey: KEY,
        });
        // The snippet joins prefixes where it can.
        expect(addresses(prefixes)).toEqual(addresses(peer.prefixes));
      }),
    );
  });

  it.each<[what: string, from: string, to: string, value: object]>([
    ['without an identity is its address', 'id = @gw.partner.example', '', { identity: '203.0.113.99' }],
    ['a key ID', '@gw.partner.example', 'keyid:Gateway-7', { identity: 'keyid:Gateway-7' }],
    ['a key ID in hexadecimal', '@gw.partner.example', '"@#00ff22"', { identity: 'keyid:#00ff22' }],
    ['a port of its own', 'version = 2', 'version = 2\nlocal_port = 4600', { port: 4600 }],
    ['port 500, from which strongSwan moves on', 'version = 2', 'version = 2\nlocal_port = 500', { port: 4500 }],
    ['the address of an edge in a network', '203.0.113.1, branch.example', '203.0.113.0/24', {}],
    ['an edge that may be anywhere', '203.0.113.1, branch.example', '%any', {}],
    ['a key in hexadecimal', `"${KEY}"`, `0x${Buffer.from(KEY).toString('hex')}`, {}],
    ['a key in Base64', `"${KEY}"`, `0s${Buffer.from(KEY).toString('base64')}`, {}],
    ['a key for everybody', 'id = gw.partner.example\n    id-2 = berlin.example', '', {}],
    [
      'a pseudorandom function that goes without saying',
      'prfsha384',
      'sha512',
      { ikeProposals: [expect.objectContaining({ prf: 'hmac-sha2-512' })] },
    ],
    [
      'alternatives in one proposal',
      'prfsha384-x25519',
      'prfsha384-prfsha256-x25519-ecp384-ke1_mlkem768',
      {
        ikeProposals: [
          expect.objectContaining({ prf: 'hmac-sha2-384', keyExchange: exchange(31, 36) }),
          expect.objectContaining({ prf: 'hmac-sha2-384', keyExchange: exchange(20, 36) }),
          expect.objectContaining({ prf: 'hmac-sha2-256', keyExchange: exchange(31, 36) }),
          expect.objectContaining({ prf: 'hmac-sha2-256', keyExchange: exchange(20, 36) }),
        ],
      },
    ],
    [
      'extended sequence numbers and no key exchange',
      'aes128gcm-ecp256',
      'aes192gcm128-esn',
      {
        espProposal: { encryption: 'aes-gcm-16', keyBits: 192, extendedSequenceNumbers: true, keyExchange: undefined },
      },
    ],
  ])('may have %s', (_, from, to, value) => {
    expect(importSwanctl(changed(from, to), intent(), 'berlin')).toMatchObject({
      ok: true,
      peers: [{ preSharedKey: KEY, ...value }],
    });
  });

  const berlin = 'connections.berlin';
  const child = `${berlin}.children.net`;
  it.each<[what: string, from: string, to: string, key: string, rule: string, line: number]>([
    ['IKEv1', 'version = 2', 'version = 1', `${berlin}.version`, 'not_offered', 3],
    ['an unknown key', 'version = 2', 'verzion = 2', `${berlin}.verzion`, 'unknown_key', 3],
    ['a key of every object', 'version = 2', 'constructor = 2', `${berlin}.constructor`, 'unknown_key', 3],
    ['virtual addresses', 'version = 2', 'vips = 0.0.0.0', `${berlin}.vips`, 'not_offered', 3],
    ['CBC', 'aes256gcm16-prfsha384', 'aes256-sha256', `${berlin}.proposals`, 'unmapped_value', 4],
    ['what its release prefers', 'aes256gcm16-prfsha384-x25519', 'default', `${berlin}.proposals`, 'missing_key', 4],
    ['no key exchange', 'prfsha384-x25519', 'prfsha384', `${berlin}.proposals`, 'unmapped_value', 4],
    [
      'a certificate at one end',
      'local { auth = psk',
      'local { auth = pubkey',
      `${berlin}.local.auth`,
      'not_offered',
      6,
    ],
    ['nothing but its name', 'local { auth = psk', 'local {', `${berlin}.local.auth`, 'not_offered', 6],
    ['EAP at one end', 'local { auth = psk', 'local { auth = eap-mschapv2', `${berlin}.local.auth`, 'not_offered', 6],
    ['two rounds', 'defaults {\n', 'defaults {\n  local-2 { auth = psk }\n', `${berlin}.local`, 'not_offered', 7],
    ['a name that only X.500 has', '@gw.partner.example', '"C=CH, CN=gw"', `${berlin}.local.id`, 'unmapped_value', 7],
    ['an identity of the edge left open', 'id = fqdn:Berlin.example', '', `${berlin}.remote.id`, 'missing_key', 13],
    ['no address of its own', 'local_addrs = 203.0.113.99', '', `${berlin}.local_addrs`, 'missing_key', 10],
    ['a name instead of an address', '203.0.113.99', 'gw.example', `${berlin}.local_addrs`, 'unmapped_value', 11],
    ['another edge', '203.0.113.1, b', '203.0.113.2, b', `${berlin}.remote_addrs`, 'other_end', 12],
    ['a port where no edge listens', 'version = 2', 'remote_port = 4700', `${berlin}.remote_port`, 'other_end', 3],
    ['transport mode', 'updown', 'mode = transport\nupdown', `${child}.mode`, 'not_offered', 22],
    ['AH', 'updown', 'ah_proposals = sha256\nupdown', `${child}.ah_proposals`, 'not_offered', 22],
    [
      'several ESP proposals',
      'aes128gcm-ecp256',
      'aes128gcm, aes256gcm',
      `${child}.esp_proposals`,
      'unmapped_value',
      21,
    ],
    [
      'a choice of sequence numbers',
      'aes128gcm-ecp256',
      'aes128gcm-esn-noesn',
      `${child}.esp_proposals`,
      'unmapped_value',
      21,
    ],
    [
      'a second key exchange without a first',
      'gcm-ecp256',
      'gcm-ke1_ecp256',
      `${child}.esp_proposals`,
      'unmapped_value',
      21,
    ],
    ['a port in a selector', '10.8.0.0/24', '10.8.0.0/24[tcp/80]', `${child}.local_ts`, 'unmapped_value', 19],
    ['selectors that move', 'local_ts = 10.8.0.0/24, 10.9.0.0-10.9.0.2', '', `${child}.local_ts`, 'unmapped_value', 18],
    [
      'too many prefixes',
      '10.9.0.0-10.9.0.2',
      '2001:db8::1-2001:db8::1:0:0',
      `${child}.local_ts`,
      'unmapped_value',
      19,
    ],
    ['fewer networks of ours than the site has', '10.0.0.0/12', '10.2.0.0/16', `${child}.remote_ts`, 'other_end', 20],
    [
      'no network in the IP version of ours',
      '10.8.0.0/24, 10.9.0.0-10.9.0.2',
      '2001:db8::/64',
      `${child}.local_ts`,
      'other_end',
      19,
    ],
    ['two Child SAs', 'children {', 'children {\nother { }', `${berlin}.children`, 'not_offered', 17],
    ['a setting outside of all sections', '# A gateway', 'a = b # A gateway', 'a', 'unknown_key', 1],
    ['a section that nothing reads', 'secrets {', 'conections { }\nsecrets {', 'conections', 'unknown_key', 27],
    ['pools', 'secrets {', 'pools { p { } }\nsecrets {', 'pools', 'not_offered', 27],
    ['EAP', 'secrets {', 'secrets {\neap-1 { }', 'secrets.eap-1', 'not_offered', 28],
    ['no key', `secret = "${KEY}"`, '', 'secrets.ike-berlin.secret', 'missing_key', 28],
    ['a key soon guessed', KEY, 'secret', 'secrets.ike-berlin.secret', 'unmapped_value', 31],
    [
      'a key that cannot be typed',
      `"${KEY}"`,
      `0x${'00'.repeat(16)}`,
      'secrets.ike-berlin.secret',
      'unmapped_value',
      31,
    ],
    [
      'a key of somebody else',
      'id = gw.partner.example\n    id-2 = berlin.example',
      'id = other',
      berlin,
      'missing_key',
      10,
    ],
    [
      'a key that no connection uses',
      'secrets {',
      `secrets {\nike-2 { id = x\nsecret = "${KEY}2" }`,
      'secrets.ike-2',
      'unmapped_value',
      28,
    ],
    ['another file', 'secrets {', 'include more.conf\nsecrets {', '', 'settings_include', 27],
  ])('is refused with %s, by name', (_, from, to, key, rule, line) => {
    const imported = importSwanctl(changed(from, to), intent(), 'berlin');
    const problems = imported.ok ? [] : imported.problems;
    expect(problems).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ key, rule, position: expect.objectContaining({ line }), detail: expect.any(String) }),
      ]),
    );
    expect(JSON.stringify(problems)).not.toContain(KEY);
    for (const { detail, fix } of problems) expect([detail, fix]).not.toContain('');
  });

  it('may prove itself with a certificate that comes with it, and believe ours', () => {
    const files = new Map([
      ['other.pem', AUTHORITY],
      ['gw.pem', GATEWAY],
    ]);
    const expected = { identity: 'gw.partner.example', certificates: [GATEWAY] };
    const named = importSwanctl(PINNED, intent(), 'berlin', files);
    expect(named).toMatchObject({ ok: true, peers: [expected] });
    expect(named.ok && named.peers[0]).not.toHaveProperty('preSharedKey');
    expect(named.ok && named.leftAtGateway.map(({ key }) => key)).toEqual([
      'authorities.ours.cacert',
      'authorities.ours.crl_uris',
      'secrets.private-gw.file',
      'secrets.private-gw.secret',
      'connections.berlin.remote.cacerts',
      'connections.berlin.children.net.start_action',
    ]);
    expect(JSON.stringify(named)).not.toContain('hunter2');
    // Without the names of files it is the one that has the identity, and whoever we are may come.
    const found = PINNED.replace('certs = /etc/swanctl/x509/gw.pem\n', '').replace(/id = "CN = EDGE"\n/, '');
    expect(importSwanctl(found, intent(), 'berlin', files)).toMatchObject({ ok: true, peers: [expected] });
  });

  it('gives the peer with certificates that its snippet was made of', () => {
    const identities = [
      'GW.partner.example',
      'gw.partner.EXAMPLE',
      'ops@partner.example',
      '203.0.113.99',
      '2001:db8::9',
    ];
    fc.assert(
      fc.property(PEER, fc.constantFrom(...identities), (some, identity) => {
        const { localIdentity: _, ...rest } = some;
        const authentication = { kind: 'pinned_certificates' as const, certificates: [GATEWAY] };
        const peer = { ...rest, identity, authentication, prefixes: ['10.8.0.0/24'] };
        const made = swanctlSnippet({ ...intent(), externalPeers: [peer] }, peer.id, ['a PEM']);
        if (!made.ok) throw new Error(JSON.stringify(made.problems));
        const imported = importSwanctl(made.snippet.text, intent(), 'berlin', new Map([['any.pem', GATEWAY]]));
        expect(imported).toMatchObject({ ok: true, peers: [{ identity, certificates: [GATEWAY], port: peer.port }] });
      }),
    );
  });

  it.each<[what: string, from: string, to: string, key: string, rule: string]>([
    ['a file that is not there', 'x509/gw.pem', 'x509/gone.pem', 'local.certs', 'missing_key'],
    ['no certificate that names it', 'certs = /etc/swanctl/x509/gw.pem', '', 'local.certs', 'missing_key'],
    ['another name than its certificate has', 'gw.partner.example', 'other.example', 'local.certs', 'unmapped_value'],
    ['a key ID, which no certificate has', 'gw.partner.example', 'keyid:gw', 'local.certs', 'unmapped_value'],
    ['no name', 'id = gw.partner.example', '', 'local.id', 'missing_key'],
    ['another edge than ours', 'CN = EDGE', 'CN=other', 'remote.id', 'other_end'],
    ['the certificate of our edge alone', 'cacerts = weft.pem', 'certs = edge.pem', 'remote.certs', 'not_offered'],
    [
      'revocation that it cannot ask for',
      'cacerts = weft.pem',
      'revocation = strict',
      'remote.revocation',
      'not_offered',
    ],
    ['a key at the other end', 'remote { auth = pubkey', 'remote { auth = psk', 'local.auth', 'not_offered'],
  ])('with certificates is refused with %s, by name', (what, from, to, key, rule) => {
    expect(PINNED).toContain(from);
    const files = new Map([['gw.pem', what.startsWith('no certificate') ? AUTHORITY : GATEWAY]]);
    const imported = importSwanctl(PINNED.replace(from, to), intent(), 'berlin', files);
    expect(imported.ok ? [] : imported.problems).toMatchObject([{ key: `connections.berlin.${key}`, rule }]);
    expect(JSON.stringify(imported)).not.toContain('hunter2');
  });

  it('is refused for a key once, and not for the connection that has no other', () => {
    const imported = importSwanctl(changed(KEY, 'secret'), intent(), 'berlin');
    expect(imported.ok ? [] : imported.problems.map(({ key }) => key)).toEqual(['secrets.ike-berlin.secret']);
  });

  it('may have any key in Base64', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', minLength: 16, maxLength: 256 }), (key) => {
        const text = changed(`"${KEY}"`, `0s${Buffer.from(key, 'ascii').toString('base64')}`);
        expect(importSwanctl(text, intent(), 'berlin')).toMatchObject({ ok: true, peers: [{ preSharedKey: key }] });
      }),
    );
  });

  it('is for a site with one edge, and has a connection', () => {
    const rules = (text: string, siteId: string) => {
      const imported = importSwanctl(text, intent(), siteId);
      return imported.ok ? [] : imported.problems.map(({ rule }) => rule);
    };
    expect(rules(TEXT, 'rome')).toEqual(['other_end']);
    expect(rules('', 'berlin')).toEqual(['no_connections']);
    const many = Array.from({ length: 101 }, (_, number) => `c${number} { }`).join('\n');
    expect(rules(`connections {\n${many}\n}`, 'berlin')).toEqual(['too_many_connections']);
  });

  it('is answered whatever it is, and a key is never in what is said about it', () => {
    const lines = TEXT.split('\n');
    const index = fc.nat({ max: lines.length - 1 });
    fc.assert(
      fc.property(fc.array(fc.tuple(index, index), { minLength: 1, maxLength: 6 }), (moves) => {
        const shuffled = [...lines];
        for (const [from, to] of moves) shuffled.splice(to, 0, ...shuffled.splice(from, 1));
        const imported = importSwanctl(shuffled.join('\n'), intent(), 'berlin');
        if (imported.ok) expect(imported.peers).toMatchObject([{ preSharedKey: KEY }]);
        else expect(JSON.stringify(imported)).not.toContain(KEY);
      }),
      { numRuns: 500 },
    );
  });
});

/** Of a gateway that has a certificate. */
const PINNED = `authorities { ours { cacert = weft.pem
  crl_uris = http://weft.example/crl } }
secrets { private-gw { file = gw.pem
  secret = hunter2 } }
connections {
  berlin {
    version = 2
    proposals = aes256gcm16-prfsha384-x25519
    local_addrs = 203.0.113.99
    local {
      id = gw.partner.example
      certs = /etc/swanctl/x509/gw.pem
    }
    remote { auth = pubkey
      id = "CN = EDGE"
      cacerts = weft.pem }
    children { net {
      local_ts = 10.8.0.0/24
      remote_ts = 10.0.0.0/12
      esp_proposals = aes128gcm-ecp256
      start_action = trap
    } }
  }
}
`;

function changed(from: string, to: string): string {
  expect(TEXT).toContain(from);
  return TEXT.replace(from, () => to);
}

function exchange(method: KeyExchangeMethod, ...additionalMethods: KeyExchangeMethod[]): BundleKeyExchange {
  return { method, additionalMethods };
}

function addresses(prefixes: readonly string[]) {
  const parsed = prefixes.map((text) => parsePrefixText(text));
  return familyUnion(parsed.flatMap((result) => (result.ok ? [rangesOfPrefix(result.prefix)] : [])));
}

function intent(): FabricIntent {
  return {
    tenantId: 'tenant',
    keyingMode: 'ikev2',
    sites: ['berlin', 'rome'].map((id) => ({ id, name: id })),
    networks: [NETWORK],
    edges: [{ id: 'edge', siteId: 'berlin', name: 'berlin', underlayAddress: '203.0.113.1', underlayPort: 4500 }],
    policies: [],
  };
}

const NETWORK = { id: 'b', siteId: 'berlin', name: 'b', prefix: '10.1.0.0/24' };
const METHOD = fc.constantFrom<KeyExchangeMethod>(19, 20, 21, 31, 32, 35, 36, 37);
const EXCHANGE = fc.record({ method: METHOD, additionalMethods: fc.array(METHOD, { maxLength: 7 }) });
const KEY_BITS = fc.constantFrom(128 as const, 192 as const, 256 as const);
const IKE = fc.record({
  encryption: fc.constant('aes-gcm-16' as const),
  keyBits: KEY_BITS,
  prf: fc.constantFrom('hmac-sha2-256' as const, 'hmac-sha2-384' as const, 'hmac-sha2-512' as const),
  keyExchange: EXCHANGE,
});
const ESP = fc.record({
  encryption: fc.constant('aes-gcm-16' as const),
  keyBits: KEY_BITS,
  extendedSequenceNumbers: fc.boolean(),
  keyExchange: fc.option(EXCHANGE, { nil: undefined }),
});
const IDENTITY = fc.constantFrom(
  'gw.partner.example',
  'ops@partner.example',
  '192.0.2.7',
  '2001:db8::7',
  'a',
  'keyid:branch-7',
  'keyid:#00ff22',
);
const PREFIX = fc.oneof(
  fc.tuple(fc.nat({ max: 255 }), fc.nat({ max: 255 })).map(([b, c]) => `10.${b | 16}.${c}.0/24`),
  fc.nat({ max: 15 }).map((nibble) => `2001:db8:${nibble.toString(16)}::/48`),
);
const PEER: fc.Arbitrary<IntentGateway> = fc
  .record({
    name: fc.constantFrom('partner', 'Œuvre } secrets { #', 'include', 'a'.repeat(100)),
    // As port 500 is, strongSwan would move on to 4500.
    port: fc.constantFrom(1, 4500, 4501, 65_535),
    identity: IDENTITY,
    localIdentity: IDENTITY,
    prefixes: fc.uniqueArray(PREFIX, { minLength: 1, maxLength: 20 }),
    ikeProposals: fc.array(IKE, { minLength: 1, maxLength: 8 }),
    esp: ESP,
  })
  .map(({ esp, ...rest }) => ({
    ...rest,
    id: 'partner',
    address: '203.0.113.99',
    authentication: { kind: 'pre_shared_key', commitment: '5a'.repeat(32) },
    admits: [],
    espProposals: [esp],
    gatewaySiteIds: ['berlin'],
    offer: {
      esp: { ...DEFAULT_PROFILE, keyBits: esp.keyBits, extendedSequenceNumbers: esp.extendedSequenceNumbers },
      ike: { ...DEFAULT_IKE, proposals: rest.ikeProposals, childKeyExchange: esp.keyExchange },
    },
  }));
