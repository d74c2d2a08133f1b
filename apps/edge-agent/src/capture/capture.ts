import { closeSync, openSync, writeSync } from 'node:fs';
import { openPacketRing, POLLIN, PollSet } from '@weft/linux-io';
import { z } from 'zod';
import { queryIp } from '../network/ip-command.js';
import { AgentError, messageOf } from '../platform/agent-error.js';
import { isProtected, matches, type PacketFilter } from './packet-filter.js';
import { pcapngHeader, pcapngPacket } from './pcapng.js';

/** What is captured, where it goes, and when that ends. */
export interface CaptureRequest {
  /** `clear`: what passes the overlay device; `underlay`: what tunnels look like from outside, on all other interfaces. */
  readonly side: 'clear' | 'underlay';
  readonly device: string;
  readonly filter: PacketFilter;
  /** A path, made for its owner alone; `-` is standard output. */
  readonly file: string;
  readonly seconds: number;
  /** Octets that the file may have. */
  readonly octets: number;
  /** Octets that are kept of a packet. */
  readonly snapLength: number;
}

/** What was captured. */
export interface CaptureOutcome {
  readonly packets: number;
  readonly octets: number;
  /** Packets that came faster than they could be written. */
  readonly lost: number;
  readonly ended: 'time' | 'size';
}

/** Nothing can be captured. */
export class CaptureError extends AgentError<'capture_impossible'> {
  override readonly name = 'CaptureError';
}

/**
 * Captures until the time is over or the file is full, beside the agent and without it: the kernel shows packets to whoever
 * has CAP_NET_RAW. The file is whole after every packet, also when this is ended. Throws CaptureError.
 */
export async function capture(request: CaptureRequest, now: () => number): Promise<CaptureOutcome> {
  const { side, device, file, snapLength } = request;
  const overlay = await interfaceIndex(device);
  const ring = openRing(side === 'clear' ? overlay : undefined);
  const out = openOutput(file);
  try {
    const header = pcapngHeader(side === 'clear' ? device : 'underlay', snapLength);
    writeSync(out, header);
    const outcome = drain(request, overlay, ring, (block) => writeSync(out, block), header.length, now);
    return { ...outcome, lost: ring.dropped() };
  } finally {
    if (file !== '-') closeSync(out);
  }
}

function drain(
  { side, filter, seconds, octets, snapLength }: CaptureRequest,
  overlay: number,
  { fd, memory, packets }: ReturnType<typeof openPacketRing>,
  write: (block: Uint8Array) => void,
  begun: number,
  now: () => number,
): Omit<CaptureOutcome, 'lost'> {
  const poll = new PollSet(1);
  poll.watch(0, fd, POLLIN);
  const end = now() + 1000 * seconds;
  let written = begun;
  let count = 0;
  for (let left = end - now(); left > 0; left = end - now()) {
    poll.wait(Math.ceil(left));
    while (packets.next()) {
      const packet = memory.bytes.subarray(packets.offset, packets.offset + packets.length);
      if (side === 'underlay' && (packets.interfaceIndex === overlay || !isProtected(packet))) continue;
      if (!matches(filter, packet)) continue;
      const block = pcapngPacket(packet.subarray(0, snapLength), packet.length, packets.unixMicroseconds);
      if (written + block.length > octets) return { packets: count, octets: written, ended: 'size' };
      write(block);
      written += block.length;
      count++;
    }
  }
  return { packets: count, octets: written, ended: 'time' };
}

async function interfaceIndex(device: string): Promise<number> {
  const found = Links.safeParse(await queryIp(['link', 'show']));
  const index = found.data?.find(({ ifname }) => ifname === device)?.ifindex;
  if (index !== undefined) return index;
  const fix = 'start the agent, or name the device with --device';
  throw new CaptureError('capture_impossible', `there is no device ${device}`, fix);
}

function openRing(interfaceIndex: number | undefined): ReturnType<typeof openPacketRing> {
  try {
    return openPacketRing({
      octets: RING_OCTETS,
      latencyMilliseconds: LATENCY_MILLISECONDS,
      outgoing: true,
      ...(interfaceIndex === undefined ? {} : { interfaceIndex }),
    });
  } catch (error) {
    throw new CaptureError('capture_impossible', messageOf(error), 'run as root or with CAP_NET_RAW');
  }
}

function openOutput(file: string): number {
  if (file === '-') return 1;
  try {
    return openSync(file, 'wx', OWNER_ALONE);
  } catch (error) {
    throw new CaptureError(
      'capture_impossible',
      messageOf(error),
      'name a file that is not there yet, in a directory that can be written',
    );
  }
}

const RING_OCTETS = 16 << 20;
const LATENCY_MILLISECONDS = 50;
const OWNER_ALONE = 0o600;
const Links = z.array(z.object({ ifname: z.string(), ifindex: z.number().int() }));
