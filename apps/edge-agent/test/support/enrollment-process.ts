import { enrollResponse, serveEnrollment } from './test-controller.js';
import { TestPki } from './test-pki.js';

/** Serves enrollment on an address of its namespace; prints a line of JSON with the port and a token, and stays. */
const [host = '127.0.0.1'] = process.argv.slice(2);
const pki = await TestPki.create();
const { address } = await serveEnrollment(
  await pki.server(),
  pki.root,
  (call, answer) => {
    enrollResponse(pki, call.request.certificateSigningRequest).then((response) => answer(null, response), answer);
  },
  host,
);
process.stdout.write(`${JSON.stringify({ port: address.port, token: pki.token() })}\n`);
