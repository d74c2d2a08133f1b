import 'reflect-metadata';
import type { Logger } from 'pino';
import { ConfigError, parseConfig, unknownVariables } from './config/parse-config.js';
import { Controller } from './controller.js';
import { BREAK_GLASS_NAME } from './modules/break-glass/break-glass.js';
import { makeBreakGlassLogin } from './modules/break-glass/break-glass-file.js';
import { BundleSigner } from './pki/bundle-signer.js';
import { CertificateAuthority } from './pki/certificate-authority.js';
import { EdgeTrustRepository } from './pki/edge-trust.repository.js';
import { PkiError } from './pki/pki-error.js';
import { retirePreviousAuthority } from './pki/retire-authority.js';
import { TrustAnchor } from './pki/trust-anchor.js';
import { Clock } from './platform/clock/clock.js';
import { Database } from './platform/database/database.js';
import { DatabaseScopes } from './platform/database/database-scope.js';
import { createLogger } from './platform/logging/logger.js';

const USAGE = `Usage: node main.js                        run the controller (configured by environment variables)
       node main.js --write-openapi FILE   write the OpenAPI document and exit
       node main.js --rotate-signing-key   make another bundle-signing key in WEFT_DATA_DIR and exit; then start all controllers anew
       node main.js --backup FILE [--key KEYFILE]
                                           save the database; with a key the keys in WEFT_DATA_DIR, too
       node main.js --restore FILE [--key KEYFILE] [--replace]
                                           make an empty database (--replace: any) what the backup says
       node main.js --break-glass          let somebody in as admin once, within a quarter of an hour, when nobody else can get in
       node main.js --rotate-certificate-authority
                                           make another certificate authority in WEFT_DATA_DIR, trusted beside the present one, and
                                           exit; then start all controllers anew
       node main.js --retire-certificate-authority
                                           end that, when no edge depends on the one before any more, and exit; then start all
                                           controllers anew
       node main.js --rotate-intermediate-authority
                                           make another intermediate below the certificate authority, or the first one, and exit; then
                                           start all controllers anew
       node main.js --export-root-key FILE --passphrase FILE
                                           move the key of the root out of WEFT_DATA_DIR, sealed, and exit; --restore-root-key brings
                                           it back
       node main.js --certificate-authority-request FILE
                                           write a request for another intermediate, and exit
       node main.js --certificate-authority-sign REQUEST --root-key FILE --passphrase FILE --out FILE
                                           certify it with a root key that was exported, on any machine, and exit
       node main.js --certificate-authority-import FILE
                                           take what was certified, below the present root or another, and exit; then start all
                                           controllers anew
`;

async function main(args: readonly string[]): Promise<void> {
  const [option, file, ...rest] = args;
  if (option === undefined) return run();
  if (option === '--write-openapi' && file !== undefined && rest.length === 0) {
    const { writeOpenApi } = await import('./openapi/write.js');
    return writeOpenApi(file);
  }
  const offline = file === undefined ? COMMANDS.get(option) : undefined;
  if (offline !== undefined) return orSay(offline);
  const { parseAuthorityCommand, runAuthorityCommand } = await import('./pki/authority-command.js');
  const authorityCommand = parseAuthorityCommand(args);
  if (authorityCommand !== undefined) {
    return orSay(async () => void process.stdout.write(`${await runAuthorityCommand(authorityCommand)}\n`));
  }
  const { parseBackupCommand, runBackupCommand } = await import('./backup/command.js');
  const command = parseBackupCommand(args);
  if (command !== undefined) {
    if (!(await runBackupCommand(command))) process.exitCode = EXIT_FAILURE;
    return;
  }
  process.stderr.write(USAGE);
  process.exitCode = EXIT_USAGE;
}

async function rotateSigningKey(): Promise<void> {
  const signer = new BundleSigner(parseConfig(process.env));
  await signer.start();
  const before = signer.keyId;
  await signer.rotate();
  process.stdout.write(
    `bundles are signed with ${signer.keyId} instead of ${before} when the controller is started anew\n`,
  );
}

