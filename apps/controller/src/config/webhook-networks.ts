import { BlockList, isIP } from 'node:net';

/** Prefixes, with commas between them, as a list that addresses can be looked up in. Throws an Error that says what is wrong. */
export function parseNetworks(text: string): BlockList {
  const list = new BlockList();
  for (const prefix of text.split(',')) {
    const [address = '', length = '', ...rest] = prefix.trim().split('/');
    const version = isIP(address);
    const bits = version === 4 ? 32 : 128;
    if (
      version === 0 ||
      address.includes('%') ||
      rest.length > 0 ||
      !/^[0-9]{1,3}$/.test(length) ||
      Number(length) > bits
    ) {
      throw new Error(`must be prefixes like 10.1.0.0/16,fd00::/8; "${prefix.trim()}" is none`);
    }
    list.addSubnet(address, Number(length), version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
