import { describe, expect, it } from 'vitest';
import { directionsOf, flowsOf, LAB_TOPOLOGY, siteNamed } from './topology.js';

describe('the lab topology', () => {
  it('has a flow for every ordered pair of hosts in every family that both have', () => {
    const flows = flowsOf(LAB_TOPOLOGY).map((flow) => `${flow.from.name}>${flow.to.name}/${flow.family}`);
    expect(flows.sort()).toEqual([
      'berlin>paris/4',
      'berlin>paris/6',
      'berlin>tokyo/6',
      'paris>berlin/4',
      'paris>berlin/6',
      'paris>tokyo/6',
      'tokyo>berlin/6',
      'tokyo>paris/6',
    ]);
  });

  it('has one direction per ordered pair, in both families over all', () => {
    const directions = directionsOf(LAB_TOPOLOGY).map((flow) => `${flow.from.name}>${flow.to.name}/${flow.family}`);
    expect(directions).toEqual([
      'berlin>paris/4',
      'berlin>tokyo/6',
      'paris>berlin/6',
      'paris>tokyo/6',
      'tokyo>berlin/6',
      'tokyo>paris/6',
    ]);
  });

  it('gives every address once', () => {
    const links = [LAB_TOPOLOGY.controllerUplink, ...LAB_TOPOLOGY.sites.map((site) => site.uplink)];
    const addresses = [
      ...links.flatMap((each) => [each.address, each.routerAddress, each.address6, each.routerAddress6]),
      ...LAB_TOPOLOGY.sites.flatMap((site) => site.networks.flatMap((lan) => [lan.edgeAddress, lan.hostAddress])),
    ];
    expect(new Set(addresses).size).toBe(addresses.length);
  });

  it('keeps every interface name within the 15 characters of IFNAMSIZ', () => {
    const names = [LAB_TOPOLOGY.controllerUplink, ...LAB_TOPOLOGY.sites.map((site) => site.uplink)].map(
      (each) => each.routerInterface,
    );
    for (const name of names) expect(name.length).toBeLessThanOrEqual(15);
  });

  it('names the sites that exist when one does not', () => {
    expect(() => siteNamed(LAB_TOPOLOGY, 'rome')).toThrow(/berlin, paris, tokyo/);
  });
});
