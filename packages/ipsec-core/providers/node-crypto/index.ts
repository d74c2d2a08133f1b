export { nodeKeyExchange } from './ike/key-exchange.js';
export { nodeCryptoProvider } from './node-crypto-provider.js';
export { nodeRandom } from './random.js';
