// strongSwan, which the engine's IKEv2 is tested with: Debian's packages, unpacked for this checkout and not installed.
// Installed, they would start an IKE daemon on the machine's own addresses, and come with an AppArmor profile that keeps
// the daemon from everything but its own folders.
import fs from 'node:fs';
import path from 'node:path';
import { say } from './phase-line.mjs';

/** Where they are unpacked, from the root of the checkout. The interop tests look there, too. */
export const STRONGSWAN_FOLDER = '.weft/strongswan';

/**
 * Without it the interop tests are skipped and say so: nothing here can fail the set-up.
 * @param {string} checkout
 * @param {import('./system-packages.mjs').Machine} machine
 * @returns {Promise<{ ok: true, text: string }>}
 */
export async function unpackStrongSwan(checkout, machine) {
  const folder = path.join(checkout, STRONGSWAN_FOLDER);
  if (fs.existsSync(path.join(folder, DAEMON))) return { ok: true, text: `unpacked in ${STRONGSWAN_FOLDER}` };
  if (machine.usesStrongSwan()) return { ok: true, text: 'that of the system' };
  if (!machine.isRoot) return { ok: true, text: 'left out: the tests that use it need root' };
  if (!machine.has('apt-get'))
    return { ok: true, text: 'left out: this system has no apt-get; install it its own way' };
  say(`Unpacking ${PACKAGES.join(', ')} in ${STRONGSWAN_FOLDER}; nothing of it is installed or started.`);
  const archives = `${folder}.archives`;
  const partial = `${folder}.partial`;
  try {
    fs.rmSync(partial, { recursive: true, force: true });
    fs.mkdirSync(path.join(archives, 'partial'), { recursive: true });
    fs.mkdirSync(partial);
    const failure = (await download(machine, archives)) ?? (await unpackAll(machine, archives, partial));
    if (failure !== undefined) return { ok: true, text: `left out: ${failure}` };
    fs.renameSync(partial, folder);
    return { ok: true, text: `unpacked in ${STRONGSWAN_FOLDER}` };
  } finally {
    for (const each of [archives, partial]) fs.rmSync(each, { recursive: true, force: true });
  }
}

/**
 * They, and what they need and the system has not. A machine that has never run `apt-get update` knows no packages.
 * @param {import('./system-packages.mjs').Machine} machine
 * @param {string} archives
 * @returns {Promise<string | undefined>} what apt-get said when it failed
 */
async function download(machine, archives) {
  const get = () =>
    machine.aptGet([
      ...['install', '-y', '-q', '--no-install-recommends', '--download-only', '--reinstall'],
      ...['-o', `Dir::Cache::archives=${archives}`],
      ...PACKAGES,
    ]);
  if ((await get()).code === 0) return undefined;
  const update = await machine.aptGet(['update', '-y', '-q']);
  const { code, output } = update.code === 0 ? await get() : update;
  return code === 0 ? undefined : output.trim();
}

/**
 * @param {import('./system-packages.mjs').Machine} machine
 * @param {string} archives
 * @param {string} folder
 * @returns {Promise<string | undefined>} what dpkg-deb said when it failed
 */
async function unpackAll(machine, archives, folder) {
  for (const name of fs.readdirSync(archives).filter((each) => each.endsWith('.deb'))) {
    const { code, output } = await machine.unpack(path.join(archives, name), folder);
    if (code !== 0) return output.trim();
  }
  return fs.existsSync(path.join(folder, DAEMON)) ? undefined : `the packages have no ${DAEMON}`;
}

const DAEMON = 'usr/lib/ipsec/charon';
const PACKAGES = [
  'strongswan-charon',
  'strongswan-swanctl',
  'libstrongswan',
  'strongswan-libcharon',
  'libcharon-extra-plugins',
  'libstrongswan-extra-plugins',
  'libstrongswan-standard-plugins',
];
