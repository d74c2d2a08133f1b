// Debian packages that tests use, unpacked for this checkout and not installed: nothing of the system changes, and no service starts.
import fs from 'node:fs';
import path from 'node:path';
import { say } from './phase-line.mjs';

/**
 * @typedef {object} UnpackedPackages
 * @property {string} name
 * @property {string} folder where they are unpacked, from the root of the checkout
 * @property {string} content one of the unpacked files, without which the rest is of no use
 * @property {readonly string[]} packages as apt-get names them
 * @property {string} [release] codename of the release of Debian that they are of; the system's own when nothing is said
 * @property {(machine: import('./system-packages.mjs').Machine) => boolean} [isInstalled] whether that of the system serves as well
 * @property {boolean} [alone] with everything that they need, the C library too: the system's may be older than they ask for
 */

/**
 * Tests that need what is left out are skipped and say so: nothing here can fail the set-up.
 * @param {UnpackedPackages} wanted
 * @param {string} checkout
 * @param {import('./system-packages.mjs').Machine} machine
 * @returns {Promise<{ ok: true, text: string }>}
 */
export async function unpackPackages(wanted, checkout, machine) {
  const folder = path.join(checkout, wanted.folder);
  if (fs.existsSync(path.join(folder, wanted.content))) return { ok: true, text: `unpacked in ${wanted.folder}` };
  if (wanted.isInstalled?.(machine)) return { ok: true, text: 'that of the system' };
  if (!machine.isRoot) return leftOut('the tests that use it need root');
  if (!machine.has('apt-get')) return leftOut('this system has no apt-get; install it its own way');
  say(`Unpacking ${wanted.name} in ${wanted.folder}; nothing of it is installed or started.`);
  const [apt, partial] = [`${folder}.apt`, `${folder}.partial`];
  try {
    for (const each of [apt, partial]) fs.rmSync(each, { recursive: true, force: true });
    fs.mkdirSync(path.join(apt, 'archives/partial'), { recursive: true });
    fs.mkdirSync(partial);
    const failure = (await download(wanted, apt, machine)) ?? (await unpackAll(wanted, apt, machine, partial));
    if (failure !== undefined) return leftOut(failure);
    fs.rmSync(folder, { recursive: true, force: true });
    fs.renameSync(partial, folder);
    return { ok: true, text: `unpacked in ${wanted.folder}` };
  } finally {
    for (const each of [apt, partial]) fs.rmSync(each, { recursive: true, force: true });
  }
}

/**
 * @param {string} why
 * @returns {{ ok: true, text: string }}
 */
function leftOut(why) {
  return { ok: true, text: `left out: ${why}` };
}

/**
 * They, and what they need and is not there. A machine that has never run `apt-get update` knows no packages.
 * @param {UnpackedPackages} wanted
 * @param {string} apt
 * @param {import('./system-packages.mjs').Machine} machine
 * @returns {Promise<string | undefined>} why there is nothing
 */
async function download({ packages, release, alone = false }, apt, machine) {
  const run = (/** @type {readonly string[]} */ args) => machine.aptGet(args, PATIENCE_MILLISECONDS);
  const update = ['update', '-y', '-q'];
  /** @type {readonly string[]} */
  let ofThat = [];
  if (release !== undefined) {
    const mirror = await machine.debianMirror();
    if (mirror === undefined) return `apt-get knows no mirror of Debian to have the release ${release} from`;
    ofThat = ofRelease(release, mirror, apt, alone);
  }
  const install = [
    ...['install', '-y', '-q', '--no-install-recommends', '--download-only', '--reinstall'],
    ...['-o', `Dir::Cache::archives=${path.join(apt, 'archives')}`],
    ...ofThat,
    ...packages,
  ];
  if ((await run(install)).code === 0) return undefined;
  const updated = await run([...update, ...ofThat]);
  const { code, output } = updated.code === 0 ? await run(install) : updated;
  return code === 0 ? undefined : output.trim();
}

/**
 * Another release than the system's, for one run of apt-get: it reads lists of its own, and writes nothing but these.
 * @param {string} release
 * @param {{ uri: string, keyring: string }} mirror
 * @param {string} apt
 * @param {boolean} alone
 * @returns {readonly string[]} options of apt-get
 */
function ofRelease(release, { uri, keyring }, apt, alone) {
  fs.mkdirSync(path.join(apt, 'lists/partial'), { recursive: true });
  fs.writeFileSync(path.join(apt, 'sources.list'), `deb [signed-by=${keyring}] ${uri} ${release} main\n`);
  fs.writeFileSync(path.join(apt, 'nothing-installed'), '');
  return [
    ['Dir::State::Lists', path.join(apt, 'lists')],
    ['Dir::Cache::pkgcache', ''],
    ['Dir::Cache::srcpkgcache', ''],
    ['Dir::Etc::SourceList', path.join(apt, 'sources.list')],
    ['Dir::Etc::SourceParts', '/dev/null'],
    ...(alone ? [['Dir::State::status', path.join(apt, 'nothing-installed')]] : []),
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

/**
 * @param {UnpackedPackages} wanted
 * @param {string} apt
 * @param {import('./system-packages.mjs').Machine} machine
 * @param {string} folder
 * @returns {Promise<string | undefined>} what dpkg-deb said when it failed
 */
async function unpackAll({ content }, apt, machine, folder) {
  const archives = path.join(apt, 'archives');
  for (const name of fs.readdirSync(archives).filter((each) => each.endsWith('.deb'))) {
    const { code, output } = await machine.unpack(path.join(archives, name), folder);
    if (code !== 0) return output.trim();
  }
  return fs.existsSync(path.join(folder, content)) ? undefined : `the packages have no ${content}`;
}

/** For each run of apt-get. What is unpacked is of use, and not needed: a mirror that does not answer keeps nobody for long. */
const PATIENCE_MILLISECONDS = 180_000;
