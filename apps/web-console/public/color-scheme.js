// Runs before the first paint, so that the page never flashes in the other colour scheme.
// A file of its own, not an inline script: the content security policy allows only 'self' and the nonce.
(() => {
  let choice = 'auto';
  try {
    choice = localStorage.getItem('weft-color-scheme') ?? 'auto';
  } catch (error) {
    // Storage is blocked: follow the system.
    void error;
  }
  const dark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
