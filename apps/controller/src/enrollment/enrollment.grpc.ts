import grpc from '@grpc/grpc-js';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EnrollmentServiceService, type EnrollRequest, type EnrollResponse } from '@weft/contracts/southbound';
import type { Logger } from 'pino';
import { Clock } from '../platform/clock/clock.js';
import { DatabaseUnavailableError } from '../platform/database/database-errors.js';
import { EnrollmentServer } from '../platform/grpc/enrollment-server.js';
import { AttemptLimiter } from '../platform/limits/attempt-limiter.js';
import { InjectLogger } from '../platform/logging/logger.js';
import { EnrollmentService } from './enrollment.service.js';
import { EnrollmentError, type EnrollmentProblem } from './enrollment-error.js';

type EnrollCall = grpc.ServerUnaryCall<EnrollRequest, EnrollResponse>;

/** EnrollmentService of the contract: translation and nothing else. */
@Injectable()
export class EnrollmentGrpc implements OnModuleInit {
  readonly #logger: Logger;
  readonly #limiter = new AttemptLimiter({
    burst: ATTEMPTS_BURST,
    intervalMilliseconds: ATTEMPT_INTERVAL_MILLISECONDS,
    capacity: ADDRESSES_REMEMBERED,
  });

  constructor(
    private readonly enrollment: EnrollmentService,
    private readonly server: EnrollmentServer,
    private readonly clock: Clock,
    @InjectLogger() logger: Logger,
  ) {
    this.#logger = logger.child({ component: 'enrollment' });
  }

  onModuleInit(): void {
    this.server.register(EnrollmentServiceService, {
      enroll: (call: EnrollCall, callback: grpc.sendUnaryData<EnrollResponse>) => {
        this.#enroll(call).then(
          (response) => callback(null, response),
          (error: unknown) => callback(this.#status(error, call)),
        );
      },
    });
  }

  #enroll(call: EnrollCall): Promise<EnrollResponse> {
    const address = addressOf(call);
    const wait = this.#limiter.attempt(address, this.clock.monotonicMilliseconds());
    if (wait > 0) {
      const seconds = Math.ceil(wait / 1_000);
      const detail = `too many attempts from ${address}; try again in ${seconds} s`;
      return Promise.reject(new EnrollmentError('too_many_attempts', undefined, detail));
    }
    return this.enrollment.enroll(call.request, address);
  }

  #status(error: unknown, call: EnrollCall): Partial<grpc.StatusObject> {
    const address = addressOf(call);
    if (error instanceof EnrollmentError) {
      this.#logger.warn({ address, code: error.code, field: error.field }, `enrollment refused: ${error.message}`);
      return { code: STATUS[error.code], details: error.message };
    }
    if (error instanceof DatabaseUnavailableError) {
      this.#logger.error({ address, reason: error.reason }, 'enrollment failed: Postgres is unavailable');
      return { code: grpc.status.UNAVAILABLE, details: `${error.message}; the token was not used` };
    }
    this.#logger.error({ address, err: error }, 'enrollment failed');
    return { code: grpc.status.INTERNAL, details: 'the controller failed; its log says why' };
  }
}

/** The peer is written host:port, IPv6 without brackets. */
function addressOf(call: EnrollCall): string {
  return call.getPeer().replace(/:\d+$/, '');
}

const STATUS: Readonly<Record<EnrollmentProblem, grpc.status>> = {
  bad_field: grpc.status.INVALID_ARGUMENT,
  token_refused: grpc.status.UNAUTHENTICATED,
  too_many_attempts: grpc.status.RESOURCE_EXHAUSTED,
};

/** A site behind one address may enroll a rack of edges at once; a token has 256 bits, so guessing is not the worry. */
const ATTEMPTS_BURST = 30;
const ATTEMPT_INTERVAL_MILLISECONDS = 2_000;
const ADDRESSES_REMEMBERED = 10_000;
