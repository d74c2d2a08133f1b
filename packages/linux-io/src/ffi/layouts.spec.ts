import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { LINUX } from './constants.js';
import { ERRNO } from './errno.js';
import { LAYOUTS, OSSL_PARAM } from './layouts.js';

const unavailable = spawnSync('gcc', ['--version']).status === 0 ? undefined : 'gcc is not installed';

describe.skipIf(unavailable !== undefined)(
  `layouts and constants${unavailable ? ` (skipped: ${unavailable})` : ''}`,
  () => {
    let said: Map<string, string>;
    beforeAll(() => {
      said = askCompiler();
    });

    it.each(Object.entries(LAYOUTS))('%s is where C has it', (name, { size, ...fields }) => {
      expect(said.get(`sizeof(${name})`)).toBe(String(size));
      for (const [field, offset] of Object.entries(fields)) {
        expect([field, said.get(`offsetof(${name}, ${field})`)]).toEqual([field, String(offset)]);
      }
    });

    it('has OSSL_PARAM where openssl/core.h has it', (context) => {
      if (said.get('sizeof(OSSL_PARAM)') === undefined) return context.skip('openssl/core.h is not installed');
      const { size, ...fields } = OSSL_PARAM;
      const told = Object.keys(fields).map((field) => [field, Number(said.get(`offsetof(OSSL_PARAM, ${field})`))]);
      expect([said.get('sizeof(OSSL_PARAM)'), Object.fromEntries(told)]).toEqual([String(size), fields]);
    });

    it('agrees with the headers on every constant that they have', () => {
      const known = Object.entries(LINUX).filter(([name]) => said.get(name) !== undefined);
      expect(Object.fromEntries(known.map(([name]) => [name, Number(said.get(name))]))).toEqual(
        Object.fromEntries(known),
      );
      // Older headers may lack a few (TUN_F_USO4 came with Linux 6.2).
      expect(Object.keys(LINUX).length - known.length).toBeLessThan(6);
    });

    it('agrees with errno.h', () => {
      const { EUNKNOWN: _ours, ...errno } = ERRNO;
      expect(Object.fromEntries(Object.keys(errno).map((name) => [name, Number(said.get(name))]))).toEqual(errno);
    });

    it('runs on a little-endian LP64 machine, which the table is for', () => {
      expect([said.get('little-endian'), said.get('sizeof(void *)'), said.get('sizeof(long)')]).toEqual([
        '1',
        '8',
        '8',
      ]);
    });
  },
);

/** Compiles and runs a program that prints everything the tables claim. */
function askCompiler(): Map<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-layouts-'));
  try {
    writeFileSync(join(folder, 'layouts.c'), program());
    execFileSync('gcc', ['-std=gnu11', '-o', join(folder, 'layouts'), join(folder, 'layouts.c')]);
    const output = execFileSync(join(folder, 'layouts'), { encoding: 'utf8' });
    return new Map(
      output
        .trim()
        .split('\n')
        .map((line) => line.split('=') as [string, string]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function program(): string {
  const print = (label: string, value: string) => `printf("${label}=%lld\\n", (long long)(${value}));`;
  const layout = (name: string, { size: _, ...fields }: Readonly<Record<string, number>>) => [
    print(`sizeof(${name})`, `sizeof(${name})`),
    ...Object.keys(fields).map((field) => print(`offsetof(${name}, ${field})`, `offsetof(${name}, ${field})`)),
  ];
  const layouts = Object.entries(LAYOUTS).flatMap(([name, fields]) => layout(name, fields));
  const { EUNKNOWN: _ours, ...errno } = ERRNO;
  const constants = Object.keys(LINUX).map((name) => print(name, name));
  return `#define _GNU_SOURCE\n${HEADERS.map((header) => `#include <${header}>`).join('\n')}
#if __has_include(<openssl/core.h>)
#include <openssl/core.h>
#endif
int main(void) {
  ${[...layouts, ...Object.keys(errno).map((name) => print(name, name))].join('\n  ')}
  ${constants.map((line, index) => guarded(Object.keys(LINUX)[index] ?? '', line)).join('\n')}
#if __has_include(<openssl/core.h>)
  ${layout('OSSL_PARAM', OSSL_PARAM).join('\n  ')}
#endif
  ${print('little-endian', '__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__')}
  ${print('sizeof(void *)', 'sizeof(void *)')}
  ${print('sizeof(long)', 'sizeof(long)')}
  return 0;
}
`;
}

/** Constants that glibc declares as an enum are invisible to #ifdef, but each of those has a macro of its own name. */
function guarded(name: string, line: string): string {
  return `#ifdef ${name}\n  ${line}\n#endif`;
}

const HEADERS = [
  'stdio.h',
  'stddef.h',
  'errno.h',
  'fcntl.h',
  'poll.h',
  'spawn.h',
  'time.h',
  'sys/eventfd.h',
  'sys/ioctl.h',
  'sys/mman.h',
  'sys/prctl.h',
  'sys/socket.h',
  'sys/uio.h',
  'netinet/in.h',
  'netinet/icmp6.h',
  'netinet/udp.h',
  'linux/errqueue.h',
  'linux/filter.h',
  'linux/if.h',
  'linux/if_ether.h',
  'linux/if_packet.h',
  'linux/if_tun.h',
  'linux/virtio_net.h',
];
