import { answerOf, edgeCommand, type Lab, siteNamed } from '@weft/lab';

export interface SecondEdge {
  readonly namespace: string;
  /** Its address on the underlay. */
  readonly uplink: string;
}

export interface SecondEdgePlan {
  readonly site: string;
  /** Of the edge, its namespace and its process. */
  readonly name: string;
  /** Its address on the IPv4 segment of the site. */
  readonly lan: string;
  /** The first three octets of the link to the router, which is a network of 256 addresses. */
  readonly uplink: string;
}

/**
 * Gives a site of the lab another edge, from its machine to its running agent. The host of the site becomes the switch between
 * itself and both. Nothing is published.
 */
export async function enrollSecondEdge(lab: Lab, plan: SecondEdgePlan): Promise<SecondEdge> {
  const second = { namespace: plan.name, uplink: `${plan.uplink}.2` };
  await makeSwitch(lab, plan.site);
  await connect(lab, plan);
  const { client, tenantId } = lab.api;
  const siteId = lab.fabric.siteIds.get(plan.site) ?? '';
  const body = { siteId, name: plan.name, underlayAddress: second.uplink, underlayPort: 4500 };
  const made = await client.POST('/api/v1/tenants/{tenantId}/edges', { params: { path: { tenantId } }, body });
  const { id: edgeId } = answerOf(made, `Create edge ${plan.name}`);
  const token = await client.POST('/api/v1/tenants/{tenantId}/edges/{edgeId}/enrollment-tokens', {
    params: { path: { tenantId, edgeId } },
  });
  await startAgent(lab, plan, answerOf(token, 'Create an enrollment token').token);
  return second;
}

/** The addresses of the host move from its one link to a bridge, which other links can join. */
async function makeSwitch(lab: Lab, site: string): Promise<void> {
  const { hostNamespace, networks } = siteNamed(lab.topology, site);
  await ip(lab, hostNamespace, 'link add bridge0 type bridge');
  await ip(lab, hostNamespace, 'address flush dev lan0');
  await ip(lab, hostNamespace, 'link set lan0 master bridge0');
  await ip(lab, hostNamespace, 'link set bridge0 up');
  for (const { family, hostAddress, prefixLength, edgeAddress } of networks) {
    const nodad = family === 6 ? ' nodad' : '';
    await ip(lab, hostNamespace, `address add ${hostAddress}/${prefixLength} dev bridge0${nodad}`);
    await ip(lab, hostNamespace, `-${family} route replace default via ${edgeAddress}`);
  }
}

async function connect(lab: Lab, { site, name, lan, uplink }: SecondEdgePlan): Promise<void> {
  const { routerNamespace } = lab.topology;
  const { hostNamespace } = siteNamed(lab.topology, site);
  await ip(lab, routerNamespace, `netns add ${name}`);
  for (const setting of [
    'net.ipv4.ip_forward=1',
    'net.ipv4.conf.all.rp_filter=0',
    'net.ipv4.conf.default.rp_filter=0',
  ]) {
    await command(lab, name, 'sysctl', ['-q', '-w', setting]);
  }
  await ip(lab, routerNamespace, `link add ${name} type veth peer name wan0 netns ${name}`);
  await ip(lab, hostNamespace, `link add second type veth peer name lan0 netns ${name}`);
  await ip(lab, routerNamespace, `address add ${uplink}.1/24 dev ${name}`);
  await ip(lab, routerNamespace, `link set ${name} up`);
  await ip(lab, hostNamespace, 'link set second master bridge0');
  await ip(lab, hostNamespace, 'link set second up');
  await ip(lab, name, 'link set lo up');
  await ip(lab, name, `address add ${lan}/24 dev lan0`);
  await ip(lab, name, `address add ${uplink}.2/24 dev wan0`);
  await ip(lab, name, 'link set lan0 up');
  await ip(lab, name, 'link set wan0 up');
  await ip(lab, name, `route add default via ${uplink}.1`);
}

async function startAgent(lab: Lab, { site, name }: SecondEdgePlan, token: string): Promise<void> {
  const machine = { ...siteNamed(lab.topology, site), name, edgeNamespace: name };
  const [, program, enroll] = edgeCommand(machine, 'enroll');
  const controller = `${lab.topology.controllerUplink.address}:${ENROLLMENT_PORT}`;
  await command(lab, name, program, [...enroll, '--controller', controller, '--token', token]);
  const [, , run] = edgeCommand(machine, 'run');
  await lab.start({ name, namespace: name, command: program, args: run, env: { NODE_ENV: 'production' } });
}

async function ip(lab: Lab, namespace: string, words: string): Promise<void> {
  await command(lab, namespace, 'ip', words.split(' '));
}

async function command(lab: Lab, namespace: string, program: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await lab.execute(namespace, program, args);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
}

const ENROLLMENT_PORT = 8444;
