import { BlockList } from 'node:net';
import { describe, expect, it } from 'vitest';
import { isGlobalAddress } from './global-address.js';
import { type TargetAddress, targetOf } from './webhook-target.js';

const NOTHING = new BlockList();
const OFFICE = new BlockList();
OFFICE.addSubnet('10.9.0.0', 16, 'ipv4');
OFFICE.addSubnet('fd00:9::', 32, 'ipv6');

const v4 = (address: string): TargetAddress => ({ address, family: 4 });
const v6 = (address: string): TargetAddress => ({ address, family: 6 });
const answering =
  (...addresses: TargetAddress[]) =>
  () =>
    Promise.resolve(addresses);

describe('addresses of the whole Internet', () => {
  it.each([
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.1',
    '2606:4700::1',
  ])('%s is one', (address) => expect(isGlobalAddress(address)).toBe(true));

  it.each([
    ...[
      '0.0.0.0',
      '10.0.0.1',
      '100.64.0.1',
      '127.0.0.1',
      '127.255.255.255',
      '169.254.169.254',
      '172.16.0.1',
      '172.31.255.255',
    ],
    ...['192.168.0.1', '198.18.0.1', '203.0.113.1', '224.0.0.1', '255.255.255.255'],
    ...['::', '::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd00::1', 'ff02::1', '2001:db8::1', '2001::1', '3fff::1'],
    // IPv4 addresses in other clothes: mapped, of 6to4, of NAT64, compatible.
    ...['::ffff:127.0.0.1', '::ffff:1.1.1.1', '2002:7f00:1::', '64:ff9b::7f00:1', '::127.0.0.1'],
    ...['', 'localhost', '127.1', '0x7f000001'],
  ])('%s is none', (address) => expect(isGlobalAddress(address)).toBe(false));
});

describe('where a delivery may go', () => {
  it.each([
    ['a name of the Internet', 'https://hooks.example/x', answering(v4('1.1.1.1')), v4('1.1.1.1')],
    [
      'the first that is of the Internet',
      'https://hooks.example',
      answering(v4('10.0.0.1'), v6('2606:4700::1')),
      v6('2606:4700::1'),
    ],
    ['without TLS', 'http://hooks.example', answering(v4('1.1.1.1')), 'plain_http_refused'],
    ['a name of this host', 'https://hooks.example', answering(v4('127.0.0.1'), v6('::1')), 'address_refused'],
    ['a name of nothing', 'https://hooks.example', () => Promise.reject(new Error('ENOTFOUND')), 'name_unknown'],
    ['a name without an address', 'https://hooks.example', answering(), 'name_unknown'],
    ['what the operator allows', 'http://hooks.example', answering(v4('1.1.1.1'), v4('10.9.0.7')), v4('10.9.0.7')],
  ])('%s', async (name, url, resolve, expected) => {
    const allowed = name === 'what the operator allows' ? OFFICE : NOTHING;
    expect(await targetOf(new URL(url), allowed, resolve)).toEqual(expected);
  });

  it.each([
    ['https://127.0.0.1/', 'address_refused'],
    // The URL standard reads all of these as 127.0.0.1.
    ['https://2130706433/', 'address_refused'],
    ['https://0x7f.1/', 'address_refused'],
    ['https://0177.0.0.1/', 'address_refused'],
    ['https://[::1]/', 'address_refused'],
    ['https://[::ffff:127.0.0.1]/', 'address_refused'],
    ['https://169.254.169.254/latest/meta-data', 'address_refused'],
    ['http://1.1.1.1/', 'plain_http_refused'],
    ['https://1.1.1.1/', v4('1.1.1.1')],
    ['http://10.9.1.1/', v4('10.9.1.1')],
    ['http://[fd00:9::1]/', v6('fd00:9::1')],
    ['http://10.8.1.1/', 'address_refused'],
  ])('%s, which is no name to be looked up', async (url, expected) => {
    const resolve = () => Promise.reject(new Error('looked up'));
    expect(await targetOf(new URL(url), OFFICE, resolve)).toEqual(expected);
  });
});
