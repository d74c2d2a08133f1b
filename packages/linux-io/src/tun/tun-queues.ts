import { LINUX } from '../ffi/constants.js';
import { SystemCallError } from '../ffi/errno.js';
import * as libc from '../ffi/libc.js';
import { allocate } from '../ffi/memory.js';
import { encodeInterfaceRequest, INTERFACE_REQUEST_OCTETS } from './interface-request.js';
import { openTun, type Tun, type TunOptions, tunFromDescriptor } from './tun.js';

/**
 * Opens the device `name` with `count` queues, each for a thread of its own (IFF_MULTI_QUEUE); with one it is a device like
 * any other. Throws as `openTun` does.
 *
 * Which queue a packet waits in, the kernel decides by a hash of addresses, protocol and ports, so that a flow stays in its
 * queue. Of fragments, the first one included, it takes addresses and protocol alone: those of a packet meet in one queue,
 * which may be another than that of the whole packets of the same flow (drivers/net/tun.c `tun_automq_select_queue`;
 * net/core/flow_dissector.c `__skb_get_hash_symmetric`, which dissects without FLOW_DISSECTOR_F_PARSE_1ST_FRAG).
 *
 * The driver would also move a flow to the queue that its return traffic was last written through, whatever still waits in
 * the one before ("very small possibility of OOO during switching", `tun_get_user`). It does not learn from queues that are
 * detached: those take what is written as others do, and nothing is ever put into them. So each thread has two, an attached
 * one to read and a detached one to write, and only the hash decides.
 */
export function openTunQueues(name: string, options: Omit<TunOptions, 'multiQueue'>, count: number): readonly Tun[] {
  if (count === 1) return [openTun(name, options)];
  const open: Tun[] = [];
  try {
    return Array.from({ length: count }, () => {
      const writes = openTun(name, { ...options, multiQueue: true });
      open.push(writes);
      detach(writes);
      const reads = openTun(name, { ...options, multiQueue: true });
      open.push(reads);
      return tunFromDescriptor(reads.fd, reads.name, reads.offloads, writes.fd);
    });
  } catch (error) {
    for (const tun of open) tun.close();
    throw error;
  }
}

/** The kernel puts nothing into this queue any more. */
function detach({ fd, name }: Tun): void {
  const request = allocate(INTERFACE_REQUEST_OCTETS);
  encodeInterfaceRequest(request.bytes, name, LINUX.IFF_DETACH_QUEUE);
  if (libc.ioctl(fd, LINUX.TUNSETQUEUE, request.address) < 0) {
    throw new SystemCallError('ioctl', libc.failure(), `TUNSETQUEUE ${name}`, 'run with --workers 1');
  }
}
