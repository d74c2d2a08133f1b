/** Destination ports of a service as one line of text and back: `22, 80, 8000-8100`. Empty text means every port. */

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export type PortsResult =
  | { readonly ok: true; readonly ports: readonly PortRange[] }
  | { readonly ok: false; readonly reason: string };

const HIGHEST_PORT = 65_535;
const RANGE = /^(\d{1,5})(?:\s*-\s*(\d{1,5}))?$/;

/** Reads a comma-separated list of ports and ranges; a refusal names the item that is wrong. */
export function parsePorts(text: string): PortsResult {
  const items = text.split(/[,\s]+(?![-\s])(?<!-\s*)/).filter((item) => item !== '');
  const ports: PortRange[] = [];
  for (const item of items) {
    const match = RANGE.exec(item);
    if (match === null) return refuse(`“${item}” is not a port or a range such as 8000-8100.`);
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    if (last > HIGHEST_PORT || first > HIGHEST_PORT) return refuse(`“${item}” is above ${HIGHEST_PORT}.`);
    if (first > last) return refuse(`“${item}” ends before it begins.`);
    ports.push({ first, last });
  }
  return { ok: true, ports };
}

/** The text that `parsePorts` reads back to the same ranges. */
export function formatPorts(ports: readonly PortRange[]): string {
  return ports.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join(', ');
}

function refuse(reason: string): PortsResult {
  return { ok: false, reason };
}
