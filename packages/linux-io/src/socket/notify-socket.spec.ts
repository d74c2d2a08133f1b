import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LINUX } from '../ffi/constants.js';
import * as libc from '../ffi/libc.js';
import { allocate } from '../ffi/memory.js';
import { openNotifySocket } from './notify-socket.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'weft-notify-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Binds a socket as a service manager does. @returns what it is sent next. */
function listen(name: string): () => string {
  const address = allocate(110);
  address.view.setUint16(0, LINUX.AF_UNIX, true);
  address.bytes.set(Buffer.from(name), 2);
  if (name.startsWith('@')) address.bytes[2] = 0;
  const fd = libc.socket(LINUX.AF_UNIX, LINUX.SOCK_DGRAM | LINUX.SOCK_CLOEXEC | LINUX.SOCK_NONBLOCK, 0);
  expect(libc.bind(fd, address.address, 2 + name.length + (name.startsWith('@') ? 0 : 1))).toBe(0);
  const message = allocate(2048);
  return () => {
    const length = libc.read(fd, message.address, message.bytes.length);
    return Buffer.from(message.bytes.subarray(0, Math.max(0, length))).toString();
  };
}

describe('a notify socket', () => {
  it.each([
    ['a path', () => path.join(directory, 'notify')],
    ['an abstract name', () => `@weft-notify-${process.pid}`],
  ])('sends datagrams to %s', (_, name) => {
    const received = listen(name());
    const socket = openNotifySocket(name());
    expect(socket.send('READY=1\nSTATUS=läuft')).toBe(21);
    expect(socket.send('WATCHDOG=1')).toBe(10);
    expect(received()).toBe('READY=1\nSTATUS=läuft');
    expect(received()).toBe('WATCHDOG=1');
    socket.close();
  });

  it('is refused where nobody listens, and for a path that no socket can have', () => {
    expect(() => openNotifySocket(path.join(directory, 'nobody'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    expect(() => openNotifySocket('x'.repeat(108))).toThrow(RangeError);
    expect(() => openNotifySocket('')).toThrow(RangeError);
  });
});
