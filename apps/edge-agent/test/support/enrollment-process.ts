import { enrollResponse, serveEnrollment } from './test-controller.js';
import { TestPki } from './test-pki.js';

/**
 * Serves enrollment on an address of its namespace; prints a line of JSON with the port and a token, and stays. Edges are told of
 * the networks that it is given.
 * usage: enrollment-process.ts HOST [PREFIX ...]
 */
const [host = '127.0.0.1', ...routes] = process.argv.slice(2);
const protectedNetworks = routes.length === 0 ? undefined : { routes, localNetworks: [] };
const pki = await TestPki.create();
const { address } = await serveEnrollment(
  await pki.server(),
  pki.root,
  (call, answer) => {
    enrollResponse(pki, call.request.certificateSigningRequest).then(
      (response) => answer(null, { ...response, protectedNetworks }),
      answer,
    );
  },
  host,
);
process.stdout.write(`${JSON.stringify({ port: address.port, token: pki.token() })}\n`);
