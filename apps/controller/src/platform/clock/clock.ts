import { Injectable } from '@nestjs/common';

/** The only source of time for code that a test wants to control. */
@Injectable()
export class Clock {
  /** Wall-clock time. */
  now(): Date {
    return new Date();
  }

  /** Milliseconds since an arbitrary moment; never goes back. */
  monotonicMilliseconds(): number {
    return performance.now();
  }
}
