import type { Charon } from './charon.js';
import type { Edge } from './edge/edge.js';
import type { Initiator } from './scenario.js';
import type { TrafficEnds } from './traffic/traffic.js';

/** What a scenario plays on. */
export interface Stage {
  readonly edge: Edge;
  readonly charon: Charon;
  readonly ends: TrafficEnds;
  readonly initiator: Initiator;
}
