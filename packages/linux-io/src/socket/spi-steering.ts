import { attachFilter, BPF, type Instruction } from './socket-filter.js';

/** Which of `sockets`, each of a thread of its own, receives the ESP packets of an SPI. */
export function socketOfSpi(spi: number, sockets: number): number {
  return spi % sockets;
}

/** One of several sockets of which each is to receive some of the SPIs. */
export interface SpiShare {
  readonly socket: number;
  readonly sockets: number;
}

/**
 * Has the kernel choose among the UDP sockets that share the port of this one (SO_REUSEPORT), by the number in which they were
 * bound, as `socketOfSpi` says. IKE messages, whose marker stands where an SPI would, and what is shorter than that, a NAT
 * keepalive, go to the first. When the kernel takes datagrams of several SPIs for a run (UDP_GRO), all go where the first one
 * does. Throws SystemCallError.
 */
export function steerBySpi(fd: number, sockets: number): void {
  attachFilter(fd, 'SO_ATTACH_REUSEPORT_CBPF', [
    // The SPI: a filter of a UDP socket sees the payload. Beyond its end the filter ends with 0.
    [BPF.LD | BPF.W | BPF.ABS, 0],
    [BPF.ALU | BPF.MOD | BPF.K, sockets],
    [BPF.RET | BPF.A, 0],
  ]);
}

/**
 * Has a raw socket of ESP, of which each gets a copy of every packet, take only what `socketOfSpi` says is its own. What has
 * no whole SPI is the first one's. Throws SystemCallError.
 */
export function acceptShareOfSpis(fd: number, family: 4 | 6, share: SpiShare): void {
  attachFilter(fd, 'SO_ATTACH_FILTER', [...(family === 4 ? BEHIND_HEADER : WITHOUT_HEADER), ...accepting(share)]);
}

/** A is to be the octets of the ESP packet, and X where it begins. */
function accepting({ socket, sockets }: SpiShare): readonly Instruction[] {
  const [accept, refuse] = [3, 4];
  return [
    [BPF.JMP | BPF.JGE | BPF.K, SPI_OCTETS, 0, socket === 0 ? accept : refuse],
    [BPF.LD | BPF.W | BPF.IND, 0],
    [BPF.ALU | BPF.MOD | BPF.K, sockets],
    [BPF.JMP | BPF.JEQ | BPF.K, socket, 0, 1],
    [BPF.RET | BPF.K, 0xffffffff],
    [BPF.RET | BPF.K, 0],
  ];
}

const SPI_OCTETS = 4;
/** Over IPv4 a raw socket shows the IP header: its length is in the low four bits of its first octet. */
const BEHIND_HEADER: readonly Instruction[] = [
  [BPF.LDX | BPF.B | BPF.MSH, 0],
  [BPF.LD | BPF.W | BPF.LEN, 0],
  [BPF.ALU | BPF.SUB | BPF.X, 0],
];
/** Over IPv6 it does not. X is 0 where a program begins. */
const WITHOUT_HEADER: readonly Instruction[] = [[BPF.LD | BPF.W | BPF.LEN, 0]];
