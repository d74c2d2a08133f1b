/** Every way in which octets are not an IKEv2 message. `at` is the offset of the offending structure. */
export type IkeWireProblem =
  | { readonly code: 'truncated'; readonly what: string; readonly need: number; readonly have: number }
  | { readonly code: 'trailing_octets'; readonly what: string; readonly count: number }
  | { readonly code: 'bad_length'; readonly what: string; readonly length: number }
  | { readonly code: 'bad_value'; readonly what: string; readonly value: number }
  | { readonly code: 'too_many'; readonly what: string; readonly limit: number }
  | { readonly code: 'too_large'; readonly what: string; readonly limit: number }
  | { readonly code: 'major_version'; readonly version: number }
  | { readonly code: 'unsupported_critical'; readonly payloadType: number }
  | { readonly code: 'payload_after_encrypted'; readonly payloadType: number };

/** Thrown inside the parsers, returned as a value by `parseMessage` and `parsePayloads`. */
export class IkeWireError extends Error {
  readonly problem: IkeWireProblem;

  constructor(problem: IkeWireProblem) {
    super(describe(problem));
    this.name = 'IkeWireError';
    this.problem = problem;
  }
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: IkeWireProblem };

/** Runs a parser; its refusal becomes a value, anything else is a defect of ours and stays an exception. */
export function attempt<T>(parse: () => T): Parsed<T> {
  try {
    return { ok: true, value: parse() };
  } catch (error) {
    if (error instanceof IkeWireError) return { ok: false, problem: error.problem };
    throw error;
  }
}

export function describe(problem: IkeWireProblem): string {
  switch (problem.code) {
    case 'truncated':
      return `${problem.what} needs ${problem.need} octets, ${problem.have} are there.`;
    case 'trailing_octets':
      return `${problem.count} octets follow the end of ${problem.what}.`;
    case 'bad_length':
      return `${problem.what} has the impossible length ${problem.length}.`;
    case 'bad_value':
      return `${problem.what} has the impossible value ${problem.value}.`;
    case 'too_many':
      return `More than ${problem.limit} ${problem.what}.`;
    case 'too_large':
      return `${problem.what} exceeds ${problem.limit} octets.`;
    case 'major_version':
      return `IKE major version ${problem.version}; this engine speaks version 2.`;
    case 'unsupported_critical':
      return `Payload type ${problem.payloadType} is critical and unknown.`;
    case 'payload_after_encrypted':
      return `Payload type ${problem.payloadType} follows the Encrypted payload, which must be last.`;
  }
}
