import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentProcess } from './support/agent-process.js';
import { type Crossed, watchCrossings } from './support/crossing-watch.js';
import {
  buildHostNetwork,
  EDGE,
  type HostNames,
  hostsBundle,
  type KnownHost,
  NAME_SERVERS,
  NOTEBOOK,
  OUTSIDE,
  PHONE,
  tabletOf,
} from './support/hosts-behind-nat.js';
import { hasNft, Namespaces, namespacesUnavailable } from './support/namespaces.js';
import { type HostProof, type HostSettings, StrongswanHost, strongswanUnavailable } from './support/strongswan-host.js';
import { TestCredential } from './support/test-authority.js';
import { signBundle } from './support/test-bundle.js';
import { EDGE_ID, TestPki } from './support/test-pki.js';

const PATIENCE = { timeout: 60_000 };
const ANY = ['0.0.0.0', '::'];
const unavailable =
  namespacesUnavailable() ?? (hasNft() ? undefined : 'needs nft (nftables)') ?? strongswanUnavailable();

describe.skipIf(unavailable !== undefined)(`a remote host${unavailable ? ` (${unavailable})` : ''}`, () => {
  const namespaces = new Namespaces('host');
  const directory = mkdtempSync(path.join(tmpdir(), 'weft-remote-host-'));
  let names: HostNames;
  let edge: AgentProcess;
  let notebook: StrongswanHost;
  let phone: StrongswanHost;
  let tablet: KnownHost;
  let certified: HostProof;
  /** What has crossed the internet since the last call. */
  let crossed: () => Promise<Crossed>;

  beforeAll(async () => {
    names = buildHostNetwork(namespaces);
    const [pki, fleet] = await Promise.all([TestPki.create(), TestCredential.root('CN=Fleet')]);
    tablet = tabletOf(Buffer.from(fleet.der));
    const alternative = [{ type: 'dns' as const, value: tablet.identity }];
    const issued = await fleet.issue('CN=tablet', { names: alternative });
    certified = {
      kind: 'certificate',
      certificate: issued.pem,
      privateKey: issued.privateKeyPem,
      authority: pki.root.pem,
    };
    const preSharedKeys = [NOTEBOOK.proof.key, PHONE.proof.key];
    const content = hostsBundle([NOTEBOOK, PHONE, tablet]);
    const bundle = { ...signBundle(pki, content, { edgeId: EDGE_ID }), preSharedKeys };
    const identity = await pki.storedIdentity('127.0.0.1:1');
    edge = await AgentProcess.prepare(namespaces, names.edge, path.join(directory, 'state'), identity, bundle);
    notebook = new StrongswanHost(namespaces, names.notebook, path.join(directory, 'notebook'));
    phone = new StrongswanHost(namespaces, names.phone, path.join(directory, 'phone'));
    crossed = await watchCrossings(namespaces, names.internet, EDGE.underlay, ['10.1', '10.9', '2001:db8']);
    await edge.run(/^edge ready$/);
  });

  afterAll(async () => {
    await namespaces.close();
    rmSync(directory, { recursive: true });
  });

  it('is waited for, and nothing for it leaves in the clear', async () => {
    expect(stateOf('notebook')).toMatch(/anywhere +waits for the host/);
    expect(stateOf('phone')).toMatch(/anywhere +waits for the host/);
    for (const address of [...NOTEBOOK.assigned, '10.9.0.200']) expect(fromSite(address)).not.toMatch(/1 received/);
    expect(await crossed()).toMatchObject({ clear: 0 });
  });

  it('gets its addresses and name servers and no others, and passes in both directions and families', async () => {
    await notebook.start(settings(NOTEBOOK));
    expect(notebook.connect()).toMatch(/initiate completed successfully/);
    expect(assignedIn(names.notebook)).toEqual([...NOTEBOOK.assigned]);
    expect(notebook.nameServers()).toEqual([...NAME_SERVERS]);
    await expectUp(NOTEBOOK);
    expect(await crossed()).toMatchObject({ clear: 0, esp: expect.any(Number) });
    expect(stateOf('notebook')).toMatch(/198\.51\.100\.1 port 4\d{4} +keyed/);
  });

  it('with another identity and key gets an address of its own, whichever it asks for', async () => {
    await phone.start({ ...settings(PHONE), addresses: [...NOTEBOOK.assigned] });
    expect(phone.connect()).toMatch(/initiate completed successfully/);
    expect(assignedIn(names.phone)).toEqual([...PHONE.assigned]);
    await expectUp(PHONE);
    await expectUp(NOTEBOOK);
    await phone.kill();
  });

  it('with a certificate of its authority shows that, and believes the edge by its own; it may have nobody to talk with in IPv6', async () => {
    const proven = { gatewayIdentity: 'CN=edge', proof: certified };
    await phone.start({ ...settings(PHONE), ...proven, identity: tablet.identity, networks: tablet.reaches });
    expect(phone.connect()).toMatch(/initiate completed successfully/);
    expect(assignedIn(names.phone)).toEqual([...tablet.assigned]);
    await expectUp(tablet);
    await phone.kill();
    await phone.start({ ...settings(PHONE), ...proven });
    expect(phone.connect()).not.toMatch(/initiate completed successfully/);
    await phone.kill();
  });

  it('that says to be another one is refused, and why is said; that one goes on', async () => {
    await phone.start({ ...settings(NOTEBOOK), proof: settings(PHONE).proof });
    expect(phone.connect()).toMatch(/AUTHENTICATION_FAILED/);
    await edge.said(/^somebody who says to be this host was refused$/);
    expect(edge.log.find(({ msg }) => msg.startsWith('somebody who says'))?.['reason']).toMatch(
      /pre-shared keys differ/,
    );
    expect(edge.command('ike')).toMatch(/somebody who says to be it was refused: .*pre-shared keys differ/);
    await expectUp(NOTEBOOK);
    await phone.kill();
    await phone.start({ ...settings(PHONE), proof: settings(NOTEBOOK).proof });
    expect(phone.connect()).toMatch(/AUTHENTICATION_FAILED/);
    await phone.kill();
  });

  it('has to ask for addresses', async () => {
    await phone.start({ ...settings(PHONE), addresses: [] });
    expect(phone.connect()).toMatch(/FAILED_CP_REQUIRED/);
    await expect.poll(() => stateOf('phone'), PATIENCE).toMatch(/did not ask/);
    await phone.kill();
  });

  it('is rekeyed, and nothing is lost', async () => {
    for (const what of ['--child', '--ike']) {
      const pinging = namespaces.start(names.edge, 'ping', [...LONG_PINGS, '-I', EDGE.hosts[0], NOTEBOOK.assigned[0]]);
      notebook.swanctl('--rekey', what, 'office');
      expect(await text(pinging.stdout)).toMatch(/200 packets transmitted, 200 received/);
    }
  });

  it('moves behind its NAT with all it has', async () => {
    const before = ikeSaOf(notebook);
    const [first, second] = NOTEBOOK.inside;
    namespaces.ip(names.notebook, `address add ${second}/24 dev wifi`);
    namespaces.ip(names.notebook, `address del ${first}/24 dev wifi`);
    namespaces.ip(names.notebook, 'route replace default via 10.77.1.1');
    await expect.poll(() => notebook.swanctl('--list-sas'), PATIENCE).toContain(`@ ${second}`);
    await expectUp(NOTEBOOK);
    expect(ikeSaOf(notebook)).toBe(before);
    expect(await crossed()).toMatchObject({ clear: 0 });
  });

  it('is followed when its NAT gets another address, with all it has', async () => {
    const before = ikeSaOf(notebook);
    moveNat(OUTSIDE[0], OUTSIDE[1]);
    await expectUp(NOTEBOOK);
    await expect.poll(() => stateOf('notebook'), PATIENCE).toMatch(/198\.51\.100\.2 port 4\d{4} +keyed/);
    expect(ikeSaOf(notebook)).toBe(before);
  });

  it('comes back from another address after it went without a word, to the address that it had', async () => {
    await notebook.kill();
    moveNat(OUTSIDE[1], OUTSIDE[0]);
    await notebook.start(settings(NOTEBOOK));
    expect(notebook.connect()).toMatch(/initiate completed successfully/);
    expect(assignedIn(names.notebook)).toEqual([...NOTEBOOK.assigned]);
    await expectUp(NOTEBOOK);
    expect(stateOf('notebook')).toMatch(/198\.51\.100\.1 port 4\d{4} +keyed/);
  });

  it('is kept in while the agent is away, and comes again by itself when that is back', async () => {
    await crossed();
    await edge.end('SIGKILL');
    for (const address of NOTEBOOK.assigned) expect(fromSite(address)).not.toMatch(/1 received/);
    expect(await crossed()).toMatchObject({ clear: 0 });
    await edge.run(/^edge ready$/);
    await expectUp(NOTEBOOK);
    expect(assignedIn(names.notebook)).toEqual([...NOTEBOOK.assigned]);
    expect(await crossed()).toMatchObject({ clear: 0 });
  });

  it('says good-bye, and is waited for again', async () => {
    notebook.swanctl('--terminate', '--ike', 'office');
    await expect.poll(() => stateOf('notebook'), PATIENCE).toMatch(/anywhere +waits for the host/);
    expect(edge.command('metrics')).toMatch(/weft_edge_tunnel_waits_for_host\{[^}]*peer="notebook"\} 1\n/);
  });

  function settings({ identity, proof }: typeof NOTEBOOK | typeof PHONE): HostSettings {
    return {
      gateway: EDGE.underlay,
      identity,
      gatewayIdentity: EDGE.identity,
      proof: { kind: 'key', key: proof.key.key.toString() },
      networks: EDGE.networks,
      addresses: ANY,
    };
  }

  /** With the address that it loses the mappings of the NAT go. */
  function moveNat(from: string, to: string): void {
    namespaces.ip(names.nat, `address add ${to}/24 dev wan`);
    namespaces.ip(names.nat, `address del ${from}/24 dev wan`);
    namespaces.ip(names.nat, 'route replace default via 198.51.100.254');
  }

  async function expectUp({ name, assigned, reaches }: KnownHost): Promise<void> {
    const namespace = name === NOTEBOOK.name ? names.notebook : names.phone;
    for (const [index, address] of assigned.slice(0, reaches.length).entries()) {
      const inside = EDGE.hosts[index] ?? '';
      await expect.poll(() => ping(names.edge, inside, address), PATIENCE).toMatch(/3 received/);
      await expect.poll(() => ping(namespace, address, inside), PATIENCE).toMatch(/3 received/);
    }
  }

  function ping(namespace: string, from: string, to: string, count = '3'): string {
    return attempt(() => namespaces.run(namespace, 'ping', ['-c', count, '-i', '0.05', '-W', '2', '-I', from, to]));
  }

  /** One ping from behind the edge. */
  function fromSite(address: string): string {
    return ping(names.edge, EDGE.hosts[address.includes(':') ? 1 : 0], address, '1');
  }

  /** Virtual addresses that are on the devices of a namespace, IPv4 first. */
  function assignedIn(namespace: string): readonly string[] {
    const shown = namespaces.ip(namespace, '-o address show');
    return [...shown.matchAll(/inet6? (10\.9\.\S+|2001:\S+)\/\d+/g)].map(([, address = '']) => address).sort();
  }

  /** Its row of `weft-edge tunnels`. */
  function stateOf(peer: string): string {
    return (
      edge
        .command('tunnels')
        .split('\n')
        .find((line) => line.startsWith(`${peer} `)) ?? ''
    );
  }
});

function ikeSaOf(host: StrongswanHost): string | undefined {
  return /^office: (#\d+), ESTABLISHED/m.exec(host.swanctl('--list-sas'))?.[1];
}

function attempt(run: () => string): string {
  try {
    return run();
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    return `${stdout ?? ''}${stderr ?? ''}${String(error)}`;
  }
}

const LONG_PINGS = ['-q', '-c', '200', '-i', '0.02', '-W', '2'];
