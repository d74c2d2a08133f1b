import { beforeAll, describe, expect, it } from 'vitest';
import { KeyUsageFlags, TestCredential } from '../../test/support/test-authority.js';
import { validatePath } from '../ike/credentials/certificate-path.js';
import { chainLink, leadsToOneOf } from './certificate-chain.js';

const names = [{ type: 'url', value: 'spiffe://weft.internal/edge' }] as const;
let root: TestCredential;
let intermediate: TestCredential;
let leaf: TestCredential;

beforeAll(async () => {
  root = await TestCredential.root('CN=Root', { pathLength: 1 });
  intermediate = await root.issue('CN=Intermediate', { pathLength: 0 });
  leaf = await intermediate.issue('CN=edge', { names });
});

/** What the identity says of a chain that leads in order; IKE, which peers look at it with, must say the same. */
async function leads(chain: readonly TestCredential[], roots: readonly TestCredential[]): Promise<boolean> {
  const links = (of: readonly TestCredential[]) => of.map(({ pem }) => chainLink(pem));
  const found = leadsToOneOf(links(roots), links(chain));
  const [first, ...others] = links(chain).map(({ parsed }) => parsed);
  if (first === undefined) return found;
  const anchors = links(roots).map(({ parsed }) => parsed);
  expect((await validatePath(first, others, anchors, Date.now())).ok).toBe(found);
  return found;
}

describe('the chain of an edge', () => {
  it('leads over an intermediate to a root, or to that which is trusted itself', async () => {
    expect(await leads([leaf, intermediate], [root])).toBe(true);
    expect(await leads([leaf, intermediate, root], [root])).toBe(true);
    expect(await leads([leaf, intermediate], [await TestCredential.root('CN=Root'), root])).toBe(true);
    expect(await leads([leaf], [intermediate])).toBe(true);
    expect(await leads([leaf], [leaf])).toBe(true);
  });

  it('does not without the intermediate, under another root, or under none', async () => {
    expect(await leads([leaf], [root])).toBe(false);
    expect(await leads([leaf, intermediate], [await TestCredential.root('CN=Root')])).toBe(false);
    expect(await leads([leaf, intermediate], [])).toBe(false);
  });

  it('does not over a key that has the name alone', async () => {
    const impostor = await TestCredential.root('CN=Intermediate');
    expect(await leads([await impostor.issue('CN=edge', { names }), intermediate], [root])).toBe(false);
  });

  it('does not over an edge, however it came to sign', async () => {
    const end = await root.issue('CN=End', { names });
    expect(await leads([await end.issue('CN=edge', { names }), end], [root])).toBe(false);
    const usage = KeyUsageFlags.digitalSignature;
    const signer = await root.issue('CN=Signer', { pathLength: 0, keyUsage: usage });
    expect(await leads([await signer.issue('CN=edge', { names }), signer], [root])).toBe(false);
  });

  it('has no more authorities than each allows below it', async () => {
    const lower = await intermediate.issue('CN=Lower', { pathLength: 0 });
    expect(await leads([await lower.issue('CN=edge', { names }), lower, intermediate], [root])).toBe(false);
    const wide = await TestCredential.root('CN=Wide', { pathLength: 2 });
    const [middle] = [await wide.issue('CN=Middle', { pathLength: 1 })];
    const low = await middle.issue('CN=Low', { pathLength: 0 });
    expect(await leads([await low.issue('CN=edge', { names }), low, middle], [wide])).toBe(true);
  });

  it('counts no certificate that an authority has issued to itself', async () => {
    const old = await TestCredential.root('CN=Self', { pathLength: 0 });
    const self = await old.issue('CN=Self', { pathLength: 0 });
    expect(await leads([await self.issue('CN=edge', { names }), self], [old])).toBe(true);
  });

  it('is no longer than eight certificates', async () => {
    const first = await TestCredential.root('CN=0');
    const chain: TestCredential[] = [];
    for (let level = 1; level <= 8; level++)
      chain.unshift(await (chain[0] ?? first).issue(`CN=${level}`, { pathLength: null }));
    const under = async (authorities: readonly TestCredential[]) => [
      await authorities[0]!.issue('CN=edge', { names }),
      ...authorities,
    ];
    expect(await leads(await under(chain), [first])).toBe(false);
    expect(await leads(await under(chain.slice(1)), [first])).toBe(true);
  });

  it('of other octets than certificates is refused', () => {
    expect(() => chainLink('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')).toThrow();
  });
});
