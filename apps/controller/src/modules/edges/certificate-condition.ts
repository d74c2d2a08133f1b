import type { CertificateCondition } from './edge.dto.js';

/** From when to when a certificate is valid. */
export interface CertificateLife {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** How the certificate of an edge stands. An edge renews at two thirds of its life, so at five sixths something is wrong. */
export function certificateCondition(life: CertificateLife | undefined, now: Date): CertificateCondition {
  if (life === undefined) return 'none';
  const left = life.notAfter.getTime() - now.getTime();
  if (left <= 0) return 'expired';
  return left * 6 <= life.notAfter.getTime() - life.notBefore.getTime() ? 'expiring' : 'valid';
}
