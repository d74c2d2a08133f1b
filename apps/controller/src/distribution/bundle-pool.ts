import type { AddressRange, Bundle, SecurityPolicy, Selector, Tunnel } from '@weft/contracts/southbound';

/**
 * Bundles of one tenant say the same again and again: who the peers are, how tunnels are negotiated, which rules there are, whose
 * addresses. Of each one is kept in memory, whatever bundles it came with; nobody changes a bundle that was decoded.
 */
export class BundlePool {
  readonly #texts = new Map<string, string>();
  readonly #values = new Map<string, unknown>();

  /** The same bundle, made of what is known already. */
  shared(bundle: Bundle): Bundle {
    return {
      ...bundle,
      tunnels: bundle.tunnels.map((tunnel) => this.#tunnel(tunnel)),
      securityPolicies: bundle.securityPolicies.map((policy) => this.#policy(policy)),
      routes: bundle.routes.map((route) => this.#text(route)),
      addressSets: bundle.addressSets.map(({ ranges }) => this.#value('set', keyOf(ranges), { ranges })),
    };
  }

  #tunnel(tunnel: Tunnel): Tunnel {
    const { ike, profile, remote } = tunnel;
    return {
      ...tunnel,
      tunnelId: this.#text(tunnel.tunnelId),
      peerEdgeId: this.#text(tunnel.peerEdgeId),
      peerName: this.#text(tunnel.peerName),
      ...(remote === undefined ? {} : { remote: this.#value('endpoint', `${remote.address} ${remote.port}`, remote) }),
      ...(profile === undefined ? {} : { profile: this.#value('profile', JSON.stringify(profile), profile) }),
      ...(ike === undefined ? {} : { ike: this.#value('ike', JSON.stringify(ike), ike) }),
    };
  }

  #policy(policy: SecurityPolicy): SecurityPolicy {
    const { selector } = policy;
    return {
      ...policy,
      entryId: this.#text(policy.entryId),
      ruleId: this.#text(policy.ruleId),
      tunnelId: this.#text(policy.tunnelId),
      ...(selector === undefined ? {} : { selector: this.#selector(selector) }),
    };
  }

  /** One that spells addresses out is its entry's own. */
  #selector(selector: Selector): Selector {
    if (selector.localAddresses.length > 0 || selector.remoteAddresses.length > 0) return selector;
    return this.#value('selector', JSON.stringify(selector), selector);
  }

  #text(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return text;
  }

  /** Of values of one kind, the first with this key. */
  #value<Value>(kind: string, key: string, value: Value): Value {
    const name = `${kind} ${key}`;
    if (this.#values.has(name)) return this.#values.get(name) as Value;
    this.#values.set(name, value);
    return value;
  }
}

function keyOf(ranges: readonly AddressRange[]): string {
  return ranges.map(({ first, last }) => `${first.toString('latin1')}-${last.toString('latin1')}`).join();
}
