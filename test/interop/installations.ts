import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Which strongSwan: the machine's own, or packages unpacked in a folder. */
export type Installation = { readonly kind: 'system' } | { readonly kind: 'folder'; readonly root: string };

/** Those that can be tested with, in this order: the distribution's, and a later one. */
export function installations(): readonly Installation[] {
  const later = laterInstallation();
  return [...ofTheDistribution(), ...(later === undefined ? [] : [later])];
}

/** Packages of a later release, with the libraries that they need: those that WEFT_STRONGSWAN names, or what was unpacked for this checkout. */
export function laterInstallation(): Installation | undefined {
  const named = process.env['WEFT_STRONGSWAN'];
  if (named !== undefined) return { kind: 'folder', root: named };
  return existsSync(`${LATER}/usr/lib/ipsec/charon`) ? { kind: 'folder', root: LATER } : undefined;
}

/** The multiarch folder of libraries among what was unpacked, and the dynamic linker there, if they came along. */
export function unpackedLibraries(root: string): { readonly folder: string; readonly linker: string | undefined } {
  const triplet = readdirSync(`${root}/usr/lib`).find((name) => name.includes('-linux-gnu')) ?? '';
  const folder = `${root}/usr/lib/${triplet}`;
  const linker = existsSync(folder) ? readdirSync(folder).find((name) => name.startsWith('ld-linux')) : undefined;
  return { folder, linker: linker === undefined ? undefined : `${folder}/${linker}` };
}

/** What was unpacked for this checkout goes before what is installed: AppArmor keeps that from reading our configuration. */
function ofTheDistribution(): readonly Installation[] {
  if (existsSync(`${UNPACKED}/usr/lib/ipsec/charon`)) return [{ kind: 'folder', root: UNPACKED }];
  const installed = existsSync('/usr/lib/ipsec/charon') && existsSync('/usr/sbin/swanctl');
  return installed && !isConfined() ? [{ kind: 'system' }] : [];
}

function isConfined(): boolean {
  const profiles = '/sys/kernel/security/apparmor/profiles';
  return existsSync(profiles) && readFileSync(profiles, 'utf8').includes('/usr/lib/ipsec/charon');
}

/** As tools/setup/test-peers.mjs has them. */
const UNPACKED = fileURLToPath(new URL('../../.weft/strongswan', import.meta.url));
const LATER = fileURLToPath(new URL('../../.weft/strongswan-later', import.meta.url));
