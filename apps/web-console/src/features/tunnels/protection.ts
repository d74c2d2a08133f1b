import type { Tunnel } from '../../api/index.js';
import type { Tone } from '../../ui/StateMark.js';

interface Mark {
  readonly tone: Tone;
  readonly label: string;
}

/** What of a packet in a tunnel is protected, and against whom. */
export interface TunnelProtection {
  readonly protocol: Mark;
  readonly mode: Mark;
  /** What follows from it, for who does not know the terms. */
  readonly meaning: string;
}

export function protectionOf({ securityProtocol, mode }: Pick<Tunnel, 'securityProtocol' | 'mode'>): TunnelProtection {
  const reader = securityProtocol === 'ah' ? 'Everybody on the underlay can read' : 'Nobody on the underlay can read';
  const what = mode === 'transport' ? 'what the two hosts send, whose header stays in front' : 'what is in it';
  return { protocol: PROTOCOLS[securityProtocol], mode: MODES[mode], meaning: `${reader} ${what}.` };
}

/** What a reader of a list has to know: where a tunnel is not as one takes it to be. */
export function protectionMarks(tunnel: Pick<Tunnel, 'securityProtocol' | 'mode'>): readonly Mark[] {
  const { protocol, mode } = protectionOf(tunnel);
  return [...(tunnel.securityProtocol === 'ah' ? [protocol] : []), ...(tunnel.mode === 'transport' ? [mode] : [])];
}

const PROTOCOLS: Readonly<Record<Tunnel['securityProtocol'], Mark>> = {
  esp: { tone: 'up', label: 'encrypted and authenticated (ESP)' },
  ah: { tone: 'warning', label: 'authenticated, NOT ENCRYPTED (AH)' },
};

const MODES: Readonly<Record<Tunnel['mode'], Mark>> = {
  tunnel: { tone: 'idle', label: 'whole packets (tunnel mode)' },
  transport: { tone: 'idle', label: 'between hosts (transport mode)' },
};
