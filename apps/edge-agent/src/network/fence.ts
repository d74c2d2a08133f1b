import { messageOf } from '../platform/agent-error.js';
import { FENCE_TABLE, type FencePlan, type FenceState, fenceRuleset, parseFence } from './fence-ruleset.js';
import { NetworkError } from './network-error.js';
import { runProgram } from './run-program.js';

/** The fence as the kernel has it; undefined when there is none. Throws NetworkError. */
export async function readFence(made: Omit<FencePlan, 'ranges'>): Promise<FenceState | undefined> {
  const { code, output, errors } = await runProgram(NFTABLES, ['-j', 'list', 'table', 'inet', FENCE_TABLE], '');
  if (code !== 0) {
    if (NO_SUCH_TABLE.test(errors)) return undefined;
    throw refused('list', errors);
  }
  try {
    return parseFence(JSON.parse(output), made);
  } catch (error) {
    throw new NetworkError(
      'nft_unreadable',
      `nft printed an unknown form: ${messageOf(error)}`,
      'install nftables 0.9.8 or newer',
      { cause: error },
    );
  }
}

/** Puts the fence up as the plan has it, in the place of the one before; its counters go on. Throws NetworkError. */
export async function buildFence(plan: FencePlan): Promise<void> {
  const before = await readFence(plan);
  const { code, errors } = await runProgram(NFTABLES, ['-f', '-'], fenceRuleset(plan, before));
  if (code !== 0) throw refused('build', errors);
}

/** Takes it away; no error when there is none. Throws NetworkError. */
export async function removeFence(): Promise<void> {
  const { code, errors } = await runProgram(NFTABLES, ['-f', '-'], `delete table inet ${FENCE_TABLE}\n`);
  if (code !== 0 && !NO_SUCH_TABLE.test(errors)) throw refused('remove', errors);
}

function refused(what: string, errors: string): NetworkError {
  return new NetworkError(
    'nft_refused',
    `nft cannot ${what} the table ${FENCE_TABLE}: ${errors.trim().split('\n').slice(0, 2).join('; ')}`,
    'run as root or with CAP_NET_ADMIN, on a kernel with nf_tables (CONFIG_NF_TABLES, NFT_SOCKET and NFT_FIB_INET)',
  );
}

const NFTABLES = { name: 'nft', code: 'nft_missing', debianPackage: 'nftables' } as const;
const NO_SUCH_TABLE = /No such file or directory/;
