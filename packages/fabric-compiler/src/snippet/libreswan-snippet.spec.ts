import { describe, expect, it } from 'vitest';
import { AUTHORITY } from '../../test/certificates.js';
import type { BundleKeyExchange, KeyExchangeMethod } from '../bundle.js';
import type { FabricIntent, IntentGateway } from '../intent.js';
import { DEFAULT_IKE, DEFAULT_PROFILE } from '../profile.js';
import { libreswanSnippet } from './libreswan-snippet.js';

describe('what the operator of a gateway configures in Libreswan', () => {
  it('is a connection, and a file with the key', () => {
    expect(libreswanSnippet(intent(), 'partner')).toEqual({
      ok: true,
      snippet: {
        format: 'libreswan',
        fileName: 'weft-partner.conf',
        text: `# Partner: the tunnel with the edge at 203.0.113.1.
# With weft-partner.secrets in /etc/ipsec.d: ipsec auto --rereadsecrets; ipsec auto --add weft-partner
# The edge begins, and rekeys before the lifetimes end that Libreswan has when none are written.
conn weft-partner
	ikev2=yes
	authby=secret
	type=tunnel
	left=203.0.113.99
	leftid="203.0.113.99"
	leftsubnet=10.8.0.0/24
	right=203.0.113.1
	rightid="@berlin.example"
	rightsubnet=10.1.0.0/24
	ike=aes_gcm256-sha2_384-dh31
	esp=aes_gcm256;dh31
	pfs=yes
	esn=no
	auto=add
`,
        secrets: {
          fileName: 'weft-partner.secrets',
          text: '# Write the pre-shared key for PRE-SHARED-KEY; one that has " in it as 0s and its Base64, without quotation marks.\n203.0.113.99 @berlin.example : PSK "PRE-SHARED-KEY"\n',
        },
        secretPlaceholder: 'PRE-SHARED-KEY',
      },
    });
  });

  it('is a connection that names certificates, and those of the authorities for the database', () => {
    const authentication = { kind: 'pinned_certificates', certificates: [AUTHORITY] } as const;
    const { localIdentity: _, ...peer } = intent({ authentication }).externalPeers?.[0] ?? {};
    const described = { ...intent(), externalPeers: [peer as IntentGateway] };
    const result = libreswanSnippet(described, 'partner', ['PEM of one', 'PEM of the next']);
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const { text, ...snippet } = result.snippet;
    expect(snippet).toEqual({
      format: 'libreswan',
      fileName: 'weft-partner.conf',
      certificates: [
        { fileName: 'weft-partner-1.pem', text: 'PEM of one' },
        { fileName: 'weft-partner-2.pem', text: 'PEM of the next' },
      ],
    });
    expect(text.split('\n').filter((line) => /certutil|authby|cert|id=|ca=/.test(line))).toEqual([
      '# The database of NSS (ipsec initnss makes it; before Debian 12 and RHEL 9 it may be in /etc/ipsec.d) needs what signed our certificates:',
      '# certutil -A -d sql:/var/lib/ipsec/nss -n weft-partner-authority-1 -t "CT,," -a -i weft-partner-1.pem',
      '# certutil -A -d sql:/var/lib/ipsec/nss -n weft-partner-authority-2 -t "CT,," -a -i weft-partner-2.pem',
      "# and the gateway's certificate, which names 203.0.113.99, with its key, as weft-partner:",
      '\tauthby=rsasig,ecdsa',
      '\tleftid="203.0.113.99"',
      '\tleftcert=weft-partner',
      '\tleftrsasigkey=%cert',
      '\tleftsendcert=always',
      '\trightid="CN=edge"',
      '\trightrsasigkey=%cert',
      '\trightca=%any',
    ]);
  });

  it.each<[what: string, change: Partial<IntentGateway>, lines: readonly string[]]>([
    ['a mailbox', { identity: 'ops@partner.example' }, ['\tleftid="ops@partner.example"']],
    ['a key ID', { identity: 'keyid:Branch' }, ['\tleftid="@#4272616e6368"']],
    ['a port of its own', { port: 4600 }, ['\tleftikeport=4600']],
    [
      'several networks',
      { prefixes: ['10.8.0.0/24', '10.10.0.0/16'] },
      [
        '# Several networks at an end are one Child SA from Libreswan 5.0 on; earlier ones refuse them.',
        '\tleftsubnet=10.8.0.0/24,10.10.0.0/16',
      ],
    ],
    [
      'several proposals, one of them hybrid',
      offer({ ike: [proposal(128, 'hmac-sha2-512', 19), proposal(192, 'hmac-sha2-256', 31, 36)] }),
      [
        '# Additional key exchanges need a Libreswan that has ML-KEM.',
        '\tike=aes_gcm128-sha2_512-dh19,aes_gcm192-sha2_256-dh31;addke1=ml_kem_768',
        '\tintermediate=yes',
      ],
    ],
    ['no forward secrecy of Child SAs', offer({ child: undefined }), ['\tesp=aes_gcm256', '\tpfs=no']],
    ['extended sequence numbers', offer({ extendedSequenceNumbers: true }), ['\tesn=yes']],
    ['a name that is none of a connection', { name: 'Œuvre\nconn %default' }, ['conn weft-uvre-conn-default']],
  ])('has %s', (_, change, lines) => {
    const result = libreswanSnippet(intent(change), 'partner');
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    expect(result.snippet.text.split('\n')).toEqual(expect.arrayContaining([...lines]));
  });

  it.each<[what: string, change: Partial<IntentGateway>, detail: string]>([
    ['X448', offer({ ike: [proposal(256, 'hmac-sha2-384', 32)] }), 'it has no X448'],
    ['a hybrid Child SA', offer({ child: exchange(31, 36) }), 'it has no additional key exchanges for Child SAs'],
    [
      'a range that is no prefix',
      { prefixes: ['10.8.1.0/24', '10.8.2.0/24'] },
      'adjoining networks form a range that is none',
    ],
  ])('is not there for a tunnel with %s, and says why', (_, change, detail) => {
    const result = libreswanSnippet(intent(change), 'partner');
    expect(result.ok ? [] : result.problems).toEqual([
      expect.objectContaining({
        pointer: '/externalPeers/0',
        rule: 'not_deliverable',
        detail: expect.stringContaining(detail),
      }),
    ]);
  });
});

