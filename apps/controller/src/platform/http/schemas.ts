import { isIP } from 'node:net';
import { z } from 'zod';

/** Fields that several resources share. Every string is bounded, every schema a reader meets has a name of its own. */

export const Identifier = z.uuid().meta({ description: 'UUID made by the controller.' });

export const Name = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[^\p{C}\s](?:[^\p{C}]*[^\p{C}\s])?$/u, 'has control characters or white space at an end')
  .meta({
    description: 'Name for people. No control characters, no white space at the ends.',
  });

export const Description = z
  .string()
  .max(1000)
  .regex(/^(?:[^\p{Cc}\p{Cs}]|[\n\r\t])*$/u, 'has control characters')
  .meta({ description: 'Free text for people; lines and tabs are the only control characters.' });

export const PASSWORD_MINIMUM = 12;
export const PASSWORD_MAXIMUM = 256;

export const NewPassword = z
  .string()
  .min(PASSWORD_MINIMUM)
  .max(PASSWORD_MAXIMUM)
  .meta({ description: 'Length is what counts; it is kept as argon2id and never shown.' });

export const Timestamp = z.iso.datetime().meta({ description: 'UTC, RFC 3339.' });

export const Version = z
  .int()
  .min(1)
  .meta({ description: 'Grows with every change; the ETag is this number in quotes.' });

export const Port = z.int().min(0).max(65535);

/** Longest textual prefix: 45 octets of IPv4-mapped IPv6 and "/128". */
const MAX_PREFIX_LENGTH = 49;

export const Prefix = z
  .string()
  .max(MAX_PREFIX_LENGTH)
  .superRefine((text, context) => {
    const problem = prefixProblem(text);
    if (problem !== undefined) {
      context.addIssue({ code: 'custom', message: problem.detail, params: { rule: problem.rule, fix: problem.fix } });
    }
  })
  .meta({
    description: 'IPv4 or IPv6 prefix with no bit set behind its length (RFC 4632, RFC 4291).',
    examples: ['10.1.0.0/16'],
  });

export const UnderlayAddress = unicastAddress({
  address_format: 'Give the address that other edges reach, for example 203.0.113.7.',
  address_not_unicast: 'Give a unicast address of the edge.',
}).meta({ description: 'Unicast IPv4 or IPv6 address of the edge on the underlay.', examples: ['203.0.113.7'] });

/** In the overlay. */
export const HostAddress = unicastAddress({
  address_format: 'Give an address without a length, for example 10.99.0.7 or 2001:db8:99::7.',
  address_not_unicast: 'Give the unicast address of one host.',
}).meta({ description: 'Unicast IPv4 or IPv6 address of one host in the overlay.', examples: ['10.99.0.7'] });

export const ProblemEntry = z
  .object({
    pointer: z.string().meta({
      description:
        'JSON pointer (RFC 6901) to the value at fault: in the body, or, when a draft does not compile, in the intent (/policies/0/rules/1/…). A query parameter is written ?name.',
    }),
    rule: z.string().meta({ description: 'Stable name of the rule that was broken.' }),
    detail: z.string().meta({ description: 'What is wrong, in one sentence.' }),
    fix: z.string().meta({ description: 'What to do about it.' }),
  })
  .meta({ id: 'ProblemEntry' });

export const Problem = z
  .object({
    type: z.string().meta({ description: 'URI reference that names the kind of problem; stable.' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    instance: z.string().meta({ description: 'Path of the request.' }),
    requestId: z
      .string()
      .meta({ description: 'Identifier of the request, also in the X-Request-Id header and in the log.' }),
    errors: z.array(ProblemEntry),
  })
  .meta({ id: 'Problem', description: 'Problem details (RFC 9457).' });

export type ProblemEntry = z.infer<typeof ProblemEntry>;
export type Problem = z.infer<typeof Problem>;

/** `fix`: what to do, by the rule that a text breaks. */
function unicastAddress(fix: Readonly<Record<'address_format' | 'address_not_unicast', string>>) {
  return z
    .string()
    .max(45)
    .superRefine((text, context) => {
      const octets = addressOctets(text);
      const refuse = (rule: keyof typeof fix, message: string) =>
        context.addIssue({ code: 'custom', message, params: { rule, fix: fix[rule] } });
      if (octets === undefined) refuse('address_format', `"${text}" is no IPv4 or IPv6 address`);
      else if (octets.every((octet) => octet === 0) || isMulticast(octets)) {
        refuse('address_not_unicast', `"${text}" names no single host`);
      }
    });
}

interface PrefixProblem {
  readonly rule: string;
  readonly detail: string;
  readonly fix: string;
}

function prefixProblem(text: string): PrefixProblem | undefined {
  const [address = '', length = '', ...rest] = text.split('/');
  const octets = addressOctets(address);
  if (
    octets === undefined ||
    rest.length > 0 ||
    !/^(?:0|[1-9]\d{0,2})$/.test(length) ||
    Number(length) > octets.length * 8
  ) {
    const fix = 'Write an address, a slash and a length, for example 10.1.0.0/16 or 2001:db8:1::/48.';
    return { rule: 'prefix_format', detail: `"${text}" is no IPv4 or IPv6 prefix`, fix };
  }
  const bits = Number(length);
  if (octets.some((octet, index) => (octet & ~maskOctet(bits, index)) !== 0)) {
    const fix = `Clear the bits behind /${bits}, or give a longer prefix.`;
    return { rule: 'prefix_host_bits', detail: `"${text}" has bits set behind its length`, fix };
  }
  return undefined;
}

function maskOctet(bits: number, index: number): number {
  const inOctet = Math.min(8, Math.max(0, bits - index * 8));
  return (0xff << (8 - inOctet)) & 0xff;
}

function isMulticast(octets: readonly number[]): boolean {
  const first = octets[0] ?? 0;
  return octets.length === 4 ? first >= 224 : first === 0xff;
}

/** Octets of a textual address without zone; undefined when it is none. */
function addressOctets(text: string): number[] | undefined {
  const version = text.includes('%') ? 0 : isIP(text);
  if (version === 4) {
    return text.split('.').map(Number);
  }
  return version === 6 ? ipv6Octets(text) : undefined;
}

function ipv6Octets(text: string): number[] {
  const [head = '', tail] = text.split('::');
  const left = ipv6Groups(head);
  const right = tail === undefined ? [] : ipv6Groups(tail);
  return [...left, ...new Array<number>(16 - left.length - right.length).fill(0), ...right];
}

function ipv6Groups(text: string): number[] {
  return text
    .split(':')
    .filter((group) => group !== '')
    .flatMap((group) =>
      group.includes('.') ? group.split('.').map(Number) : [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff],
    );
}
