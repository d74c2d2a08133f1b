import type { SessionRequest } from '@weft/contracts/southbound';
import type { DataPlaneControl } from '../dataplane/data-plane-control.js';
import type { EdgeIke } from '../ike/edge-ike.js';
import { messageOf } from '../platform/agent-error.js';
import type { Log } from '../platform/log.js';
import { statusReport } from './status-report.js';

/** Sends a status report at the interval that the controller named last. A report that finds no taker is skipped. */
export class StatusReporter {
  readonly #dataPlane: DataPlaneControl;
  readonly #ike: Pick<EdgeIke, 'states'>;
  readonly #send: (message: SessionRequest) => boolean;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #busy = false;

  constructor(
    dataPlane: DataPlaneControl,
    ike: Pick<EdgeIke, 'states'>,
    send: (message: SessionRequest) => boolean,
    log: Log,
  ) {
    this.#dataPlane = dataPlane;
    this.#ike = ike;
    this.#send = send;
    this.#log = log;
  }

  /** Reports every so many milliseconds from now on. */
  every(milliseconds: number): void {
    this.stop();
    this.#timer = setInterval(() => void this.report(), milliseconds);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Reports once, unless the last report is still being made. */
  async report(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const value = statusReport(await this.#dataPlane.snapshot(), new Date(), this.#ike.states());
      if (!this.#send({ message: { $case: 'status', value } })) this.#log.debug('status report skipped: no taker');
    } catch (error) {
      this.#log.warn({ reason: messageOf(error) }, 'status report failed');
    } finally {
      this.#busy = false;
    }
  }
}