function proposal(
  keyBits: 128 | 192 | 256,
  prf: 'hmac-sha2-256' | 'hmac-sha2-384' | 'hmac-sha2-512',
  ...methods: [KeyExchangeMethod, ...KeyExchangeMethod[]]
) {
  return { encryption: 'aes-gcm-16', keyBits, prf, keyExchange: exchange(...methods) } as const;
}

function exchange(method: KeyExchangeMethod, ...additionalMethods: KeyExchangeMethod[]): BundleKeyExchange {
  return { method, additionalMethods };
}

/** What both ends use. */
function offer(change: {
  readonly ike?: IntentGateway['ikeProposals'];
  readonly child?: BundleKeyExchange | undefined;
  readonly extendedSequenceNumbers?: boolean;
}): Partial<IntentGateway> {
  const { ike = [proposal(256, 'hmac-sha2-384', 31)], extendedSequenceNumbers = false } = change;
  const keyExchange = 'child' in change ? change.child : exchange(31);
  return {
    ikeProposals: ike,
    espProposals: [{ encryption: 'aes-gcm-16', keyBits: 256, extendedSequenceNumbers, keyExchange }],
    offer: {
      esp: { ...DEFAULT_PROFILE, extendedSequenceNumbers },
      ike: { ...DEFAULT_IKE, proposals: ike, childKeyExchange: keyExchange },
    },
  };
}

function intent(change: Partial<IntentGateway> = {}): FabricIntent {
  const peer = {
    id: 'partner',
    name: 'Partner',
    address: '203.0.113.99',
    port: 4500,
    identity: '203.0.113.99',
    localIdentity: 'berlin.example',
    authentication: { kind: 'pre_shared_key', commitment: '5a'.repeat(32) },
    prefixes: ['10.8.0.0/24'],
    admits: [],
    gatewaySiteIds: ['berlin'],
    ...offer({}),
    ...change,
  } as IntentGateway;
  return {
    tenantId: 'tenant',
    keyingMode: 'ikev2',
    sites: [{ id: 'berlin', name: 'berlin' }],
    networks: [{ id: 'b', siteId: 'berlin', name: 'b', prefix: '10.1.0.0/24' }],
    edges: [{ id: 'edge', siteId: 'berlin', name: 'berlin', underlayAddress: '203.0.113.1', underlayPort: 4500 }],
    policies: [],
    externalPeers: [peer],
  };
}
