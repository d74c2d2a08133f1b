import { get } from 'node:http';
import { digestOf } from './content.js';

/**
 * Fetches a file over HTTP: `node file-client.js URL`. Prints one JSON line with what arrived. The clock stops at the last
 * octet; hashing comes after it.
 */
const url = process.argv[2] ?? '';
const started = performance.now();
const request = get(url, { agent: false }, (response) => {
  const pieces: Buffer[] = [];
  response.on('data', (piece: Buffer) => pieces.push(piece));
  response.on('error', fail);
  response.on('end', () => {
    const seconds = (performance.now() - started) / 1000;
    const octets = pieces.reduce((sum, piece) => sum + piece.length, 0);
    process.stdout.write(
      `${JSON.stringify({ status: response.statusCode, octets, seconds, sha256: digestOf(pieces) })}\n`,
    );
  });
});
request.on('error', fail);

function fail(error: Error): void {
  process.stderr.write(`GET ${url}: ${error.message}\n`);
  process.exitCode = 1;
}
