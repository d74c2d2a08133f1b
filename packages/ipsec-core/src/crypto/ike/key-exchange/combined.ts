import { KeyExchangeError, type KeyExchangeProvider } from './key-exchange.js';

/** One provider out of several: each method is done by the first that has it. */
export function combineKeyExchanges(name: string, providers: readonly KeyExchangeProvider[]): KeyExchangeProvider {
  const holder = (method: number): KeyExchangeProvider => {
    const found = providers.find((provider) => provider.methods.includes(method));
    if (found === undefined) throw new KeyExchangeError('unsupported_method', method);
    return found;
  };
  return {
    name,
    methods: [...new Set(providers.flatMap((provider) => provider.methods))],
    initiate: (method, random) => holder(method).initiate(method, random),
    respond: (method, peerPublic, random) => holder(method).respond(method, peerPublic, random),
  };
}
