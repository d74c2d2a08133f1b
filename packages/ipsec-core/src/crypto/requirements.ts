import { SecurityAssociationError } from '../errors.js';
import type { CryptoProvider } from './provider.js';
import { FORBIDDEN } from './suites.js';

/** Names come from configuration, so the type alone does not make them sound: this says why one is not. */
export function requireKnown(name: string, known: Readonly<Record<string, unknown>>): void {
  if (Object.hasOwn(known, name)) return;
  if (name === 'none') {
    throw new SecurityAssociationError(
      'INTEGRITY_REQUIRED',
      'No integrity is refused (RFC 8221 section 4): add an integrity algorithm.',
    );
  }
  const why = Object.hasOwn(FORBIDDEN, name) ? FORBIDDEN[name] : undefined;
  if (why !== undefined) throw new SecurityAssociationError('ALGORITHM_FORBIDDEN', `${why}: choose another.`);
  const names = Object.keys(known).join(', ');
  throw new SecurityAssociationError('ALGORITHM_UNKNOWN', `"${name}" is not known: choose one of ${names}.`);
}

/** Asking a provider for what it does not list is an error when the association is made, not with the first packet. */
export function requireOffered(provider: CryptoProvider, offered: readonly string[], algorithm: string): void {
  if (offered.includes(algorithm)) return;
  throw new SecurityAssociationError(
    'ALGORITHM_NOT_OFFERED',
    `The crypto provider "${provider.name}" does not offer ${algorithm}: choose another suite or provider.`,
  );
}
