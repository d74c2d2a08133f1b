import { startLab } from '@weft/lab';
import { whyNoLab } from '../e2e/support/why-no-lab.js';

/** A running controller with a fabric of at least two sites that have a tunnel between them. */
export interface Target {
  readonly url: string;
  readonly userName: string;
  readonly password: string;
  close(): Promise<void>;
}

/** Why there is no fabric to look at; undefined when one is given by the environment or can be started. */
export function whyNoTarget(): string | undefined {
  const reason = givenTarget() === undefined ? whyNoLab() : undefined;
  return reason === undefined ? undefined : `no WEFT_CONSOLE_URL is set, and no lab: ${reason}`;
}

/** The fabric that WEFT_CONSOLE_URL, WEFT_CONSOLE_USER and WEFT_CONSOLE_PASSWORD name, otherwise a lab of its own. */
export async function openTarget(): Promise<Target> {
  const given = givenTarget();
  if (given !== undefined) return given;
  const lab = await startLab({ port: 0 });
  return { url: lab.consoleUrl, userName: lab.userName, password: lab.password, close: () => lab.close() };
}

function givenTarget(): Target | undefined {
  const url = process.env['WEFT_CONSOLE_URL'];
  const password = process.env['WEFT_CONSOLE_PASSWORD'];
  if (url === undefined || password === undefined) return undefined;
  const userName = process.env['WEFT_CONSOLE_USER'] ?? 'admin';
  return { url: url.replace(/\/$/, ''), userName, password, close: async () => undefined };
}
