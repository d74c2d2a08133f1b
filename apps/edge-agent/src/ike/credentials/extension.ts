import { boolean, DerError, DerReader, objectIdentifier, TAG } from './der.js';

/** One extension of a certificate, a revocation list or an entry of one (RFC 5280 section 4.2). */
export interface Extension {
  readonly id: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** The content of the field that holds them: `SEQUENCE SIZE (1..MAX) OF Extension`. Throws DerError. */
export function parseExtensions(content: Uint8Array): readonly Extension[] {
  const outer = new DerReader(content);
  const list = outer.enter(TAG.SEQUENCE);
  outer.finish();
  const seen = new Set<string>();
  const extensions: Extension[] = [];
  while (!list.done) {
    const extension = list.enter(TAG.SEQUENCE);
    const id = objectIdentifier(extension.read(TAG.OBJECT_IDENTIFIER).content);
    const critical = boolean(extension.optional(TAG.BOOLEAN)?.content ?? FALSE);
    const value = extension.read(TAG.OCTET_STRING).content;
    extension.finish();
    // "A certificate MUST NOT include more than one instance of a particular extension" (section 4.2).
    if (seen.has(id)) throw new DerError(`extension ${id} twice`);
    seen.add(id);
    extensions.push({ id, critical, value });
  }
  return extensions;
}

const FALSE = Uint8Array.of(0);
