// Makes the fabric of docker-compose.yml through the public API: sites, networks, edges, a policy; publishes it, and leaves an
// enrollment token for each edge. Run again, it finds everything there and makes only the tokens that are missing.
import fs from 'node:fs';
import path from 'node:path';

const TOKENS = '/run/weft/tokens';
const SITES = [
  { name: 'berlin', underlayAddress: '172.28.77.21', prefixes: ['10.81.1.0/24', 'fd81:0:0:1::/64'] },
  { name: 'paris', underlayAddress: '172.28.77.22', prefixes: ['10.81.2.0/24', 'fd81:0:0:2::/64'] },
  { name: 'tokyo', underlayAddress: '172.28.77.23', prefixes: ['fd81:0:0:3::/64'] },
];

const base = `${process.env.WEFT_URL}/api/v1`;
let cookie = '';
const password = fs.readFileSync('/run/weft/credentials/admin-password', 'utf8').trim();
const { tenantId } = await call('POST', '/session', { userName: 'admin', password });
const tenant = `/tenants/${tenantId}`;

for (const site of SITES) {
  const { id: siteId } = await named('sites', site.name, { name: site.name });
  for (const prefix of site.prefixes) {
    const family = prefix.includes(':') ? 'ipv6' : 'ipv4';
    await named('networks', `${site.name} ${family}`, { siteId, name: `${site.name} ${family}`, prefix });
  }
  const edge = await named('edges', site.name, {
    siteId,
    name: site.name,
    underlayAddress: site.underlayAddress,
    underlayPort: 4500,
  });
  const file = path.join(TOKENS, site.name);
  if (!edge.live?.enrolledAt && !fs.existsSync(file)) {
    const { token } = await call('POST', `${tenant}/edges/${edge.id}/enrollment-tokens`, {});
    fs.writeFileSync(file, token, { mode: 0o600 });
  }
}
const sites = (await call('GET', `${tenant}/sites?limit=1000`)).items.map(({ id }) => ({ kind: 'site', siteId: id }));
await named('policies', 'all sites', {
  name: 'all sites',
  enabled: true,
  rules: [
    {
      name: 'protect everything',
      action: 'PROTECT',
      enabled: true,
      sources: sites,
      destinations: sites,
      services: [{ protocol: 'any', ports: [] }],
    },
  ],
});
if ((await call('GET', `${tenant}/revisions/draft`)).changed)
  await call('POST', `${tenant}/revisions`, { comment: 'docker compose' });
console.log('the fabric is published; the admin password is in the volume "credentials"');

/** The resource of this name, made if there is none. */
async function named(collection, name, body) {
  const { items } = await call('GET', `${tenant}/${collection}`);
  return items.find((item) => item.name === name) ?? (await call('POST', `${tenant}/${collection}`, body));
}

async function call(method, target, body) {
  const response = await fetch(base + target, {
    method,
    headers: { cookie, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${target}: ${response.status} ${text}`);
  cookie = response.headers.getSetCookie().at(-1)?.split(';')[0] ?? cookie;
  return text === '' ? {} : JSON.parse(text);
}
