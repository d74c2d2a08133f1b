import type { KeyingInput } from '@weft/ipsec-core/blind';

/**
 * What a tunnel is still to be told, in the order in which it happened. What says the same as something that waits takes its
 * place, so that nobody fills it: of messages and of SPIs that nobody knows only the last one counts, and an association is told of once.
 */
export class Inbox {
  readonly #inputs = new Map<string, KeyingInput>();

  put(input: KeyingInput): void {
    this.#inputs.set(nameOf(input), input);
  }

  take(): KeyingInput | undefined {
    const [first] = this.#inputs;
    if (first === undefined) return undefined;
    this.#inputs.delete(first[0]);
    return first[1];
  }

  clear(): void {
    this.#inputs.clear();
  }
}

function nameOf(input: KeyingInput): string {
  switch (input.kind) {
    case 'used':
    case 'spent':
    case 'spi_in_use':
      return `${input.kind} ${input.spi}`;
    case 'signed':
    case 'not_signed':
      return 'signature';
    default:
      return input.kind;
  }
}
