import {
  compileShared,
  deliverFabric,
  type FabricIntent,
  proveAlternatives,
  proveDelivered,
  proveFabric,
  sharedBundleOctets,
} from '@weft/fabric-compiler';

/**
 * Everything that is made of an intent, as text: the octets and hashes of the proven bundles, also after an edit; what the proof
 * says; and the bundles that edges are given.
 */
export function compiledText(intent: FabricIntent): string {
  const whole = compileShared(intent);
  const edited = withoutFirstRule(intent);
  const again = whole.ok ? compileShared(edited, whole.fabric) : whole;
  const delivered = whole.ok ? deliverFabric(whole.fabric) : whole;
  return JSON.stringify(
    {
      whole: sharedText(whole),
      again: sharedText(again),
      proof: whole.ok ? proveFabric(whole.fabric).findings : [],
      delivered,
      alternatives: delivered.ok ? proveAlternatives(delivered.bundles, intent) : [],
      asProven: whole.ok && delivered.ok ? proveDelivered(delivered.bundles, whole.fabric) : [],
    },
    plain,
  );
}

function sharedText(result: ReturnType<typeof compileShared>): unknown {
  if (!result.ok) return result.problems;
  const bundles = result.fabric.bundles.map((bundle) => ({
    digest: bundle.digest,
    octets: sharedBundleOctets(bundle),
  }));
  return { bundles, changed: result.changed };
}

function withoutFirstRule(intent: FabricIntent): FabricIntent {
  const [first, ...others] = intent.policies;
  return first === undefined ? intent : { ...intent, policies: [{ ...first, rules: first.rules.slice(1) }, ...others] };
}

/** What JSON does not know, in one way everywhere. */
function plain(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Array.from(value, (octet) => octet.toString(16).padStart(2, '0')).join('');
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Map) return [...value];
  return value instanceof Set ? [...value] : value;
}
