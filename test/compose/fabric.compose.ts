import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseCountedPing, pingArguments } from '@weft/lab';
import { afterAll, beforeAll, describe, expect, it, type TestContext, vi } from 'vitest';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const project = `weft-test-${process.pid}`;
const HOSTS = {
  berlin: ['10.81.1.10', 'fd81:0:0:1::10'],
  paris: ['10.81.2.10', 'fd81:0:0:2::10'],
  tokyo: ['fd81:0:0:3::10'],
} as const;
const PINGS = 20;
const ONE_SHOT = ['credentials', 'setup'];

const compose = docker('compose', 'version').status === 0;
const engine = compose && docker('info').status === 0;

describe('docker-compose.yml', () => {
  it('is valid, and every service that stays has a health check', (context) => {
    needs(context, compose, 'needs the compose plugin of Docker');
    const { services } = JSON.parse(output('compose', 'config', '--format', 'json')) as {
      services: Record<string, { healthcheck?: unknown; cap_drop?: string[]; privileged?: boolean }>;
    };
    const unchecked = Object.keys(services).filter(
      (name) => !ONE_SHOT.includes(name) && services[name]?.healthcheck === undefined,
    );
    expect(unchecked).toEqual([]);
    expect(Object.values(services).some((service) => service.privileged === true)).toBe(false);
    for (const name of ['controller', 'berlin-edge']) expect(services[name]?.cap_drop).toEqual(['ALL']);
  });
});

describe('the fabric in containers', () => {
  beforeAll(async () => {
    if (!engine) return;
    const up = docker('compose', 'up', ...BUILD, '--detach', '--wait', '--wait-timeout', '300');
    if (up.status !== 0) throw new Error(`docker compose up failed:\n${up.stderr.slice(-8192)}`);
    // Healthy is an edge that its controller has; what it then agrees on with its peers takes a moment more.
    const everybodyIsKeyed = () => {
      for (const site of Object.keys(HOSTS)) expect([site, agreedKeys(site)]).toEqual([site, 2]);
    };
    await vi.waitFor(everybodyIsKeyed, { timeout: 60_000, interval: 500 });
  });

  afterAll(() => {
    if (engine) docker('compose', 'down', '--volumes', '--timeout', '10');
  });

  const pairs = Object.keys(HOSTS).flatMap((from) =>
    Object.entries(HOSTS)
      .filter(([to]) => to !== from)
      .flatMap(([to, addresses]) => addresses.map((address) => ({ from, to, address }))),
  );
  // tokyo is reached by IPv6 only, and has no IPv4 inside to answer from.
  const reachable = pairs.filter(({ from, address }) => from !== 'tokyo' || address.includes(':'));

  it.for(reachable)('carries pings from $from to $to ($address)', ({ from, address }, context) => {
    needs(context, engine, NO_ENGINE);
    const ping = docker('compose', 'exec', '-T', `${from}-host`, 'ping', ...pingArguments(address, PINGS));
    expect(parseCountedPing(ping.stdout, PINGS)).toEqual({ sent: PINGS, received: PINGS });
  });

  it('lets nothing of it leave in the clear: an edge routes the other sites into its tunnel device', (context) => {
    needs(context, engine, NO_ENGINE);
    const routes = output(
      'compose',
      'exec',
      '-T',
      'berlin-edge',
      'ip',
      'route',
      'show',
      'table',
      '119',
      '10.81.2.0/24',
    );
    expect(routes).toContain('dev weft0');
    expect(routes).toContain('unreachable');
  });

  it('shows every edge connected, by its own word', (context) => {
    needs(context, engine, NO_ENGINE);
    for (const site of Object.keys(HOSTS)) {
      expect(output('compose', 'exec', '-T', `${site}-edge`, 'weft-edge', 'status')).toMatch(/controller\s+connected/);
    }
  });

  it('has keys that its edges agreed on, hybrid and post-quantum', (context) => {
    needs(context, engine, NO_ENGINE);
    expect(agreedKeys('berlin')).toBe(2);
  });
});

/** Tunnels of the site's edge that have hybrid keys, by its own word. */
function agreedKeys(site: string): number {
  const status = output('compose', 'exec', '-T', `${site}-edge`, 'weft-edge', 'status');
  return status.match(/keyed\s+CURVE25519 \+ ML_KEM_768, post-quantum/g)?.length ?? 0;
}

const NO_ENGINE = 'no Docker engine answers `docker info`';
/** WEFT_COMPOSE_BUILD=0 runs the images as they are, for machines whose engine cannot reach a registry. */
const BUILD = process.env['WEFT_COMPOSE_BUILD'] === '0' ? [] : ['--build'];

function needs(context: TestContext, there: boolean, why: string): void {
  if (!there) context.skip(why);
}

function docker(...args: string[]) {
  return spawnSync('docker', args, { cwd: root, encoding: 'utf8', env: environment(), maxBuffer: 64 << 20 });
}

function output(...args: string[]): string {
  return execFileSync('docker', args, { cwd: root, encoding: 'utf8', env: environment() });
}

/** A project of its own and any free port: volumes and containers of a fabric that runs already are left alone. */
function environment(): NodeJS.ProcessEnv {
  return { ...process.env, COMPOSE_PROJECT_NAME: project, WEFT_CONSOLE_PORT: '0' };
}
