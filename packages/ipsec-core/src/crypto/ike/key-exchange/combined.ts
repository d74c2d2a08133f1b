import { KeyExchangeError, type KeyExchangeProvider } from './key-exchange.js';

/** One provider out of several: each method is done by the first that has it. */
export function combineKeyExchanges(name: string, providers: readonly KeyExchangeProvider[]): KeyExchangeProvider {
  const holder = (method: number): KeyExchangeProvider => {
    const found = providers.find((provider) => provider.methods.includes(method));
    if (found === undefined) throw new KeyExchangeError('unsupported_method', method);
    return found;
  };
  const methods = [...new Set(providers.flatMap((provider) => provider.methods))];
  return {
    name,
    methods,
    costly: new Set(methods.filter((method) => holder(method).costly.has(method))),
    initiate: (method, random) => holder(method).initiate(method, random),
    respond: (method, peerPublic, random) => holder(method).respond(method, peerPublic, random),
    finish: (method, privateValue, peerPublic) => holder(method).finish(method, privateValue, peerPublic),
  };
}
