import { createServer } from 'node:http';
import { digestOf, FILE_MEBIBYTES, FILE_PORT, makeContent } from './content.js';

/**
 * A host's HTTP server: `node file-server.js SITE`. Serves the site's file on every address and logs its SHA-256, so that
 * the expected digest reaches the lab by another way than the network it proves.
 */
const site = process.argv[2] ?? '';
const content = makeContent(site, FILE_MEBIBYTES * 1_048_576);
const sha256 = digestOf(content);

createServer((request, response) => {
  if (request.url !== '/file') {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': content.length });
  response.end(content);
}).listen(FILE_PORT, '::', () => {
  process.stdout.write(`${JSON.stringify({ msg: 'file server ready', site, sha256 })}\n`);
});
