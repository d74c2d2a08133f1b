import { beforeAll, describe, expect, it } from 'vitest';
import { ikeBetween } from '../../test/support/ike-between.js';
import { EDGE_ID, TestPki } from '../../test/support/test-pki.js';
import { type Identity, parseIdentity } from '../identity/identity.js';

let here: Identity;
let there: Identity;
let stranger: Identity;
beforeAll(async () => {
  const [pki, foreign] = await Promise.all([TestPki.create(), TestPki.create()]);
  here = await pki.identity('controller:8443');
  there = parseIdentity(await pki.storedIdentity('controller:8443', EDGE_ID.replaceAll('2', '3')));
  stranger = parseIdentity(await foreign.storedIdentity('controller:8443', EDGE_ID.replaceAll('2', '3')));
});

describe('two edges', () => {
  it('of one certificate authority authenticate each other', async () => {
    expect(await ikeBetween(here, there)).toBe('established');
  });

  it('of two certificate authorities do not, whoever begins', async () => {
    expect(await ikeBetween(here, stranger)).toContain('ike-failed');
    expect(await ikeBetween(stranger, here)).toContain('ike-failed');
  });
});