/** The password goes to the terminal; the controller that runs on this directory takes it, and says so in log and audit log. */
async function breakGlass(): Promise<void> {
  const { password, expiresAt } = await makeBreakGlassLogin(parseConfig(process.env), new Date());
  process.stdout.write(
    `log in as user "${BREAK_GLASS_NAME}" with password "${password}", once, until ${expiresAt.toISOString()}; it is in the audit log\n`,
  );
}

async function rotateCertificateAuthority(): Promise<void> {
  const authority = certificateAuthority();
  await authority.start();
  await authority.rotate();
  const fingerprint = authority.rootFingerprint.toString('hex');
  process.stdout.write(
    `certificates are issued by ${fingerprint} when the controller is started anew; the one before is trusted until it is retired\n`,
  );
}

async function rotateIntermediateAuthority(): Promise<void> {
  const authority = certificateAuthority();
  await authority.start();
  await authority.rotateIntermediate();
  process.stdout.write(
    'certificates are issued by another intermediate when the controller is started anew; those of the one before stay good\n',
  );
}

async function retireCertificateAuthority(): Promise<void> {
  const config = parseConfig(process.env);
  const database = new Database(config, new DatabaseScopes(), createLogger('warn'));
  const authority = certificateAuthority();
  try {
    await authority.start();
    await database.start();
    const anchor = new TrustAnchor(database, authority, new BundleSigner(config));
    await retirePreviousAuthority({ database, authority, anchor, trust: new EdgeTrustRepository() });
  } finally {
    await database.stop();
  }
  const fingerprint = authority.rootFingerprint.toString('hex');
  process.stdout.write(`only ${fingerprint} is trusted when the controller is started anew\n`);
}

function certificateAuthority(): CertificateAuthority {
  return new CertificateAuthority(parseConfig(process.env), new Clock(), createLogger('warn'));
}

/** What an operator can do something about is said in words. */
async function orSay(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = EXIT_FAILURE;
  }
}

async function run(): Promise<void> {
  const controller = configure();
  if (controller === undefined) return;
  endOnSignal(controller.running, controller.logger);
  try {
    await controller.running.start();
  } catch (error) {
    if (controller.running.stopping) return;
    controller.logger.fatal({ err: error }, 'the controller does not start');
    await controller.running.stop();
    process.exitCode = EXIT_FAILURE;
  }
}

function configure(): { running: Controller; logger: Logger } | undefined {
  try {
    const config = parseConfig(process.env);
    const logger = createLogger(config.logLevel);
    for (const variable of unknownVariables(process.env)) {
      logger.warn({ variable }, 'environment variable is none of the controller and ignored');
    }
    return { running: new Controller(config, logger), logger };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    createLogger('info').fatal({ problems: error.problems }, error.message);
    process.exitCode = EXIT_FAILURE;
    return undefined;
  }
}

/** The first signal ends in order, within bounds; a second one at once. */
function endOnSignal(controller: Controller, logger: Logger): void {
  const end = (signal: NodeJS.Signals): void => {
    if (controller.stopping) process.exit(EXIT_FAILURE);
    logger.info({ signal }, 'stopping');
    setTimeout(() => {
      logger.error('stopping takes too long');
      process.exit(EXIT_FAILURE);
    }, STOP_PATIENCE_MILLISECONDS).unref();
    controller.stop().then(
      () => {
        logger.info('stopped');
        process.exit(0);
      },
      (error: unknown) => {
        logger.error({ err: error }, 'stopping failed');
        process.exit(EXIT_FAILURE);
      },
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

const COMMANDS: ReadonlyMap<string, () => Promise<void>> = new Map([
  ['--rotate-signing-key', rotateSigningKey],
  ['--break-glass', breakGlass],
  ['--rotate-certificate-authority', rotateCertificateAuthority],
  ['--retire-certificate-authority', retireCertificateAuthority],
  ['--rotate-intermediate-authority', rotateIntermediateAuthority],
]);
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
const STOP_PATIENCE_MILLISECONDS = 30_000;

await main(process.argv.slice(2));
