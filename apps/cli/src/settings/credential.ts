import { open } from 'node:fs/promises';
import { CliError, messageOf, systemCodeOf } from '../platform/cli-error.js';
import { TOKEN_VARIABLE } from './settings.js';

/** As whom the controller is asked: headers of each request. */
export interface Credential {
  readonly headers: Readonly<Record<string, string>>;
}

export type CredentialErrorCode =
  | 'credential_missing'
  | 'credential_exposed'
  | 'credential_malformed'
  | 'credential_unreadable';

/** There is nothing to present to the controller, or nothing that should be presented any more. Never quotes it. */
export class CredentialError extends CliError<CredentialErrorCode> {
  override readonly name = 'CredentialError';
}

/** The variable goes before the file, which must be its owner's alone. Throws CredentialError. */
export async function readCredential(
  environment: Readonly<Record<string, string | undefined>>,
  file: string,
): Promise<Credential> {
  const written = environment[TOKEN_VARIABLE];
  if (written !== undefined) return parseCredential(written, TOKEN_VARIABLE);
  return parseCredential(await readOwnFile(file), file);
}

/** An API token as the controller shows it, or the cookie of a session. Pure. Throws CredentialError `credential_malformed`. */
export function parseCredential(text: string, source: string): Credential {
  const secret = text.trim();
  if (/^weft_[A-Za-z0-9_-]{8,256}$/.test(secret)) return { headers: { authorization: `Bearer ${secret}` } };
  if (/^weft_session=[\x21-\x3a\x3c-\x7e]{8,1024}$/.test(secret)) return { headers: { cookie: secret } };
  throw new CredentialError(
    'credential_malformed',
    `what ${source} has is neither an API token nor a session`,
    'an API token begins with weft_; make one in the console, on the page Access',
  );
}

async function readOwnFile(file: string): Promise<string> {
  try {
    // What is looked at is what is read, whatever happens to the name meanwhile.
    const handle = await open(file);
    try {
      const { mode } = await handle.stat();
      if ((mode & 0o077) !== 0) throw exposed(file, mode);
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof CredentialError) throw error;
    if (systemCodeOf(error) === 'ENOENT') {
      throw new CredentialError(
        'credential_missing',
        `there is no token: ${TOKEN_VARIABLE} is not set, and ${file} does not exist`,
        `set ${TOKEN_VARIABLE}, or write an API token into that file with mode 0600`,
      );
    }
    throw new CredentialError(
      'credential_unreadable',
      `${file}: ${messageOf(error)}`,
      'make it readable for you alone',
    );
  }
}

function exposed(file: string, mode: number): CredentialError {
  const written = (mode & 0o777).toString(8).padStart(4, '0');
  return new CredentialError(
    'credential_exposed',
    `others may read ${file} (its mode is ${written})`,
    `chmod 600 ${file}; if somebody may have read it, revoke the token and make another`,
  );
}
