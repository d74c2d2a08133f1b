import { CAPABILITY, capabilitySet, readCapabilities, restartWithin, SystemCallError } from '@weft/linux-io';

/**
 * Gives up every capability but those of the network: becomes the same program again without them. Comes back when there is
 * nothing to give up. @returns why something could not be given up; undefined when nothing is left.
 */
export function keepNetworkCapabilitiesOnly(): string | undefined {
  const kept = capabilitySet([CAPABILITY.CAP_NET_ADMIN, CAPABILITY.CAP_NET_RAW]);
  const { permitted } = readCapabilities();
  if ((permitted & ~kept) === 0n) return undefined;
  try {
    return restartWithin(kept, process.execPath, [...process.execArgv, ...process.argv.slice(1)], process.env);
  } catch (error) {
    if (error instanceof SystemCallError) return error.message;
    throw error;
  }
}
