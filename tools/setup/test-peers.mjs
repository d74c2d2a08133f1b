// Other implementations that ours is tested with, as Debian has them.
import { phase } from './phase-line.mjs';
import { unpackPackages } from './unpacked-packages.mjs';

/**
 * Unpacks those that are not there.
 * @param {string} checkout
 * @param {import('./system-packages.mjs').Machine} machine
 * @returns {Promise<boolean>} true: tests that lack one are skipped and say so
 */
export async function unpackTestPeers(checkout, machine) {
  for (const wanted of TEST_PEERS) await phase(wanted.name, () => unpackPackages(wanted, checkout, machine));
  return true;
}

const STRONGSWAN = [
  'strongswan-charon',
  'strongswan-swanctl',
  'libstrongswan',
  'strongswan-libcharon',
  'libcharon-extra-plugins',
  'libstrongswan-extra-plugins',
  'libstrongswan-standard-plugins',
];

/** @type {readonly import('./unpacked-packages.mjs').UnpackedPackages[]} */
export const TEST_PEERS = [
  // Installed, it would start an IKE daemon on the machine's own addresses, and come with an AppArmor profile that keeps the daemon
  // from everything but its own folders.
  {
    name: 'strongSwan',
    folder: '.weft/strongswan',
    content: 'usr/lib/ipsec/charon',
    packages: STRONGSWAN,
    isInstalled: (machine) => machine.usesStrongSwan(),
  },
  // The first in Debian with ML-KEM. In the version that the tests have been run with: what is new in another is looked at first.
  {
    name: 'strongSwan 6.1',
    folder: '.weft/strongswan-later',
    content: 'usr/lib/ipsec/charon',
    packages: STRONGSWAN.map((name) => `${name}=6.1.0-2`),
    release: 'forky',
    alone: true,
  },
  { name: 'Libreswan', folder: '.weft/libreswan', content: 'usr/libexec/ipsec/addconn', packages: ['libreswan'] },
  // The first that is right about extended sequence numbers with encrypt-then-MAC is 2.6.1.
  {
    name: 'scapy',
    folder: '.weft/scapy',
    content: 'usr/lib/python3/dist-packages/scapy/layers/ipsec.py',
    packages: ['python3-scapy'],
    release: 'trixie',
  },
  // What scapy computes with: for the system's Python.
  {
    name: 'cryptography',
    folder: '.weft/python-cryptography',
    content: 'usr/lib/python3/dist-packages/cryptography/__init__.py',
    packages: ['python3-cryptography'],
  },
];
