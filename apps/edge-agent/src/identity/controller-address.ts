/** Where a controller listens. */
export interface ControllerAddress {
  /** Host name or address, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Parses `host:port`, `192.0.2.1:8444` or `[2001:db8::1]:8444`; `undefined` when it is none of these. */
export function parseControllerAddress(text: string): ControllerAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host !== undefined && port >= 1 && port <= 0xffff ? { host, port } : undefined;
}

/** The address as gRPC and people write it. */
export function formatControllerAddress(address: ControllerAddress): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
