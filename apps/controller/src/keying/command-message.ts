import type { SecurityAssociation, SecurityAssociationCommand } from '@weft/contracts/southbound';
import { profileMessage } from '../distribution/bundle-content.js';
import type { KeyingEffect } from './keying-event.js';
import { HARD_LIFETIME_SECONDS, SOFT_LIFETIME_SECONDS } from './keying-timing.js';
import { otherSide, type TunnelKeying } from './tunnel-keying.js';

/** A command as a message. `wipe` clears the keys in it; call it when the octets have left. */
export function commandMessage(
  { tunnelId, spec }: Pick<TunnelKeying, 'tunnelId' | 'spec'>,
  { side, commandId, command }: KeyingEffect & { readonly kind: 'command' },
): { value: SecurityAssociationCommand; wipe: () => void } {
  if (command.step === 'delete') {
    const outbound = command.outbound.map((spi) => ({ tunnelId, spi }));
    const value = { inboundSpis: [...command.inbound], outbound };
    return { value: { commandId, step: { $case: 'deleteAssociations', value } }, wipe: nothingToWipe };
  }
  const peer = spec.ends[otherSide(side)];
  const keyingMaterial = command.keys.copyOctets();
  const association: SecurityAssociation = {
    tunnelId,
    spi: command.spi,
    profile: profileMessage(spec.profile),
    keyingMaterial,
    peer: { address: peer.address, port: peer.port },
    softLifetimeSeconds: BigInt(SOFT_LIFETIME_SECONDS),
    hardLifetimeSeconds: BigInt(HARD_LIFETIME_SECONDS),
  };
  const $case = command.step === 'install_inbound' ? 'installInbound' : 'installOutbound';
  return {
    value: { commandId, step: { $case, value: { associations: [association] } } },
    wipe: () => keyingMaterial.fill(0),
  };
}

function nothingToWipe(): void {
  return;
}
