import { safeNumber } from '../../observations/rates.js';
import { formatEventId } from './event-position.js';
import type { FabricEvent } from './fabric-event.dto.js';
import type { StoredFabricEvent } from './fabric-events.repository.js';

/** An event as the API and webhooks show it. */
export function fabricEventOf(journal: string, { sequence, ...event }: StoredFabricEvent): FabricEvent {
  return {
    ...event,
    id: formatEventId({ journal, sequence }),
    occurredAt: event.occurredAt.toISOString(),
    recordedAt: event.recordedAt.toISOString(),
    count: event.count === null ? null : safeNumber(BigInt(event.count)),
  };
}
