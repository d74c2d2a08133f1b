import type { DropReason } from '../policy/drop-reason.js';
import type { OutboundResult } from './verdict.js';

/** The one result that every packet is answered with: the path of a packet makes no objects. */
export class OutboundAnswer implements OutboundResult {
  verdict: OutboundResult['verdict'] = 'discard';
  tunnelId = '';
  length = 0;
  packets = 0;
  packetLength = 0;
  reason: DropReason | undefined = undefined;
  trafficClass = 0;
  wholePacket = false;
  cutTo = 0;
  copied = false;
  sentBy = -1;
  largestFragment = 0;
  identification = 0;
  more = false;
  icmpErrorLength = 0;

  answer(
    verdict: 'transmit' | 'bypass' | 'held' | 'elsewhere',
    tunnelId: string,
    length: number,
    trafficClass: number,
    copied: boolean,
    more: boolean,
    wholePacket: boolean,
  ): OutboundResult {
    this.verdict = verdict;
    this.tunnelId = tunnelId;
    this.length = length;
    this.packets = 1;
    this.packetLength = length;
    this.reason = undefined;
    this.trafficClass = trafficClass;
    this.wholePacket = wholePacket;
    this.cutTo = 0;
    this.copied = copied;
    this.more = more;
    this.icmpErrorLength = 0;
    return this;
  }

  /** The packet of this answer is to be cut by the caller. */
  cut(to: number): OutboundResult {
    this.cutTo = to;
    return this;
  }

  /** A run that goes out. */
  run(tunnelId: string, length: number, packets: number, packetLength: number, trafficClass: number): OutboundResult {
    this.answer('transmit', tunnelId, length, trafficClass, false, false, false);
    this.packets = packets;
    this.packetLength = packetLength;
    return this;
  }

  /** Another engine's packet. Without a largest fragment it stands as it came. */
  elsewhere(tunnelId: string, sentBy: number, length: number, largest: number, identification: number): OutboundResult {
    this.answer('elsewhere', tunnelId, length, 0, largest > 0, false, false);
    this.packets = 0;
    this.packetLength = 0;
    this.sentBy = sentBy;
    this.largestFragment = largest;
    this.identification = identification;
    return this;
  }

  discard(reason: DropReason, tunnelId: string, more: boolean, icmpErrorLength: number): OutboundResult {
    this.answer('transmit', tunnelId, 0, 0, false, more, false);
    this.verdict = 'discard';
    this.packets = 0;
    this.reason = reason;
    this.icmpErrorLength = icmpErrorLength;
    return this;
  }
}
