import type { KeyObject } from 'node:crypto';
import { createNewWithOld, pathLengthOf } from './certificate-factory.js';
import type { KeyAndCertificate } from './identity-file.js';
import type { IssuedAuthority } from './issued-authority.js';
import { PkiError } from './pki-error.js';
import { type RootAuthority, rootKeyOf } from './root-authority.js';

/** The key of the root is kept elsewhere from now on; the intermediate issues as before. Throws PkiError 'path_length'. */
export function withoutRootKey(root: RootAuthority): RootAuthority {
  if (root.intermediate === undefined) {
    throw new PkiError(
      'path_length',
      'the root issues itself, and its key is needed every day: run --rotate-certificate-authority and --retire-certificate-authority first, which make an intermediate',
    );
  }
  return { ...root, privateKey: undefined };
}

/** The key of the root is back. Throws PkiError 'other_root'. */
export function withRootKey(root: RootAuthority, { privateKey, certificate }: KeyAndCertificate): RootAuthority {
  if (!certificate.raw.equals(root.certificate.raw)) {
    throw new PkiError('other_root', 'the file holds the key of another root certificate than the one that is trusted');
  }
  return { ...root, privateKey };
}

/**
 * What somebody has issued for our key issues from now on. Under the present root that is another intermediate; under another one
 * it is another certificate authority, which those who trust the present one alone believe by a certificate of the present one for
 * it. Throws PkiError 'rotation_underway', 'path_length', 'root_key_elsewhere'.
 */
export async function withIssued(
  present: RootAuthority,
  privateKey: KeyObject,
  issued: IssuedAuthority,
  now: Date,
): Promise<RootAuthority> {
  const { certificate, above, root } = issued;
  const intermediate = { privateKey, certificate, above };
  if (root.raw.equals(present.certificate.raw)) {
    const between = above.length + 1;
    const { previous } = present;
    requireRoom(previous ? [previous.newWithOld, previous.oldWithOld] : [], between);
    return { ...present, intermediate };
  }
  if (present.previous !== undefined) {
    throw new PkiError(
      'rotation_underway',
      'the certificate authority before has not been retired yet; run --retire-certificate-authority first',
    );
  }
  // The other root is one more below ours, unless it has its name.
  const between = above.length + (root.subject === present.certificate.subject ? 1 : 2);
  requireRoom([present.certificate], between);
  const newWithOld = issued.newWithOld ?? (await createNewWithOld(rootKeyOf(present), root, now));
  return {
    privateKey: undefined,
    certificate: root,
    trustVersion: present.trustVersion + 1,
    previous: { newWithOld, oldWithOld: present.certificate },
    intermediate,
  };
}

function requireRoom(authorities: readonly Parameters<typeof pathLengthOf>[0][], between: number): void {
  const narrow = authorities.find((certificate) => pathLengthOf(certificate) < between);
  if (narrow === undefined) return;
  throw new PkiError(
    'path_length',
    `${narrow.subject} is trusted and allows ${pathLengthOf(narrow)} authorities below it, and there would be ${between}: make another certificate authority with --rotate-certificate-authority, and retire this one first`,
  );
}
