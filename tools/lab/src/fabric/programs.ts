import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ProcessSpec } from '../sandbox/protocol.js';
import { SANDBOX_STATE_DIRECTORY } from '../sandbox/protocol.js';
import type { SiteTopology, Topology } from '../topology/topology.js';

/** How the programs of the fabric are started: the lines an operator would type, in the namespace of their machine. */
export const CONTROLLER_PROCESS = 'controller';
export const CONTROLLER_SOCKET = `${SANDBOX_STATE_DIRECTORY}/controller/http.sock`;

/** The controller with a Postgres of its own, or with the one that PG_BIN_DIR names. */
export function controllerProgram(topology: Topology, adminPassword: string): ProcessSpec {
  const address = topology.controllerUplink.address;
  return {
    name: CONTROLLER_PROCESS,
    namespace: topology.controllerNamespace,
    command: process.execPath,
    args: [CONTROLLER],
    env: {
      NODE_ENV: 'production',
      WEFT_HTTP_LISTEN: `unix:${CONTROLLER_SOCKET}`,
      WEFT_SESSION_LISTEN: `${address}:${SESSION_PORT}`,
      WEFT_ENROLLMENT_LISTEN: `${address}:${ENROLLMENT_PORT}`,
      WEFT_PUBLIC_HOST: address,
      WEFT_DATA_DIR: `${SANDBOX_STATE_DIRECTORY}/controller`,
      WEFT_ADMIN_PASSWORD: adminPassword,
      // The lab's database must vanish with it, so a server that belongs to somebody else is out of the question.
      DATABASE_URL: '',
    },
  };
}

/** `weft-edge enroll`, once. */
export function enrollProgram(topology: Topology, site: SiteTopology, token: string): ProcessSpec {
  const controller = `${topology.controllerUplink.address}:${ENROLLMENT_PORT}`;
  const args = ['enroll', '--controller', controller, '--token', token, '--state-dir', stateDirectory(site)];
  return edgeProgram(`${site.name}-enroll`, site, args);
}

/** `weft-edge run`. */
export function runProgram(site: SiteTopology): ProcessSpec {
  return edgeProgram(edgeProcess(site.name), site, ['run', '--state-dir', stateDirectory(site)]);
}

/** What a running agent is asked with, as `execute` takes it: `weft-edge status`, `weft-edge ike`. */
export function edgeCommand(site: SiteTopology, subcommand: string): readonly [string, string, readonly string[]] {
  return [site.edgeNamespace, process.execPath, [EDGE_AGENT, subcommand, '--state-dir', stateDirectory(site)]];
}

/** The process name of a site's edge agent. */
export function edgeProcess(site: string): string {
  return `${site}-edge`;
}

/** The process name of a host's file server. */
export function fileServerProcess(site: string): string {
  return `${site}-files`;
}

export function fileServerProgram(site: SiteTopology): ProcessSpec {
  return {
    name: fileServerProcess(site.name),
    namespace: site.hostNamespace,
    command: process.execPath,
    args: [FILE_SERVER, site.name],
  };
}

/** The path of the file client, run with `node` in a host's namespace. */
export const FILE_CLIENT = fileURLToPath(new URL('../../dist/host/file-client.js', import.meta.url));

function edgeProgram(name: string, site: SiteTopology, args: readonly string[]): ProcessSpec {
  return {
    name,
    namespace: site.edgeNamespace,
    command: process.execPath,
    args: [...nodeOptionsOf(EDGE_AGENT), EDGE_AGENT, ...args],
    env: { NODE_ENV: 'production' },
  };
}

/** What the first line of a program has Node do. */
function nodeOptionsOf(program: string): readonly string[] {
  return /^#!\/usr\/bin\/env -S node (.+)$/m.exec(readFileSync(program, 'utf8'))?.[1]?.split(' ') ?? [];
}

function stateDirectory(site: SiteTopology): string {
  return `${SANDBOX_STATE_DIRECTORY}/edges/${site.name}`;
}

const SESSION_PORT = 8443;
const ENROLLMENT_PORT = 8444;
const CONTROLLER = fileURLToPath(new URL('../../../../apps/controller/dist/main.js', import.meta.url));
const EDGE_AGENT = fileURLToPath(new URL('../../../../apps/edge-agent/dist/main.js', import.meta.url));
const FILE_SERVER = fileURLToPath(new URL('../../dist/host/file-server.js', import.meta.url));
