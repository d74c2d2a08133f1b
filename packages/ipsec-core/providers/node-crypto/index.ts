export { nodeCryptoProvider } from './node-crypto-provider.js';
