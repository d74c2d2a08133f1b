/** A whole controller for tests that need more than one program. */
export { writeAgedAuthority } from './aged-authority.js';
export { writeAuthorityFromBefore } from './authority-from-before.js';
export {
  followForeignAuthority,
  retireCertificateAuthority,
  rotateCertificateAuthority,
  rotateIntermediateAuthority,
} from './certificate-authorities.js';
export { ForeignAuthority } from './foreign-authority.js';
export { OpenIdProvider } from './openid-provider.js';
export { temporaryDirectory } from './temporary-directory.js';
export { TEST_ADMIN_PASSWORD, TestController } from './test-controller.js';
export { TestPostgres } from './test-postgres.js';
