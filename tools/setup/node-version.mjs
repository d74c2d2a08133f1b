// The oldest Node that Weft runs on; package.json says the same to npm.

/**
 * @param {string} version of Node, as in process.versions.node
 * @returns {string | undefined} what to tell the reader; undefined when it is recent enough
 */
export function whyNodeIsTooOld(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST_MAJOR || (major === OLDEST_MAJOR && minor >= OLDEST_MINOR)) return undefined;
  return `Weft needs Node ${OLDEST_MAJOR}.${OLDEST_MINOR} or newer; this is ${version}.`;
}

const OLDEST_MAJOR = 20;
const OLDEST_MINOR = 19;
