import { parseConfig } from '../../src/config/parse-config.js';
import { CertificateAuthority } from '../../src/pki/certificate-authority.js';
import { Clock } from '../../src/platform/clock/clock.js';
import { createLogger } from '../../src/platform/logging/logger.js';

/** What an installation has in its data directory that was started so many days ago, and was not since. */
export async function writeAgedAuthority(dataDirectory: string, days: number): Promise<void> {
  const config = parseConfig({ WEFT_DATA_DIR: dataDirectory });
  await new CertificateAuthority(config, new PastClock(days), createLogger('silent')).start();
}

class PastClock extends Clock {
  readonly #days: number;

  constructor(days: number) {
    super();
    this.#days = days;
  }

  override now(): Date {
    return new Date(Date.now() - this.#days * DAY_MILLISECONDS);
  }
}

const DAY_MILLISECONDS = 86_400_000;
